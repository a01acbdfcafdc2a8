"""`tokkit signals` and `tokkit train --method bytespan` as a user calls them, with good files and bad ones."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.command import tokkit
from tokkit.bytespan.lm import ByteLm
from tokkit.bytespan.signals_file import read_signals
from tokkit.model.tokenizer import Tokenizer

ENGLISH = "the cat sat on the mat\nthe dog sat on the log\n" * 20
FRENCH = "le chat est sur le tapis\nétat, états\n" * 20
TRAIN = ("train", "en.txt", "-o", "out", "--method", "bytespan")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "en.txt").write_text(ENGLISH, encoding="utf-8")
    (tmp_path / "fr.txt").write_text(FRENCH, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "options",
    [
        ["--build", "frequency", "--vocab-size", "280"],
        ["--signal", "surprisal", "--constraint", "global", "--percentile", "60", "--vocab-size", "280"],
        ["--constraint", "monotonic", "--proportion", "0.95", "--vocab-size", "280"],
        ["--typed", "--vocab-size", "800"],
        ["--compat", "--vocab-size", "800", "--special-tokens", "<end>"],
        ["--build", "increment", "--min-count", "5", "--vocab-size", "280"],
        ["--build", "increment", "--compat", "--vocab-size", "720"],
    ],
    ids=lambda options: " ".join(options),
)
def test_every_way_to_build_makes_a_tokenizer_with_an_exact_export(folder: Path, options: list[str]) -> None:
    result = tokkit(*TRAIN, *options, cwd=folder)

    assert result.returncode == 0, result.stderr
    tokenizer = Tokenizer.from_pretrained(folder / "out")
    text = "the états ‿ ## sat"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    manifest = json.loads((folder / "out" / "tokkit.json").read_text(encoding="utf-8"))
    assert manifest["exports"]["hf"]["status"] == "exact"


def test_languages_take_turns(folder: Path) -> None:
    result = tokkit(*TRAIN, "fr.txt", "--build", "balanced", "--proportion", 1, "--vocab-size", 266, cwd=folder)

    assert result.returncode == 0, result.stderr
    made = [token for token in Tokenizer.from_pretrained(folder / "out").model.tokens if len(token) > 1]  # type: ignore[union-attr]
    spelled = [token.decode(errors="replace").strip() for token in made]
    assert [token in ENGLISH for token in spelled[::2]] == [True] * 5
    assert [token in FRENCH for token in spelled[1::2]] == [True] * 5


def test_one_language_cannot_take_turns(folder: Path) -> None:
    result = tokkit(*TRAIN, "--build", "balanced", "--vocab-size", 280, cwd=folder)

    assert result.returncode == 2
    assert "give one INPUT for each language" in result.stderr


def test_the_model_lies_beside_the_tokenizer_and_is_used_again(folder: Path) -> None:
    assert tokkit(*TRAIN, "--vocab-size", 280, cwd=folder).returncode == 0
    kept = ByteLm.load(folder / "out")
    again = tokkit(
        "train", "en.txt", "-o", "two", "--method", "bytespan", "--vocab-size", 280, "--lm", "out", cwd=folder
    )

    assert again.returncode == 0, again.stderr
    assert not (folder / "two" / "byte.lm").exists()
    assert (folder / "two" / "vocab.txt").read_bytes() == (folder / "out" / "vocab.txt").read_bytes()
    # The tokenizer does not need it.
    (folder / "out" / "byte.lm").unlink()
    assert Tokenizer.from_pretrained(folder / "out").encode("the")
    assert kept.order == 5


def test_another_model_in_the_same_place_is_noticed(folder: Path) -> None:
    for text in ("en.txt", "fr.txt"):
        made = tokkit("signals", text, "--save-lm", "lm", "--overwrite", cwd=folder)
        assert made.returncode == 0, made.stderr
        result = tokkit(*TRAIN, "--vocab-size", 280, "--lm", "lm", "--overwrite", cwd=folder)
        assert result.returncode == 0, result.stderr
        assert "train: finished already" not in result.stderr


def test_signals_from_a_file_give_the_same_vocabulary(folder: Path) -> None:
    made = tokkit("signals", "en.txt", "-o", "s.parquet", "--save-lm", "lm", "--json", cwd=folder)
    assert made.returncode == 0, made.stderr
    facts = json.loads(made.stdout)
    assert (facts["documents"], facts["bytes"]) == (40, len(ENGLISH))
    for name, options in {"own": [], "loaded": ["--lm", "lm"], "signals": ["--signals", "s.parquet"]}.items():
        result = tokkit(
            "train", "en.txt", "-o", name, "--method", "bytespan", "--vocab-size", 280, *options, cwd=folder
        )
        assert result.returncode == 0, result.stderr
    assert len({(folder / name / "vocab.txt").read_bytes() for name in ("own", "loaded", "signals")}) == 1


def test_several_inputs_are_languages_and_a_space_can_stand_in_front(folder: Path) -> None:
    assert tokkit("signals", "en.txt", "fr.txt", "-o", "s.parquet", "--space-in-front", cwd=folder).returncode == 0
    found = read_signals(folder / "s.parquet", "entropy")
    assert set(found.languages) == {"en.txt", "fr.txt"}
    assert all(document.startswith(b" ") for document in found.documents)
    result = tokkit(
        *TRAIN, "--vocab-size", 900, "--signals", "s.parquet", "--build", "balanced", "--compat", cwd=folder
    )
    assert result.returncode == 0, result.stderr


NUMBERS = [[1.0, 2.0]]
BAD_SIGNALS: dict[str, tuple[dict[str, object], str]] = {
    "no column": ({"document": ["ab"], "surprisal": NUMBERS}, "no column `entropy`"),
    "no documents": ({"entropy": NUMBERS}, "no column `document`"),
    "numbers as text": ({"document": ["ab"], "entropy": ["1 2"]}, "must hold lists of numbers, got string"),
    "documents as numbers": ({"document": [12], "entropy": NUMBERS}, "must hold strings or bytes, got int64"),
    "another length": ({"document": ["abc"], "entropy": NUMBERS}, "row 0: 3 bytes with 2 values"),
    "characters counted": ({"document": ["ab", "éa"], "entropy": [*NUMBERS, *NUMBERS]}, "row 1: 3 bytes with 2"),
    "missing": ({"document": ["ab", "ab"], "entropy": [NUMBERS[0], None]}, "row 1: has no document or no entropy"),
    "not a number": ({"document": ["ab", "ab"], "entropy": [NUMBERS[0], [1.0, np.nan]]}, "row 1: a value of entropy"),
    "null inside": ({"document": ["ab"], "entropy": [[None, 1.0]]}, "row 0: a value of entropy is no number"),
    "languages as numbers": ({"document": ["ab"], "entropy": NUMBERS, "language": [1]}, "must hold strings, got int64"),
    "nothing": (
        {"document": pa.array([], pa.string()), "entropy": pa.array([], pa.list_(pa.float64()))},
        "no document",
    ),
    "all zero": ({"document": ["ab"], "entropy": [[0.0, 0.0]]}, "no byte has a finite signal"),
}


@pytest.mark.parametrize("name", BAD_SIGNALS)
def test_bad_signals_are_refused_by_row_and_reason(folder: Path, name: str) -> None:
    content, message = BAD_SIGNALS[name]
    pq.write_table(pa.table(content), folder / "bad.parquet")
    result = tokkit(*TRAIN, "--vocab-size", 280, "--signals", "bad.parquet", cwd=folder)

    assert result.returncode == (2 if name == "all zero" else 3)
    assert message in result.stderr
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--signals", "en.txt"], 3, "cannot be read as parquet"),
        (["--signals", "nowhere"], 3, "nowhere: cannot be read as parquet"),
        (["--lm", "en.txt"], 3, "not a byte language model"),
        (["--lm", "nowhere"], 3, "nowhere: cannot be read"),
        (["--lm", "a", "--signals", "b"], 2, "exclude each other"),
        (["--build", "increment", "--constraint", "monotonic"], 2, "in the order of their signal"),
        (["--build", "frequency", "--proportion", "0.3"], 2, "no merges to share"),
        (["--constraint", "global", "--compat"], 2, "with build increment only"),
        (["--typed"], 2, "no room for 767 tokens"),
        (["--lm-order", "33"], 2, "lm-order"),
    ],
)
def test_bad_options_are_refused(folder: Path, options: list[str], code: int, message: str) -> None:
    result = tokkit(*TRAIN, "--vocab-size", 280, *options, cwd=folder)

    assert result.returncode == code, result.stderr
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["en.txt"], 2, "nothing to write"),
        (["en.txt", "-o", "s", "--lm", "a", "--model", "b"], 2, "exclude each other"),
        (["en.txt", "-o", "s", "--lm", "a", "--save-lm", "b"], 2, "does not go with"),
        (["-", "-o", "s"], 2, "standard input can be read once"),
        (["nowhere", "-o", "s"], 3, "nowhere"),
        (["empty", "-o", "s"], 3, "no text"),
        (["en.txt", "-o", "fr.txt"], 2, "exists"),
    ],
)
def test_signals_refuses_what_cannot_work(folder: Path, arguments: list[str], code: int, message: str) -> None:
    (folder / "empty").write_bytes(b"")
    result = tokkit("signals", *arguments, cwd=folder)

    assert result.returncode == code, result.stderr
    assert message in result.stderr
    assert not (folder / "s").exists()
