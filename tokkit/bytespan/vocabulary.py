"""From spans to a vocabulary: the most frequent ones, then pair merges."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from tokkit import _core
from tokkit.bytespan.words import Token, Words, span_counts
from tokkit.progress import Progress, silent

Sequences = tuple[bytes, bytes, bytes]
"""Of ids: ids uint32 end to end, offsets uint64 and one more than there are, how often each occurs uint64."""

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
        ranked = [item for item in span_counts(words.whole, typed=typed) if item[0] not in have]
        return ranked[:quota]
    lists = [
        [item for item in span_counts(table, typed=typed) if item[0] not in have]
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
    sequences: Sequences,
    known: Sequence[Token],
    n_wanted: int,
    *,
    lossy: bool = False,
    progress: Progress = silent,
) -> list[tuple[Token, int]]:
    """Up to `n_wanted` more tokens by pair merging over sequences of places in `known`.

    Most frequent pair first (overlapping pairs all count), ties by smaller (right id, left id). A pair whose bytes are
    a token already becomes that one and takes no place. `lossy` is the published code: it replaces overlapping pairs
    too, so that of `aaa` the last byte is lost.
    """
    made = _core.merge_tail(
        *sequences,
        known=list(known),
        wanted=n_wanted,
        lossy=lossy,
        progress=progress,
    )
    return [((is_start, text), count) for is_start, text, count in made]


def sequences_of(
    words: Words, base: Sequence[Token], seeded: Sequence[Token], *, typed: bool
) -> tuple[Sequences, list[Token]]:
    """Distinct words as places in base and seeds, and these: seeded spans are one token, other bytes one each.

    Raises:
        UsageError: `base` lacks a byte.
    """
    known = [*base, *seeded]
    return words.whole.sequences(known, len(base), typed), known


def flat_sequences(sequences: Sequence[Sequence[int]], counts: Sequence[int]) -> Sequences:
    """Sequences that occur `counts` times, as `merge_tail` takes them."""
    offsets = np.zeros(len(sequences) + 1, np.uint64)
    np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
    flat = np.fromiter(chain.from_iterable(sequences), np.uint32, int(offsets[-1]))
    return flat.tobytes(), offsets.tobytes(), np.asarray(counts, np.uint64).tobytes()
