"""Logs that contradict themselves are refused when an encoder is made of them; none can make it panic or hang."""

import numpy as np
import pytest

from tokkit.errors import TokenizerError
from tokkit.model.program import JOIN, MERGE, SPLIT
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Tokenizer

A, B, AB, HIDDEN = 0, 1, 2, 3


def tokenizer(rows, merges=()) -> Tokenizer:
    flat = [number for kind, token, *parts in rows for number in (kind, token, len(parts), *parts)]
    return Tokenizer(
        EncoderTables(
            tokens=(b"a", b"b", b"ab"),
            ids=np.array([A, B, AB], np.uint32),
            merges=np.array(merges, np.uint32).reshape(-1, 3),
            inference="exact",
            log=np.array(flat, np.uint32),
        )
    )


def test_a_sound_log_encodes():
    assert tokenizer([(MERGE, AB, A, B), (MERGE, HIDDEN, AB, AB), (SPLIT, HIDDEN, AB, A, B)]).encode("abab") == [
        AB,
        A,
        B,
    ]
    assert tokenizer([(SPLIT, HIDDEN, A, B)], merges=[(A, B, HIDDEN)]).encode("aba") == [A, B, A]
    assert tokenizer([(JOIN, HIDDEN, A, B, A)]).encode("b") == [B]


@pytest.mark.parametrize(
    ("rows", "merges"),
    [
        ([(MERGE, A, A, B)], ()),
        ([(SPLIT, A, A, B)], ()),
        ([(MERGE, AB, A, B), (SPLIT, AB, A, B, B)], ()),
        ([(MERGE, AB, A)], ()),
        ([(9, AB, A, B)], ()),
        ([(MERGE, AB, A, 2**31)], ()),
        ([(JOIN, AB, A, B), (MERGE, AB, A, B)], ()),
        ([(SPLIT, HIDDEN, A, HIDDEN)], [(A, B, HIDDEN)]),
        ([], [(A, B, HIDDEN)]),
        ([(SPLIT, HIDDEN, A, B)], [(A, B, 2**31)]),
    ],
)
def test_a_log_that_contradicts_itself_is_refused(rows, merges):
    with pytest.raises(TokenizerError):
        tokenizer(rows, merges)


def test_a_log_that_is_cut_off_is_refused():
    with pytest.raises(TokenizerError, match="cut off"):
        Tokenizer(
            EncoderTables(
                tokens=(b"a", b"b"),
                ids=np.array([0, 1], np.uint32),
                inference="exact",
                log=np.array([MERGE, 2, 2, 0], np.uint32),
            )
        )


def test_tokens_that_double_without_end_are_refused_or_harmless():
    rows = [(MERGE, 3 + place, 2 + place, 2 + place) for place in range(60)]
    assert tokenizer([(MERGE, AB, A, B), *rows]).encode("ab") == [AB]


def test_a_long_word_is_replayed_in_little_time():
    found = tokenizer([(MERGE, AB, A, B), (MERGE, HIDDEN, AB, AB), (SPLIT, HIDDEN, AB, A, B)]).encode("ab" * 200_000)
    assert len(found) == 300_000
