"""The word encoder that a tokenizer folder carries: merges, splits and joins as training logged them, plain Python."""

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from .tokkit_modes import RULES, Atoms, Placed, Reader, ordinary  # noqa: TID252 - this file works outside of any package

CACHE_SIZE = 1 << 16
MERGE, SPLIT, JOIN = 0, 1, 6
Row = tuple[int, int, tuple[int, ...]]
"""(kind, token made or taken apart, parts or pieces)."""


class WordEncoder:
    """One pretoken to (id, length in characters of the pretoken)."""

    def __init__(self, data: dict[str, Any]) -> None:
        """`data` is the content of tokkit_encoder.json."""
        self._atoms = Atoms(data)
        self._reader = Reader(data, self._atoms) if data["inference"] in RULES else None
        self._whole = ordinary(data) if data["ignore_merges"] else {}
        self._program = _program(data)
        self._cache: dict[str, list[Placed]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Without the cache: what was encoded so far changes neither a copy nor a digest of it."""
        return {**vars(self), "_cache": {}}

    def encode(self, word: str) -> list[Placed]:
        """The tokens of a pretoken."""
        known = self._cache.get(word)
        if known is None:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            known = self._cache[word] = self._encode(word)
        return known

    def _encode(self, word: str) -> list[Placed]:
        whole = self._whole.get(word)
        if whole is not None:
            return [(whole, len(word))]
        if self._reader is not None:
            return self._reader.read(word)
        atoms = self._atoms.split(word)
        out, at = [], 0
        for token, n_atoms in self._program([token for token, _ in atoms]):
            out.append((token, sum(length for _, length in atoms[at : at + n_atoms])))
            at += n_atoms
        return out


def _program(data: dict[str, Any]) -> Callable[[list[int]], Iterable[tuple[int, int]]]:
    """What makes the tokens of atoms, each with its number of atoms."""
    rows: list[Row] = [(kind, token, tuple(parts)) for kind, token, parts in data["rows"]]
    if data["inference"] == "vocab_rank":
        return Merging(_all_splits(ordinary(data)), [])
    if data["merges"] or not rows:
        return Merging([(rank, *merge) for rank, merge in enumerate(data["merges"])], rows)
    return Joining(rows) if rows[0][0] == JOIN else Replay(rows)


def _all_splits(tokens: dict[str, int]) -> list[tuple[int, int, int, int]]:
    """Every way to make a token of two others, its id as the rank (tiktoken, sentencepiece)."""
    return [
        (id_, tokens[token[:at]], tokens[token[at:]], id_)
        for token, id_ in tokens.items()
        for at in range(1, len(token))
        if token[:at] in tokens and token[at:] in tokens
    ]


class Merging:
    """Merges by rank, of equals the leftmost; then tokens fall apart, and what lies apart may be merged again."""

    def __init__(self, merges: list[tuple[int, int, int, int]], rows: list[Row]) -> None:
        """`merges` are (rank, left, right, token)."""
        # Of a pair that is listed twice the later rank counts, as in HF.
        self._ranks = {(left, right): (rank, token) for rank, left, right, token in merges}
        self._pieces = {token: parts for kind, token, parts in rows if kind == SPLIT}
        again = [(token, parts) for kind, token, parts in rows if kind == MERGE]
        self._again = {parts: (rank, token) for rank, (token, parts) in enumerate(again)}
        self._results = {rank: token for rank, _, _, token in merges}
        self._results_again = {rank: token for rank, (token, _) in enumerate(again)}
        self._n_atoms: dict[int, int] = {}
        if self._pieces:
            _measure(self._n_atoms, ((token, (left, right)) for _, left, right, token in merges))

    def __call__(self, tokens: list[int]) -> list[tuple[int, int]]:
        """The tokens of atoms."""
        merged = _merge([(token, 1) for token in tokens], self._ranks, self._results)
        if not any(token in self._pieces for token, _ in merged):
            return merged
        apart = []
        for token, size in merged:
            pieces = self._pieces.get(token)
            apart.extend([(token, size)] if pieces is None else [(one, self._n_atoms.get(one, 1)) for one in pieces])
        return _merge(apart, self._again, self._results_again)


def _merge(
    sized: list[tuple[int, int]], ranks: dict[Any, tuple[int, int]], results: dict[int, int]
) -> list[tuple[int, int]]:
    n = len(sized)
    ids: list[int | None] = [token for token, _ in sized]
    sizes = [size for _, size in sized]
    before, after = list(range(-1, n - 1)), list(range(1, n + 1))
    found = (ranks.get(pair) for pair in pairwise(ids))
    heap = [(rank_token[0], at) for at, rank_token in enumerate(found) if rank_token is not None]
    heapq.heapify(heap)
    while heap:
        rank, at = heapq.heappop(heap)
        second = after[at]
        now = ranks.get((ids[at], ids[second])) if second < n else None
        # An entry holds if the pair that is here now makes the same token, as in HF.
        if now is None or (now[0] != rank and now[1] != results[rank]):
            continue
        ids[at], ids[second] = now[1], None
        sizes[at] += sizes[second]
        after[at] = after[second]
        if after[at] < n:
            before[after[at]] = at
        for place in (before[at], at):
            if place >= 0 and after[place] < n:
                candidate = ranks.get((ids[place], ids[after[place]]))
                if candidate is not None:
                    heapq.heappush(heap, (candidate[0], place))
    return [(token, size) for token, size in zip(ids, sizes, strict=True) if token is not None]


class Replay:
    """Merges and splits in the order of training, found through the pairs and tokens that they act on."""

    def __init__(self, rows: list[Row]) -> None:
        """`rows` are the whole log."""
        self._rows = rows
        self._pair_events: dict[tuple[int, ...], list[int]] = {}
        self._split_events: dict[int, list[int]] = {}
        for event, (kind, token, parts) in enumerate(rows):
            if kind == MERGE:
                self._pair_events.setdefault(parts, []).append(event)
            else:
                self._split_events.setdefault(token, []).append(event)
        self._n_atoms: dict[int, int] = {}
        _measure(self._n_atoms, ((token, parts) for kind, token, parts in rows if kind == MERGE))

    def __call__(self, tokens: list[int]) -> list[tuple[int, int]]:
        """The tokens of atoms."""
        ids: list[int | None] = list(tokens)
        n = len(ids)
        before, after = list(range(-1, n - 1)), list(range(1, n + 1))
        heap: list[tuple[int, int]] = []

        def watch(at: int, now: int) -> None:
            if 0 <= at < n and after[at] < n:
                _queue(heap, self._pair_events.get((ids[at], ids[after[at]])), at, now)  # type: ignore[arg-type]

        def watch_token(at: int, now: int) -> None:
            _queue(heap, self._split_events.get(ids[at]), at, now)  # type: ignore[arg-type]

        for at in range(n):
            watch(at, -1)
        while heap:
            event, at = heapq.heappop(heap)
            kind, token, parts = self._rows[event]
            if kind == MERGE:
                second = after[at]
                if ids[at] != parts[0] or second >= n or ids[second] != parts[1]:
                    continue
                ids[at], ids[second], after[at] = token, None, after[second]
                if after[at] < n:
                    before[after[at]] = at
                watch(before[at], event)
                watch(at, event)
                watch_token(at, event)
            elif ids[at] == token:
                end, place, previous = after[at], at, before[at]
                for piece in parts:
                    ids[place], before[place] = piece, previous
                    after[place] = place + self._n_atoms.get(piece, 1)
                    previous, place = place, after[place]
                if end < n:
                    before[end] = previous
                watch(before[at], event)
                place = at
                while place != end:
                    watch(place, event)
                    watch_token(place, event)
                    place = after[place]
        return [(token, self._n_atoms.get(token, 1)) for token in ids if token is not None]


class Joining:
    """Merges of two and more parts: the first that stands anywhere, at all its places, until none stands."""

    def __init__(self, rows: list[Row]) -> None:
        """`rows` are joins by rank."""
        self._joins = [(token, parts) for _, token, parts in rows]
        self._starts: dict[tuple[int, ...], list[int]] = {}
        for rank, (_, parts) in enumerate(self._joins):
            self._starts.setdefault(parts[:2], []).append(rank)
        self._n_atoms: dict[int, int] = {}
        _measure(self._n_atoms, self._joins)

    def __call__(self, tokens: list[int]) -> list[tuple[int, int]]:
        """The tokens of atoms."""
        while True:
            standing = [
                rank
                for at, pair in enumerate(pairwise(tokens))
                for rank in self._starts.get(pair, ())
                if tuple(tokens[at : at + len(self._joins[rank][1])]) == self._joins[rank][1]
            ]
            if not standing:
                return [(token, self._n_atoms.get(token, 1)) for token in tokens]
            token, parts = self._joins[min(standing)]
            joined, at = [], 0
            while at < len(tokens):
                is_here = tuple(tokens[at : at + len(parts)]) == parts
                joined.append(token if is_here else tokens[at])
                at += len(parts) if is_here else 1
            tokens = joined


def _measure(n_atoms: dict[int, int], made: Iterable[tuple[int, tuple[int, ...]]]) -> None:
    """Notes the number of atoms of every token that is made; 1 for all others."""
    for token, parts in made:
        n_atoms.setdefault(token, sum(n_atoms.get(part, 1) for part in parts))


def _queue(heap: list[tuple[int, int]], events: list[int] | None, at: int, now: int) -> None:
    if events:
        place = bisect_left(events, now + 1)
        if place < len(events):
            heapq.heappush(heap, (events[place], at))
