"""Every method end to end on a tiny model: all rows are made, none is zero, each is accounted for."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests import tiny_models
from tokkit.errors import UsageError
from tokkit.load import load_tokenizer
from tokkit.transplant import METHODS, transplant
from tokkit.transplant.auto import Auto, blended, nearest
from tokkit.transplant.base import Auxiliary, Pieces, Problem, Rows, Side
from tokkit.transplant.checkpoint import open_checkpoint
from tokkit.transplant.clp import Clp
from tokkit.transplant.compose import Compose
from tokkit.transplant.focus import cosines
from tokkit.transplant.omp import Omp
from tokkit.transplant.provenance import NAME, read_provenance
from tokkit.transplant.sparse import Csr
from tokkit.transplant.vectors import _contexts, trained_vectors
from tokkit.transplant.vocabulary import read_vocabulary

TEXT = "the quick brown fox jumps over the lazy dog, the fox and the dog 1234 1234\n" * 4
TABLE = "model.embed_tokens.weight"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base` of 270 tokens, `donor` of 290 tokens and another width, `vectors.safetensors` for both."""
    home = tmp_path_factory.mktemp("methods")
    config = {"num_attention_heads": 2, "rope_parameters": {"rope_theta": 500.0}}
    tiny_models.model(tiny_models.tokenizer(home / "base", TEXT[:66], 270), 270, config=config)
    tiny_models.model(tiny_models.tokenizer(home / "donor", TEXT, 290), 290, width=12, config=config)
    draw = np.random.default_rng(3)
    vectors = {"target": draw.standard_normal((290, 5)), "base": draw.standard_normal((270, 5))}
    vectors["target"][280] = np.nan
    save_file(vectors, home / "vectors.safetensors")
    return home


@pytest.mark.parametrize("method", [name for name in METHODS if "model" not in METHODS.get(name).needs])
@pytest.mark.parametrize("is_tied", [True, False])
def test_every_row_is_made_and_accounted_for(home: Path, tmp_path: Path, method: str, is_tied: bool) -> None:
    base, donor = home / "base", home / "donor"
    if not is_tied:
        for folder, rows, width in ((base, 270, 8), (donor, 290, 12)):
            copy = tmp_path / folder.name
            copy.mkdir()
            for path in folder.glob("tokenizer*"):
                (copy / path.name).write_bytes(path.read_bytes())
            draw = np.random.default_rng(rows)
            tensors = {
                TABLE: draw.standard_normal((rows, width), np.float32),
                "lm_head.weight": draw.standard_normal((rows, width), np.float32),
            }
            config = {"tie_word_embeddings": False, "num_attention_heads": 2, "rope_theta": 500.0}
            tiny_models.model(copy, rows, tensors=tensors, config=config)
        base, donor = tmp_path / "base", tmp_path / "donor"
    vectors = home / "vectors.safetensors"
    report = transplant(base, donor, tmp_path / "out", donor=donor, method=method, auxiliary=vectors)
    assert len(report.tensors) == (1 if is_tied else 2)
    before, after = open_checkpoint(base), load_file(tmp_path / "out" / "model.safetensors")
    kept = read_provenance(tmp_path / "out" / NAME)
    for name in report.tensors:
        assert after[name].shape == (290, 8)
        assert np.isfinite(after[name]).all()
        assert method == "zero" or after[name].any(axis=1).all()
        assert sum(report.methods[name].values()) == 290
        assert kept.operators[name].rows(before.read(name)).tobytes() == after[name].tobytes()
    assert kept.facts["method"] == method


@pytest.fixture(scope="module")
def read_twice(home: Path) -> list[np.ndarray]:
    """Vectors of `base` and `donor` from sentences in which two pairs of words keep like company."""
    draw = np.random.default_rng(1)
    company = {"fox": ("quick", "brown"), "dog": ("quick", "brown"), "lazy": ("the", "over"), "and": ("the", "over")}
    lines = []
    for word in list(company) * 50:
        left, right = draw.choice(company[word], 2)
        lines += [f"{left} {word} {right}", " x" * 9]
    tokenizers = [load_tokenizer(home / name) for name in ("base", "donor")]
    return trained_vectors(tokenizers, ["\n".join(lines)], (270, 290), width=8)


def test_tokens_of_like_company_get_like_vectors_whichever_tokenizer_they_are_of(
    home: Path, read_twice: list[np.ndarray]
) -> None:
    tables = [read_vocabulary(home / name).by_data for name in ("base", "donor")]
    dog, fox, other = (tables[1][word] for word in (b" dog", b" fox", b" and"))
    alike = cosines(read_twice[1][[dog, fox, other]], read_twice[1][[dog, fox, other]])
    assert alike[0, 1] > alike[0, 2] + 0.3  # not 1: the word itself is company too
    assert cosines(read_twice[0][[tables[0][b" fox"]]], read_twice[1][[fox]])[0, 0] > 0.9


def test_vectors_of_the_same_text_are_the_same_and_of_what_does_not_occur_none(home: Path) -> None:
    tokenizers = [load_tokenizer(home / name) for name in ("base", "donor")]
    first, again = (trained_vectors(tokenizers, [TEXT * 3], (270, 290), width=4) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.tobytes() == other.tobytes()
    assert np.isnan(first[1][read_vocabulary(home / "donor").by_data[b"\x00"]]).all()
    with pytest.raises(UsageError, match="too short"):
        trained_vectors(tokenizers, [""], (270, 290))


def test_words_of_scripts_without_spaces_are_their_characters() -> None:
    ends, names = _contexts("ab 東京c\n", {"ab": 0, "東": 1, "京": 2})
    assert (ends.tolist(), names.tolist()) == ([2, 6, 9, 10], [0, 1, 2, -1])


def test_auto_with_vectors_takes_a_share_of_each_row_from_near_tokens_but_not_of_numbers() -> None:
    composed = Rows(
        Csr.of_rows([([0, 1], [0.5, 0.5]), ([2], [1.0]), ([], []), ([3], [1.0])]),
        served=np.array([True, True, False, True]),
        labels=("compose",) * 4,
    )
    base = np.eye(5, 6, dtype=np.float32)
    vectors = Auxiliary(np.stack([base[4], base[4], base[4], np.full(6, np.nan)]).astype(np.float32), base)
    near = nearest(vectors, np.array([True, False, True, True]))
    assert sorted(near) == [0, 2]
    made = blended(composed, near, share=0.25, label="near")
    table = np.zeros((4, 5))
    for place in range(4):
        np.add.at(table[place], *made.weights.row(place))
    assert table.sum(axis=1) == pytest.approx(1)
    assert table[0, :2] == pytest.approx(0.375)
    assert table[0, 4] == pytest.approx(0.25, abs=1e-6)
    assert table[1].tolist() == [0, 0, 1, 0, 0]
    assert table[2, 4] > 0.99
    assert table[3].tolist() == [0, 0, 0, 1, 0]
    assert made.labels == ("compose + near", "compose", "near", "compose")
    assert made.served is not None
    assert made.served.all()


@pytest.fixture
def with_donor() -> Problem:
    """Three new tokens, one of them a number and one without pieces, four anchors, a donor of width 3."""
    draw = np.random.default_rng(5)
    pieces = Pieces(
        [np.array([0, 1]), np.array([2]), np.zeros(0, np.int64)], [np.array([1, 3]), np.ones(1), np.ones(0)]
    )
    anchors = np.array([1, 2, 4, 5])
    return Problem(
        "in",
        partial(draw.standard_normal, (6, 4)),
        anchors,
        (b"word", b"12", b"\xff\xfe"),
        pieces=lambda: pieces,
        donor_new=9 * draw.standard_normal((3, 3)).astype(np.float32),
        donor_anchors=draw.standard_normal((4, 3)).astype(np.float32),
    )


def test_auto_with_a_donor_takes_a_share_of_the_pursuit_but_not_of_numbers(with_donor: Problem) -> None:
    made = Auto(Auto.Config(donor_share=0.25)).solve(with_donor)
    pursued = Omp(Omp.Config(k=8)).solve(with_donor)
    table = np.zeros((3, 6))
    wanted = np.zeros((3, 6))
    for place in range(3):
        np.add.at(table[place], *made.weights.row(place))
        np.add.at(wanted[place], *pursued.weights.row(place))
    wanted /= np.maximum(1, np.abs(wanted).sum(axis=1, keepdims=True))  # the limit, with each anchor chosen once
    wanted[0] *= 0.25 * 0.95
    wanted[0, :2] += 0.75 * 0.95 * np.array([0.25, 0.75])
    wanted[1] = 0.95 * np.eye(6)[2]
    assert table == pytest.approx(wanted)
    assert made.labels == ("compose + omp", "compose", "omp")
    assert made.served is not None
    assert made.served.all()
    assert made.residual is not None
    assert np.isnan(made.residual).tolist() == [False, True, False]


def test_no_row_of_auto_outbids_all_that_it_is_made_of(with_donor: Problem) -> None:
    """|coefficients| add up to 1 at most, whatever the donor says: so do logits of the parts bound those of the row."""
    assert np.abs(Omp(Omp.Config(k=8)).solve(with_donor).weights.l1()).max() > 2
    for share in (0.0, 0.2, 1.0):
        assert Auto(Auto.Config(donor_share=share)).solve(with_donor).weights.l1().max() <= 1 + 1e-12


def test_a_mixture_that_misses_the_donors_row_has_no_share(with_donor: Problem) -> None:
    made = Auto(Auto.Config(k=1, max_residual=1e-3)).solve(with_donor)
    assert made.labels == ("compose", "compose", "compose")
    assert made.served is not None
    assert made.served.tolist() == [True, True, False]


@pytest.mark.parametrize("limit", [0.5, 1.0, 1e9])
def test_a_limit_shortens_long_mixtures_and_leaves_the_others(with_donor: Problem, limit: float) -> None:
    free = Omp(Omp.Config(k=3)).solve(with_donor).weights
    made = Omp(Omp.Config(k=3, max_l1=limit)).solve(with_donor).weights
    assert made.indices.tolist() == free.indices.tolist()
    assert made.l1() == pytest.approx(np.minimum(free.l1(), limit))


def test_clp_leaves_tokens_whose_cosines_cancel_each_other_to_the_fallback(with_donor: Problem) -> None:
    anchors = np.array([[1, 0], [1, 0], [-1, 0.002], [-1, 0.002]], np.float32)
    new = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    made = Clp(Clp.Config()).solve(replace(with_donor, donor_anchors=anchors, donor_new=new))
    assert made.served is not None
    assert made.served.tolist() == [False, True, False]


@pytest.mark.parametrize("method", ["auto", "focus", "wechsel", "tokenadapt"])
def test_vectors_are_learnt_from_a_text_for_every_method_that_takes_them(
    home: Path, tmp_path: Path, method: str
) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT * 5, encoding="utf-8")
    report = transplant(home / "base", home / "donor", tmp_path / "out", method=method, learn_from=text)
    used = report.methods[TABLE]
    assert used.get("compose + near" if method == "auto" else method, 0) > 5


@pytest.mark.parametrize(("side", "is_tied", "wanted"), [("in", True, 0.5), ("out", False, 0.5), ("in", False, 1.0)])
def test_only_output_rows_are_scaled(side: Side, is_tied: bool, wanted: float) -> None:
    pieces = Pieces([np.array([0, 1])], [np.array([1, 2])])
    read = partial(np.ones, (2, 3))
    problem = Problem(side, read, np.zeros(0, np.int64), (b"abc",), pieces=lambda: pieces, is_tied=is_tied)
    made = Compose(Compose.Config(scale=0.5)).solve(problem)
    assert made.weights.weights.sum() == pytest.approx(wanted)
