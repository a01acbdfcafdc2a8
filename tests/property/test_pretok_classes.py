"""Every scanner equals its regexes on every code point, class by class, in every position of three characters."""

import itertools
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import pytest

from evals.bench.pretok_equality import expected_ends, found_ends
from tests.pretok_oracles import (
    CODE_POINTS,
    HF_SCHEMES,
    REGEX_SCHEMES,
    REPRESENTATIVES,
    changed_since,
    classes_here_and_there,
    compiled,
    first_difference,
    hf_pieces,
    our_pieces,
    regex_pieces,
)

# Characters between two strings of a batch. They start a pretoken in all schemes, whatever stood before.
BETWEEN = "\n\n."
# Neighbours for which each pattern does something else with what stands between them.
NEIGHBOURS = ["aA", "'s", " 1", "!\n", "\t/"]
# Planes 2 to 13, 15 and 16 hold ideographs, private and unassigned characters alone: a letter before and a digit behind
# tell letters, numbers and others apart.
DISTANT_PAIR = "a1"


@cache
def near_code_points() -> list[int]:
    """The planes with letters in cases, marks, digits or punctuation, and what Unicode has changed since."""
    return [code for code in CODE_POINTS if code >> 16 in {0, 1, 14} or chr(code) in changed_since()]


def batches(strings: Iterator[str], size: int) -> Iterator[str]:
    """The strings one after the other in texts of `size` strings."""
    while part := list(itertools.islice(strings, size)):
        yield BETWEEN.join(part)


@pytest.mark.parametrize("name", HF_SCHEMES)
def test_three_characters_of_all_classes_are_cut_as_by_hugging_face(name: str) -> None:
    triples = ("".join(triple) for triple in itertools.product(REPRESENTATIVES, repeat=3))
    for text in batches(itertools.islice(triples, 0, None, 31), 4000):
        assert first_difference(our_pieces(name, text), hf_pieces(name, text)) is None


@pytest.mark.parametrize("name", HF_SCHEMES)
def test_two_characters_of_all_classes_are_cut_as_by_hugging_face_at_the_end_of_a_text(name: str) -> None:
    for pair in itertools.product(REPRESENTATIVES, repeat=2):
        for text in ("".join(pair), "a" + "".join(pair)):
            assert our_pieces(name, text) == hf_pieces(name, text), text


@pytest.mark.parametrize("name", REGEX_SCHEMES)
def test_code_points_of_all_planes_are_cut_as_by_hugging_face(name: str) -> None:
    # o200k has the finest classes of all; the slow test below has all code points for all schemes.
    codes = CODE_POINTS[:0x20000] + CODE_POINTS[0x20000::29] if name == "o200k@1" else CODE_POINTS[::29]
    for text in batches((f"{chr(code)}a{chr(code)}1" for code in codes), 100_000):
        assert first_difference(our_pieces(name, text), hf_pieces(name, text)) is None


@pytest.mark.parametrize("name", REGEX_SCHEMES)
def test_code_points_of_all_planes_are_cut_as_by_the_regex_module_unless_unicode_changed_them(name: str) -> None:
    chars = (chr(code) for code in CODE_POINTS[::29] if chr(code) not in changed_since())
    for text in batches((f"{char}a{char}1" for char in chars), 100_000):
        assert first_difference(our_pieces(name, text), regex_pieces(name, text)) is None


def test_the_regex_module_differs_only_in_characters_newer_than_unicode_16() -> None:
    for ours, theirs in classes_here_and_there():
        # U+0295 became a letter without case in Unicode 17: no scheme but o200k and tekken can tell.
        assert ours - theirs <= {"\u0295"}
    assert not changed_since() & set(REPRESENTATIVES)


def in_all_positions(codes: Iterable[int], pair: str) -> Iterator[str]:
    """Each code point before, between and behind the two characters of a pair."""
    left, right = pair
    for code in codes:
        yield from (chr(code) + left + right, left + chr(code) + right, left + right + chr(code))


@pytest.mark.slow
@pytest.mark.parametrize("name", REGEX_SCHEMES)
@pytest.mark.parametrize("pair", NEIGHBOURS)
def test_every_code_point_of_the_planes_in_use_is_cut_as_by_hugging_face(name: str, pair: str) -> None:
    for text in batches(in_all_positions(near_code_points(), pair), 100_000):
        assert first_difference(our_pieces(name, text), hf_pieces(name, text)) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", REGEX_SCHEMES)
def test_every_code_point_of_the_other_planes_is_cut_as_by_the_regex_module(name: str) -> None:
    codes = sorted(set(CODE_POINTS).difference(near_code_points()))
    for text in batches(in_all_positions(codes, DISTANT_PAIR), 100_000):
        assert np.array_equal(found_ends(name, text), expected_ends(compiled(name), text))


@pytest.mark.slow
@pytest.mark.parametrize("name", HF_SCHEMES)
def test_three_characters_alone_are_cut_as_by_hugging_face(name: str) -> None:
    for triple in itertools.product(REPRESENTATIVES, repeat=3):
        text = "".join(triple)
        assert our_pieces(name, text) == hf_pieces(name, text), text
