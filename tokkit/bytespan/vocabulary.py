"""From spans to a vocabulary: the most frequent ones, then pair merges."""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain

import numpy as np

from tokkit import _core
from tokkit.bytespan.words import Token, Words, span_counts
from tokkit.errors import UsageError
from tokkit.progress import Progress, silent

MARK = "\N{UNDERTIE}"
"""What a typed vocabulary writes before a token that continues a pre-token: no byte's character, so that no text that a
file holds can be taken for it (the published `##` can)."""


def base_tokens(byte_order: bytes, *, typed: bool) -> list[Token]:
    """The 256 bytes; typed also, by byte, behind a space at the start of a pre-token and inside one."""
    if not typed:
        return [(False, bytes([byte])) for byte in byte_order]
    tokens: list[Token] = [(True, bytes([byte])) for byte in byte_order]
    for byte in byte_order:
        if byte != ord(" "):
            tokens.append((True, b" " + bytes([byte])))
        tokens.append((False, bytes([byte])))
    return tokens


def spelled(token: Token, *, typed: bool) -> bytes:
    """The bytes of a token in a model, the mark included."""
    return MARK.encode() + token[1] if typed and not token[0] else token[1]


def can_be_spelled(token: Token) -> bool:
    """Whether no other token is spelled like it: false of a text that begins with the mark and starts a pre-token."""
    return not (token[0] and token[1].startswith(MARK.encode()))


def seeds(
    words: Words, known: Sequence[Token], quota: int | None, *, typed: bool, balanced: bool
) -> list[tuple[Token, int]]:
    """Up to `quota` spans that are not known yet, most frequent first; `balanced` takes them in turn by language."""
    have = set(known)
    if not balanced:
        ranked = [item for item in span_counts(words, words.words, typed=typed) if item[0] not in have]
        return ranked[:quota]
    lists = [
        [item for item in span_counts(words, table, typed=typed) if item[0] not in have]
        for table in words.by_language.values()
    ]
    return in_turn(lists, quota)


def in_turn(lists: Sequence[Sequence[tuple[Token, int]]], quota: int | None) -> list[tuple[Token, int]]:
    """One of each list in turn until there are `quota`; one that another list has brought costs the turn."""
    chosen: dict[Token, int] = {}
    for turn in range(max(map(len, lists), default=0)):
        for ranked in lists:
            if quota is not None and len(chosen) >= quota:
                return list(chosen.items())
            if turn < len(ranked):
                chosen.setdefault(*ranked[turn])
    return list(chosen.items())


def merge_tail(
    sequences: Sequence[Sequence[int]],
    counts: Sequence[int],
    known: Sequence[Token],
    n_wanted: int,
    *,
    lossy: bool = False,
    progress: Progress = silent,
) -> list[tuple[Token, int]]:
    """Up to `n_wanted` more tokens by pair merging over sequences of places in `known` that occur `counts` times.

    Most frequent pair first (overlapping pairs all count), ties by smaller (right id, left id). A pair whose bytes are
    a token already becomes that one and takes no place. `lossy` is the published code: it replaces overlapping pairs
    too, so that of `aaa` the last byte is lost.
    """
    offsets = np.zeros(len(sequences) + 1, np.uint64)
    np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
    made = _core.merge_tail(
        np.fromiter(chain.from_iterable(sequences), np.uint32, int(offsets[-1])).tobytes(),
        offsets.tobytes(),
        np.asarray(counts, np.uint64).tobytes(),
        known=list(known),
        wanted=n_wanted,
        lossy=lossy,
        progress=progress,
    )
    return [((is_start, text), count) for is_start, text, count in made]


def sequences_of(
    words: Words, ids: Mapping[Token, int], seeded: Collection[Token], *, typed: bool
) -> tuple[list[list[int]], list[int]]:
    """Distinct words as ids with their counts: `seeded` spans are one token, other bytes one each.

    Raises:
        UsageError: `ids` lacks a byte.
    """
    totals: dict[tuple[int, ...], int] = {}
    for word, count in words.words.items():
        sequence: list[int] = []
        for is_start, text in words.parts(word):
            span = (is_start and typed, text)
            if span in seeded:
                sequence.append(ids[span])
                continue
            for place, byte in enumerate(text):
                token = (is_start and typed and place == 0, bytes([byte]))
                if token not in ids:
                    raise UsageError(f"the vocabulary lacks the byte 0x{byte:02x}")
                sequence.append(ids[token])
        key = tuple(sequence)
        totals[key] = totals.get(key, 0) + count
    return [list(sequence) for sequence in totals], list(totals.values())
