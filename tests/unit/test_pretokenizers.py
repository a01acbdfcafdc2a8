"""Names of pre-tokenizers, their regexes, and their forms in tokenizer.json."""

import pytest

from tests.pretok_oracles import our_pieces
from tokkit import _core
from tokkit.errors import InputError, UsageError
from tokkit.pretokenizers import (
    canonical,
    cuts_at_space_runs,
    from_hf,
    from_pattern,
    hf_decoder,
    hf_normalizer,
    hf_pretokenizer,
    llama_cpp_name,
    names,
    pattern,
    patterns,
    space_runs_of_hf,
    summary,
)

_REST = r"[\r\n]*|\s*[\r\n]"
_LETTERS = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+"
LLAMA3 = rf"(?i:'s|'t|'re|'ve|'m|'ll|'d)|{_LETTERS}{_REST}+|\s+(?!\S)|\s+"
_POSSESSIVE = r"[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++"
OLD_CL100K = rf"'(?i:[sdmt]|ll|ve|re)|{_POSSESSIVE}{_REST}|\s+(?!\S)|\s+"
TIKTOKEN_CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
OLD_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def split(regex: str, behavior: str = "Isolated", invert: bool = False) -> dict[str, object]:
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


def test_a_name_without_version_is_the_newest() -> None:
    assert canonical("llama-bpe") == "llama-bpe@1"
    assert "llama-bpe@1" in names()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("llama-bpb@1", "did you mean `llama-bpe@1`"),
        ("gpt2@9", "the newest is `gpt2@1`"),
        ("nonsense", "regex:<pattern>"),
        ("regex:", "must not be empty"),
    ],
)
def test_an_unknown_name_is_a_usage_error_that_helps(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", "")):
        canonical(name)


@pytest.mark.parametrize(
    ("regex", "place"), [("(a", 1), ("a)", 2), ("ab[c", 3), ("é(?=a", 6), ("*a", 1), ("a{3,1}[", 2)]
)
def test_a_bad_regex_is_a_usage_error_with_a_caret_at_its_place(regex: str, place: int) -> None:
    with pytest.raises(UsageError) as caught:
        canonical(f"regex:{regex}")
    first, shown, caret = str(caught.value).splitlines()
    assert f"character {place}:" in first
    assert shown.strip() == regex
    assert caret == " " * (4 + place - 1) + "^"


@pytest.mark.parametrize("regex", [r"(?:a|aa)+(?!a)(?<=b)", r"(a*)*\1c", r"(.*)(.*)(.*)(.*)(.*)[^a](?!x)"])
def test_a_catastrophic_regex_is_an_input_error_that_names_it_and_the_byte(regex: str) -> None:
    with pytest.raises(InputError) as caught:
        _core.pretokenize(b"a" * 40, f"regex:{regex}")
    assert regex in str(caught.value)
    assert "byte 0 of the text" in str(caught.value)


@pytest.mark.parametrize("regex", [r"(a+)+b", r"(a|a)*b", r"(a|aa)+$", r"(?:a+)+(?=b)"])
def test_nested_repetition_that_the_linear_engine_can_do_just_works(regex: str) -> None:
    assert _core.pretokenize(b"a" * 40, f"regex:{regex}") == [(0, 40)]


@pytest.mark.parametrize(
    ("regex", "scheme"),
    [(LLAMA3, "llama-bpe@1"), (OLD_CL100K, "llama-bpe@1"), (TIKTOKEN_CL100K, "cl100k@1"), (OLD_GPT2, "gpt2@1")],
)
def test_a_known_regex_is_its_named_scheme(regex: str, scheme: str) -> None:
    assert from_pattern(regex) == scheme


def test_the_text_between_matches_is_kept() -> None:
    assert our_pieces(r"regex:\d+", "ab12c3") == ["ab", "12", "c", "3"]


def test_superbpe_cuts_digits_in_threes_from_the_right_and_nothing_else() -> None:
    assert our_pieces("superbpe@1", "by the way,\n1234567 x") == ["by the way,\n", "1", "234", "567", " x"]


def test_llama_bpe_takes_the_long_s_for_an_s() -> None:
    assert our_pieces("llama-bpe@1", "it'ſa") == ["it", "'ſ", "a"]


CUT_BY_PRE_TOKENIZER = [name for name in names() if hf_normalizer(name) is None and not cuts_at_space_runs(name)]


@pytest.mark.parametrize("unit", ["byte", "char"])
@pytest.mark.parametrize("name", CUT_BY_PRE_TOKENIZER)
def test_the_form_in_tokenizer_json_is_recognised(name: str, unit: str) -> None:
    assert from_hf(hf_pretokenizer(name, unit)) == name  # type: ignore[arg-type]  # a parametrised literal


@pytest.mark.parametrize("name", [name for name in names() if cuts_at_space_runs(name)])
def test_the_form_of_whole_texts_is_recognised_by_normalizer_and_pre_tokenizer(name: str) -> None:
    assert space_runs_of_hf(hf_normalizer(name), hf_pretokenizer(name, "char")) == name
    assert space_runs_of_hf(hf_normalizer(name), hf_pretokenizer("gpt2@1", "char")) is None
    assert space_runs_of_hf({"type": "NFC"}, hf_pretokenizer(name, "char")) is None


def test_a_pretoken_at_space_runs_is_spaces_and_what_follows() -> None:
    pieces = ["\u2581\u2581a", "\u2581b\n", "\u2581\u2581"]
    assert our_pieces("gemma@1", "  a b\n  ") == pieces
    assert our_pieces("mistral@1", "  a b\n  ") == pieces
    assert our_pieces("llama2@1", "  a b\n  ") == ["\u2581\u2581\u2581a", *pieces[1:]]
    assert our_pieces("mistral@1", "a") == our_pieces("llama2@1", "a") == ["\u2581a"]


def test_every_scheme_says_what_it_does() -> None:
    assert all(summary(name) for name in names())
    assert summary("superbpe@1") == r"\p{N}+  then  (?=(\d{3})+(?!\d))"


def test_patterns_are_found_and_none_is_told_apart_from_several() -> None:
    assert pattern("llama-bpe@1") == LLAMA3
    assert pattern("superbpe@1") is None
    assert len(patterns("superbpe@1")) == 2
    assert patterns("whitespace@1") == []


@pytest.mark.parametrize(
    ("spec", "scheme"),
    [
        (None, "none@1"),
        ({"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}, "gpt2@1"),
        ({"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}, None),
        ({"type": "BertPreTokenizer"}, None),
        ({"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}, None),
        ({"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": True}, "metaspace@1"),
        (split(LLAMA3, "Removed", True), "llama-bpe@1"),
        (split("[a-z]+", "Removed", True), None),
        (split("[a-z]+", "MergedWithNext"), None),
        (split("[a-z]+"), "regex:[a-z]+"),
        (split("[a-z"), None),
        ({"type": "Split", "pattern": {"String": "."}, "behavior": "Isolated", "invert": False}, r"regex:\."),
        ({"type": "Digits", "individual_digits": True}, r"regex:\p{N}"),
        (split(TIKTOKEN_CL100K), "regex:" + TIKTOKEN_CL100K.replace("{1,3}+", "+")),
    ],
)
def test_a_pre_tokenizer_of_hugging_face_is_read(spec: dict[str, object] | None, scheme: str | None) -> None:
    assert from_hf(spec) == scheme


def test_deepseek_is_read_with_its_own_spelling() -> None:
    parts = [
        split("[\r\n]"),
        *map(split, patterns("deepseek-llm@1")[1:5]),
        {"type": "Digits", "individual_digits": True},
    ]
    assert from_hf({"type": "Sequence", "pretokenizers": parts}) == "deepseek-llm@1"


def test_superbpe_is_read_as_its_authors_write_it() -> None:
    parts = [{"type": "Digits", "individual_digits": False}, split(r"(?=(\d{3})+(?!\d))")]
    assert from_hf({"type": "Sequence", "pretokenizers": parts}) == "superbpe@1"


def test_llama_cpp_names() -> None:
    assert llama_cpp_name("gpt2@1") == "gpt-2"
    assert llama_cpp_name("cl100k@1") is None
    assert llama_cpp_name("regex:a") is None


def test_decoders() -> None:
    assert hf_decoder("llama-bpe@1", "byte")["type"] == "ByteLevel"
    assert [step["type"] for step in hf_decoder("metaspace@1", "char")["decoders"]][-1] == "Metaspace"  # type: ignore[attr-defined]  # JSON
