"""Bad and hostile tokenizer files end in TokenizerError: no panic, no hang, no silent acceptance."""

import base64
import contextlib
import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.golden_models import golden_model
from tokkit.errors import InputError, NetworkError, TokenizerError, TokkitError, UsageError
from tokkit.export.hf import tokenizer_json
from tokkit.load import load_tokenizer
from tokkit.load.library import LibraryTokenizer
from tokkit.model.vocab import ATOM_BYTE_ORDER


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    return tokenizer_json(golden_model("p1_byte_v300", "hf"))


def write(folder: Path, content: object, name: str = "tokenizer.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def changed(good: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    content = copy.deepcopy(good)
    *parents, last = path.split("/")
    place: Any = content
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return content


def test_the_good_file_loads(good: dict[str, Any], tmp_path: Path) -> None:
    assert load_tokenizer(write(tmp_path, good)).vocab_size == 300


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model/merges/0", ["e", "x" * 500], "not in the vocabulary"),  # longer than any token: the library panics
        ("model/merges/0", ["z", "z"], "not in the vocabulary"),
        ("model/merges/0", "z", "left right"),
        ("model/merges/0", "a b c", "left right"),
        ("model/merges/0", ["a"], "left right"),
        ("model/merges/0", ["a", 1], "left right"),
        ("model/merges/0", None, "left right"),
        ("model/merges", {}, "must be a list"),
        ("model/merges", None, "must be a list"),
        ("model/vocab", [], "must be an object"),
        ("model/vocab", None, "must be an object"),
        ("model/vocab/a", 0, "is given to"),
        ("model/vocab/a", -1, "must lie in"),
        ("model/vocab/a", 2**32, "must lie in"),
        ("model/vocab/a", 2**32 - 1, "must lie in"),
        ("model/vocab/a", 10**4000, "must lie in"),
        ("model/vocab/a", 1.0, "must be an integer"),
        ("model/vocab/a", True, "must be an integer"),
        ("model/vocab/a", "1", "must be an integer"),
        ("model/vocab/a", None, "must be an integer"),
        ("model/vocab/\ud800", 300, "surrogate|UTF-8"),
        ("model/type", "Quantum", "must be one of"),
        ("model/type", 3, "must be one of"),
        ("model/unk_token", "<nothing>", "not in the vocabulary"),
        ("model/unk_token", 3, "must be a string"),
        ("model", [], "must be an object"),
        ("model", None, "must be an object"),
        ("pre_tokenizer", "ByteLevel", "must be an object"),
        ("normalizer", 7, "must be an object"),
        ("decoder", [], "must be an object"),
        ("added_tokens", {"a": 1}, "must be a list"),
        ("added_tokens", [5], "must be an object"),
        ("added_tokens", [{"id": 300}], "content"),
        ("added_tokens", [{"id": 300, "content": ""}], "empty"),
        ("added_tokens", [{"id": "300", "content": "<s>"}], "must be an integer"),
        ("added_tokens", [{"id": 5000, "content": "<s>"}], "must lie in"),
        ("added_tokens", [{"id": 5, "content": "<s>"}], "contradicts"),
        ("added_tokens", [{"id": 300, "content": "a"}], "contradicts"),
        ("added_tokens", [{"id": 300, "content": "<s>", "special": "yes"}], "true or false"),
        ("added_tokens", [{"id": 300, "content": "<s>"}, {"id": 301, "content": "<s>"}], "twice"),
        ("added_tokens", [{"id": 300, "content": "<s>"}, {"id": 300, "content": "<t>"}], "contradicts"),
    ],
)
def test_wrong_value_is_named(good: dict[str, Any], path: str, value: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=message) as caught:
        load_tokenizer(write(tmp_path, changed(good, path, value)))
    assert len(str(caught.value)) < 600


def test_all_ids_zero_is_refused(good: dict[str, Any], tmp_path: Path) -> None:
    content = changed(good, "model/vocab", dict.fromkeys(good["model"]["vocab"], 0))
    with pytest.raises(TokenizerError, match="id 0 is given to"):
        load_tokenizer(write(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [
        '{"a": 1' + "0" * 5000 + "}",
        "",
        "{",
        "[" * 200_000,
        '{"a":' * 200_000,
        "[]",
        "null",
        "3",
        '"text"',
        '{"model": NaN}',
        "\x00",
        "{} {}",
        "<html>",
    ],
)
def test_what_is_not_a_json_object_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError):
        load_tokenizer(write(tmp_path, content))


def test_depth_is_limited_well_below_the_parsers_own_limit(good: dict[str, Any], tmp_path: Path) -> None:
    nested: dict[str, Any] = {}
    for _ in range(70):
        nested = {"type": "Sequence", "normalizers": [nested]}
    with pytest.raises(TokenizerError, match="deeper than 64"):
        load_tokenizer(write(tmp_path, changed(good, "normalizer", nested)))


def test_key_twice_is_refused(good: dict[str, Any], tmp_path: Path) -> None:
    text = json.dumps(good).replace('"vocab": {', '"vocab": {"a": 7, ', 1)
    with pytest.raises(TokenizerError, match="occurs twice"):
        load_tokenizer(write(tmp_path, text))


def test_every_cut_of_a_file_is_refused(good: dict[str, Any], tmp_path: Path) -> None:
    text = json.dumps(good)
    for end in range(0, len(text) - 1, max(1, len(text) // 60)):
        with pytest.raises(TokenizerError):
            load_tokenizer(write(tmp_path, text[:end]))


def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with path.open("wb") as file:
        file.truncate(256 * 2**20 + 1)
    with pytest.raises(TokenizerError, match="256 MiB"):
        load_tokenizer(path)


def test_catastrophic_pattern_never_panics_or_hangs(good: dict[str, Any], tmp_path: Path) -> None:
    split = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    content = changed(good, "pre_tokenizer", {"type": "Sequence", "pretokenizers": [split, good["pre_tokenizer"]]})
    with contextlib.suppress(TokkitError):
        load_tokenizer(write(tmp_path, content)).encode("a" * 40 + "!")


def test_repeated_merge_takes_its_last_place_as_the_library_does(good: dict[str, Any], tmp_path: Path) -> None:
    import tokenizers

    content = copy.deepcopy(good)
    content["model"]["merges"].append(content["model"]["merges"][0])
    path = write(tmp_path, content)
    library, ours = tokenizers.Tokenizer.from_file(str(path)), load_tokenizer(path)
    for text in ("everyone has the right to freedom", " the then there", "therein"):
        assert ours.encode(text) == library.encode(text).ids


def test_old_string_merges_and_missing_keys_are_read(good: dict[str, Any], tmp_path: Path) -> None:
    content = copy.deepcopy(good)
    content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
    for key in ("type", "byte_fallback", "ignore_merges", "unk_token"):
        del content["model"][key]
    del content["version"], content["truncation"], content["padding"], content["post_processor"]
    old, new = load_tokenizer(write(tmp_path, content, "old.json")), load_tokenizer(write(tmp_path, good))
    assert old.encode("All human beings are born free") == new.encode("All human beings are born free")


def test_truncation_and_padding_of_a_file_are_off(tmp_path: Path) -> None:
    vocab = {"[UNK]": 0, "a": 1, "##a": 2}
    content = {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
        "padding": {
            "strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
            "pad_token": "[UNK]",
        },
        "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab,
        },
    }  # fmt: skip
    tokenizer = load_tokenizer(write(tmp_path, content))
    assert isinstance(tokenizer, LibraryTokenizer)
    assert tokenizer.encode("aaaa b") == [1, 2, 2, 2, 0]
    assert tokenizer.decode([1, 2, 0]) == "aa [UNK]"
    assert tokenizer.encode_offsets("aa é").char_offsets == [(0, 1), (1, 2), (3, 4)]
    assert tokenizer.encode_offsets("aa é").byte_offsets[-1] == (3, 5)
    assert tokenizer.token_bytes(2) == b"a"
    for bad in ([3], [-1], [2**40]):
        with pytest.raises(InputError, match="position 0"):
            tokenizer.decode(bad)
    with pytest.raises(InputError, match="surrogate"):
        tokenizer.encode("a\ud800")
    with pytest.raises(InputError, match="byte 1"):
        tokenizer.encode_bytes(b"a\xff")
    with pytest.raises(UsageError, match="dropout"):
        tokenizer.encode("a", dropout=0.1)
    tokenizer.save_pretrained(tmp_path / "copy")
    assert load_tokenizer(tmp_path / "copy").encode("aaaa b") == [1, 2, 2, 2, 0]


def ranks_file(folder: Path, rows: list[tuple[bytes, object]], name: str = "x.tiktoken") -> Path:
    path = folder / name
    path.write_bytes(b"".join(base64.b64encode(token) + f" {rank}\n".encode() for token, rank in rows))
    return path


BYTES: list[tuple[bytes, object]] = [(bytes([byte]), place) for place, byte in enumerate(ATOM_BYTE_ORDER)]


def test_ranks_with_all_bytes_load(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(ranks_file(tmp_path, [*BYTES, (b"ab", 256), (b"abc", 257)]), pattern="gpt2")
    assert tokenizer.encode("abc ab") == [257, ATOM_BYTE_ORDER.index(b" "), 256]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*BYTES, (b"ab", 0)], "rank 0 is given twice"),
        ([*BYTES, (b"a", 300)], "two ranks"),
        (BYTES[1:], "byte 0x21 has no rank"),
        ([], "byte 0x00 has no rank"),
        ([*BYTES, (b"ab", 2**31)], "far beyond"),
        ([*BYTES, (b"ab", -1)], "must be base64 and a rank"),
        ([*BYTES, (b"ab", "x")], "must be base64 and a rank"),
        ([*BYTES, (b"ab", "1" * 5000)], "must be base64 and a rank"),
        ([*BYTES, (b"", 300)], "must be base64 and a rank"),
    ],
)
def test_bad_ranks_are_refused(rows: list[tuple[bytes, object]], message: str, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=message):
        load_tokenizer(ranks_file(tmp_path, rows), pattern="gpt2@1")


def test_ranks_without_a_known_regex_ask_for_one(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="no regex") as caught:
        load_tokenizer(ranks_file(tmp_path, BYTES))
    assert "pattern=" in str(caught.value)


def test_ranks_that_are_not_base64_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tiktoken").write_bytes(b"!!!! 1\n")
    with pytest.raises(TokenizerError, match=r"x\.tiktoken:1: not base64"):
        load_tokenizer(tmp_path / "x.tiktoken", pattern="gpt2")


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"garbage", b"\x0a\x05\x0a", b"\xff" * 4096])
def test_sentencepiece_garbage_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(content)
    with pytest.raises(TokenizerError, match="not a sentencepiece model"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("name", ["model.bin", "tok.pkl", "tok.pt", "evil.py"])
def test_files_that_can_hold_code_are_never_opened(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(TokenizerError, match="never opened"):
        load_tokenizer(tmp_path / name)


@pytest.mark.parametrize("name", ["missing.json", "./owner/name", "/no/such", "a/b/c", "", "a b/c", "../x/y"])
def test_missing_path_is_no_hub_id(name: str) -> None:
    with pytest.raises((InputError, TokenizerError)):
        load_tokenizer(name)


def test_folder_without_tokenizer_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path)


def test_hub_id_offline_is_a_network_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(NetworkError, match="nobody/nothing"):
        load_tokenizer("nobody/nothing@main")


def test_mutated_files_give_a_tokenizer_or_a_tokenizer_error(good: dict[str, Any], tmp_path: Path) -> None:
    chance = random.Random(5)
    values: list[object] = [
        None,
        True,
        -1,
        0,
        1.5,
        2**32,
        "",
        "a",
        "Ġ",
        [],
        {},
        [[]],
        ["a", "b"],
        {"type": "ByteLevel"},
    ]
    places = ["/".join(path) for path in _paths(good)]
    for _ in range(150):
        content = changed(good, chance.choice(places), chance.choice(values))
        with contextlib.suppress(TokenizerError):
            load_tokenizer(write(tmp_path, content)).encode("a the freedom 12 \n\x00é")


def _paths(value: object, head: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        items = [(str(key), child) for key, child in value.items() if "/" not in str(key)]
    elif isinstance(value, list):
        items = [(str(place), child) for place, child in enumerate(value)]
    else:
        return [head]
    found = [head] if head else []
    for key, child in items[:12]:
        found += _paths(child, (*head, key))
    return found
