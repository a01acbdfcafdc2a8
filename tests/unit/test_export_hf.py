"""The exported tokenizer.json gives our ids in `tokenizers` and in `transformers`."""

import json
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tokenizers

from tests.golden_models import golden_file, golden_model, golden_names
from tokkit import artifact
from tokkit.errors import TokenizerError, UsageError
from tokkit.export import EXPORTERS
from tokkit.export.hf import tokenizer_json
from tokkit.load import load_tokenizer
from tokkit.model.events import Event, Events, Kind
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import bytes_to_string

NAUGHTY: list[str] = json.loads((Path(__file__).parents[1] / "data" / "blns.json").read_text(encoding="utf-8"))
SURROGATES = range(0xD800, 0xE000)


def all_code_points(step: int) -> list[str]:
    """Strings of 24 characters that together hold every `step`-th code point."""
    points = [chr(code) for code in range(0, 0x110000, step) if code not in SURROGATES]
    return ["".join(points[low : low + 24]) for low in range(0, len(points), 24)]


def mixed_strings(n: int, seed: int) -> list[str]:
    """Strings of all sorts: words, digits, spaces, line ends, rare characters, naughty pieces."""
    chance = random.Random(seed)
    pools = [
        "etaoin shrdlu", "ETAOIN'sS'll", "0123456789.,", " \t\n\r\v\u00a0\u2003\u3000", "äöüßéñçışğİ", "абвгдеёж",
        "日本語中文한국어", "\u0301\u200d\ufe0f🙂👩🏽", "\x00\x7f\ufffd\ufeff", "{}[]()<>|\\/_-+=*&^%$#@!~`\"'",
    ]  # fmt: skip
    strings = []
    for _ in range(n):
        parts = []
        for _ in range(chance.randrange(1, 6)):
            pool = chance.choice(pools)
            parts.append("".join(chance.choice(pool) for _ in range(chance.randrange(1, 9))))
        strings.append("".join(parts) if chance.random() < 0.95 else chance.choice(NAUGHTY) + "".join(parts))
    return strings


def without_specials(texts: list[str], specials: dict[str, int]) -> list[str]:
    """`tokenizers` reads specials from text, we do not unless asked: such texts are another test's matter."""
    return [text for text in texts if not any(special in text for special in specials)]


def check_equal(folder: Path, texts: list[str], *, transformers: bool) -> None:
    ours = load_tokenizer(folder)
    assert isinstance(ours, Tokenizer)
    texts = without_specials(texts, ours.specials)
    library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    expected = [row.ids for row in library.encode_batch(texts, add_special_tokens=False)]
    found = ours.encode_batch(texts).lists()
    wrong = [text for text, one, two in zip(texts, found, expected, strict=True) if one != two]
    assert not wrong, f"{len(wrong)} of {len(texts)} differ, first {wrong[0]!a}"
    if transformers:
        from transformers import AutoTokenizer

        auto = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
        assert auto(texts, add_special_tokens=False)["input_ids"] == expected


def save(name: str, layout: str, folder: Path) -> Path:
    artifact.save(golden_model(name, layout), folder / "tok")
    return folder / "tok"


@pytest.mark.parametrize("name", golden_names())
def test_export_in_hf_layout_is_the_golden_vocabulary(name: str) -> None:
    content, golden = tokenizer_json(golden_model(name, "hf")), golden_file(name)
    model = content["model"]
    assert isinstance(model, dict)
    assert sorted(model["vocab"], key=model["vocab"].get) == golden["vocab"]
    assert model["merges"] == golden["merges"]


@pytest.mark.parametrize("layout", ["hf", "tokkit"])
@pytest.mark.parametrize("name", golden_names())
def test_both_libraries_agree_on_naughty_strings(name: str, layout: str, tmp_path: Path) -> None:
    check_equal(save(name, layout, tmp_path), NAUGHTY + mixed_strings(300, seed=1), transformers=False)


@pytest.mark.parametrize("name", golden_names())
def test_golden_encodings_come_back_from_the_exported_file(name: str, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(save(name, "hf", tmp_path) / "tokenizer.json")
    for row in golden_file(name)["encodings"]:
        assert tokenizer.encode(row["text"], allowed_special="all") == row["ids"], row["text"]


@pytest.mark.parametrize("name", ["p3_byte_v1000_mf5_special", "p1_metaspace_bytefallback_v700", "p1_ws_limit28_unk"])
def test_transformers_agrees(name: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    texts = NAUGHTY + all_code_points(step=997) + mixed_strings(500, seed=2)
    check_equal(save(name, "tokkit", tmp_path), texts, transformers=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["p3_byte_v4000", "p1_metaspace_bytefallback_v700"])
def test_both_libraries_agree_on_100_000_strings_with_every_code_point(name: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    points = all_code_points(step=1)
    texts = NAUGHTY + points
    texts += mixed_strings(100_000 - len(texts), seed=3)
    assert len(texts) == 100_000
    check_equal(save(name, "tokkit", tmp_path), texts, transformers=True)


def test_transformers_knows_the_roles_and_adds_nothing(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = golden_model("p3_byte_v1000_mf5_special", "tokkit")
    artifact.save(model, tmp_path / "tok", roles={"pad": "<|pad|>"})
    auto = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "tok"))
    assert (auto.eos_token_id, auto.pad_token_id, auto.bos_token_id) == (997, 998, None)
    text = " two  spaces , and don 't .\n"
    assert auto.decode(auto(text)["input_ids"]) == text
    assert len(auto) == 1000


def test_special_in_text_is_special_in_both_when_allowed(tmp_path: Path) -> None:
    folder = save("p3_byte_v1000_mf5_special", "tokkit", tmp_path)
    library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    ours = load_tokenizer(folder)
    for text in ("whether<|endoftext|>", "<|pad|><|pad|>the", "the", "a the b", "other <|endoftext|"):
        assert ours.encode(text, allowed_special="all") == library.encode(text).ids
        assert 997 not in ours.encode(text)


@pytest.mark.parametrize("kind", [Kind.SPLIT, Kind.FLAG])
def test_log_with_more_than_merges_is_refused(kind: Kind, tmp_path: Path) -> None:
    model = golden_model("p1_byte_v300")
    last = Event(kind, 299, 0, 0, 1, (0, 1) if kind == Kind.SPLIT else ())
    model = replace(model, method="picky", events=Events.from_list([*model.events, last]))
    for name in ("hf", "tiktoken", "tekken"):
        with pytest.raises(TokenizerError, match="no exact form"):
            EXPORTERS.get(name)(model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_role_of_a_token_that_is_not_special_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a special token"):
        EXPORTERS.get("hf")(golden_model("p1_byte_v300"), tmp_path, roles={"eos": "</s>"})
    with pytest.raises(UsageError, match="unknown role"):
        EXPORTERS.get("hf")(golden_model("p1_byte_v300"), tmp_path, roles={"king": "</s>"})


def test_two_spellings_of_one_vocabulary_entry_are_refused() -> None:
    model = golden_model("p1_byte_v300", "hf")
    shifted = {name: getattr(model.events, name) + np.uint32(1) for name in ("token", "left", "right")}
    # Text and spelling of a special are one, of a token with a space they are two.
    spelling = next(bytes_to_string(token) for token in model.tokens[256:] if token.startswith(b" "))
    tokens = (spelling.encode(), *model.tokens)
    with pytest.raises(TokenizerError, match="both spelled"):
        tokenizer_json(replace(model, specials=(spelling,), tokens=tokens, events=replace(model.events, **shifted)))


def test_tiktoken_export_gives_equal_ids(tmp_path: Path) -> None:
    tiktoken = pytest.importorskip("tiktoken")
    from tiktoken.load import load_tiktoken_bpe

    model = replace(golden_model("p3_byte_v4000", "tokkit"), specials=())
    ranks_path, description = EXPORTERS.get("tiktoken")(model, tmp_path)
    facts = json.loads(description.read_text())
    encoding = tiktoken.Encoding(
        "ours", pat_str=facts["pat_str"], mergeable_ranks=load_tiktoken_bpe(str(ranks_path)), special_tokens={}
    )
    ours, back = Tokenizer.from_model(model), load_tokenizer(ranks_path)
    for text in NAUGHTY + all_code_points(step=997) + mixed_strings(500, seed=4):
        ids = encoding.encode_ordinary(text)
        assert ours.encode(text) == ids, ascii(text)
        assert back.encode(text) == ids, ascii(text)


@pytest.mark.parametrize(
    ("name", "layout", "reason"),
    [
        ("p1_ws_v500", "tokkit", "only byte-level"),
        ("p3_byte_v1000_mf5_special", "tokkit", "also made by merges"),
    ],
)
def test_tiktoken_refuses_what_ranks_cannot_say(name: str, layout: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=reason):
        EXPORTERS.get("tiktoken")(golden_model(name, layout), tmp_path)


def test_tekken_export_comes_back_with_the_same_tokens(tmp_path: Path) -> None:
    model = golden_model("p3_byte_v4000", "tokkit")
    (path,) = EXPORTERS.get("tekken")(model, tmp_path)
    ours, back = Tokenizer.from_model(model), load_tokenizer(path)
    for text in NAUGHTY[:100]:
        assert back.encode(text) == ours.encode(text)


def test_ids_rise_with_merges_in_the_tokkit_layout() -> None:
    content = tokenizer_json(golden_model("p3_byte_v4000", "tokkit"))
    model = content["model"]
    assert isinstance(model, dict)
    made = [model["vocab"][left + right] for left, right in model["merges"]]
    assert all(one < two for one, two in pairwise(made))
    assert made[0] == 256
