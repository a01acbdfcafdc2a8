"""From spans to a vocabulary: the most frequent ones, then pair merges."""

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise

from tokkit.bytespan.words import Token, Words, span_counts
from tokkit.errors import UsageError
from tokkit.progress import Progress, silent

_POLL_EVERY = 64
MARK = "\N{UNDERTIE}"
"""What a typed vocabulary writes before a token that continues a pre-token: no byte's character, so that no text that a
file holds can be taken for it (the published `##` can)."""

Merge = Callable[[Sequence[int], int, int, int], list[int]]
"""(sequence, left, right, target) -> the sequence with the pair replaced."""


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
    sequences: list[list[int]],
    weights: Sequence[int],
    known: Mapping[Token, int],
    n_wanted: int,
    *,
    merge: Merge | None = None,
    progress: Progress = silent,
) -> list[tuple[Token, int]]:
    """Up to `n_wanted` more tokens by pair merging over words (changed in place) that occur `weights` times.

    Most frequent pair first (overlapping pairs all count), ties by smaller (right id, left id). A pair whose bytes are
    a token already becomes that one and takes no place. `known` gives the ids of the tokens there are.
    """
    tokens = list(known)
    ids = dict(known)
    by_id = dict(zip(ids.values(), tokens, strict=True))
    counts: dict[tuple[int, int], int] = {}
    where: dict[tuple[int, int], set[int]] = {}
    for place, sequence in enumerate(sequences):
        for pair in pairwise(sequence):
            counts[pair] = counts.get(pair, 0) + weights[place]
            where.setdefault(pair, set()).add(place)
    heap = [(-count, right, left) for (left, right), count in counts.items()]
    heapq.heapify(heap)
    made: list[tuple[Token, int]] = []
    next_id = max(by_id) + 1
    while heap and len(made) < n_wanted:
        negative, right, left = heapq.heappop(heap)
        pair = (left, right)
        if counts.get(pair, 0) != -negative or negative == 0:
            continue
        joined = (by_id[left][0], by_id[left][1] + by_id[right][1])
        target = ids.get(joined)
        if target is None:
            target, next_id = next_id, next_id + 1
            ids[joined], by_id[target] = target, joined
            made.append((joined, -negative))
            if len(made) % _POLL_EVERY == 0:
                progress("merge pairs", len(made), n_wanted)
        changed: set[tuple[int, int]] = set()
        for place in sorted(where.pop(pair)):
            old, weight = sequences[place], weights[place]
            new = (merge or _replaced)(old, left, right, target)
            if len(new) == len(old):
                continue
            for before in pairwise(old):
                counts[before] -= weight
                changed.add(before)
            for after in pairwise(new):
                counts[after] = counts.get(after, 0) + weight
                where.setdefault(after, set()).add(place)
                changed.add(after)
            sequences[place] = new
        for one in sorted(changed):
            if counts[one] > 0:
                heapq.heappush(heap, (-counts[one], one[1], one[0]))
            else:
                del counts[one]
                where.pop(one, None)
    return made


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


def _replaced(sequence: Sequence[int], left: int, right: int, target: int) -> list[int]:
    new: list[int] = []
    place = 0
    while place < len(sequence):
        if sequence[place] == left and place + 1 < len(sequence) and sequence[place + 1] == right:
            new.append(target)
            place += 2
        else:
            new.append(sequence[place])
            place += 1
    return new
