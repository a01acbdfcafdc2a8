"""Pre-tokenizers on random text, random bytes and long runs."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pretok_oracles import HF_SCHEMES, REGEX_SCHEMES, REPRESENTATIVES, hf_pieces, our_pieces, regex_pieces
from tokkit import _core
from tokkit.pretokenizers import names

SCHEMES = [*names(), r"regex:\p{L}+|\s+(?!\S)|\s+", r"regex:(?<=\d)\p{L}"]
TEXTS = st.text(st.sampled_from(REPRESENTATIVES), max_size=40)
LONG = 3_000


@pytest.mark.parametrize("name", HF_SCHEMES)
@given(text=TEXTS)
@example(text="a\n  ")
@example(text="\u2581 a")
def test_random_text_is_cut_as_by_hugging_face(name: str, text: str) -> None:
    assert our_pieces(name, text) == hf_pieces(name, text)


@pytest.mark.parametrize("name", REGEX_SCHEMES)
@given(text=TEXTS)
def test_random_text_is_cut_as_by_the_regex_module(name: str, text: str) -> None:
    assert our_pieces(name, text) == regex_pieces(name, text)


@pytest.mark.parametrize("name", SCHEMES)
@given(
    data=st.one_of(
        st.binary(max_size=60),
        st.lists(
            st.sampled_from([b"a", b" ", b"\xe2\x96", b"\xff", b"1", b"'s", b"\xc5", b"\xed\xa0\x80", b"\n"]),
            max_size=30,
        ).map(b"".join),
    )
)
@example(data=b"")
@example(data=b"\xc5")
@example(data=b"'\xc5")
@example(data=b"a\xf0\x9f\x99")
def test_any_bytes_are_cut_into_ranges_that_are_in_order_and_cover_the_text(name: str, data: bytes) -> None:
    text = _core.rewrite(data, name)
    bounds = _core.pretokenize(text, name)
    at = 0
    for start, end in bounds:
        assert at <= start < end <= len(text)
        if name in ("whitespace@1", "picky-words@1"):
            assert text[at:start].decode().isspace() or at == start
        else:
            assert start == at
        at = end
    assert name == "whitespace@1" or at == len(text)


@pytest.mark.parametrize("name", SCHEMES)
@given(before=TEXTS, after=TEXTS, bad=st.sampled_from([b"\xff", b"\x80", b"\xc0", b"\xed"]))
def test_an_invalid_byte_counts_as_a_symbol(name: str, before: str, after: str, bad: bytes) -> None:
    symbol = "\ufffd".encode()
    with_symbol = _core.rewrite(before.encode() + symbol + after.encode(), name)
    with_bad = _core.rewrite(before.encode() + bad + after.encode(), name)
    if "\ufffd" in before + after:
        return
    pieces = [with_symbol[start:end].replace(symbol, bad) for start, end in _core.pretokenize(with_symbol, name)]
    assert [with_bad[start:end] for start, end in _core.pretokenize(with_bad, name)] == pieces


@pytest.mark.parametrize("name", REGEX_SCHEMES)
@pytest.mark.parametrize(
    "unit",
    ["a", "A", "\u4e2d", " ", "\n", "1", "!", "\u0301", "aA", "A\u4e2d", "'s", " a", "\t\n", "\u00a0", "!\n", "1a"],
)
def test_long_runs_are_cut_as_by_hugging_face(name: str, unit: str) -> None:
    text = unit * (LONG // len(unit))
    for whole in (text, text + "x", "x" + text + "1"):
        assert our_pieces(name, whole) == hf_pieces(name, whole)
