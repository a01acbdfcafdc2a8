"""The word encoder that a tokenizer folder carries: merges, splits and joins as training logged them, plain Python."""

import heapq
from bisect import bisect_left
from itertools import pairwise
from typing import Any

CACHE_SIZE = 1 << 16
MERGE, SPLIT, JOIN = 0, 1, 6


class WordEncoder:
    """One pretoken to (id, length in characters of the pretoken)."""

    def __init__(self, data: dict[str, Any]) -> None:
        """`data` is the content of tokkit_encoder.json."""
        self._atoms: dict[str, int] = data["atoms"]
        self._unk_id: int | None = data["unk_id"]
        self._fuse: bool = data["fuse_unk"]
        self._byte_ids: list[int] | None = data["byte_ids"]
        merges: list[list[int]] = data["merges"]
        rows: list[list[Any]] = data["rows"]
        self._by_rank = bool(merges)
        self._joins = [(token, tuple(parts)) for kind, token, parts in rows if kind == JOIN]
        self._join_starts: dict[tuple[int, int], list[int]] = {}
        for rank, (_, parts) in enumerate(self._joins):
            self._join_starts.setdefault(parts[:2], []).append(rank)
        self._pair_events: dict[tuple[int, int], list[int]] = {}
        self._split_events: dict[int, list[int]] = {}
        steps = [(MERGE, token, (left, right)) for left, right, token in merges]
        steps += [(kind, token, tuple(parts)) for kind, token, parts in rows if kind != JOIN]
        self._steps = steps
        for event, (kind, token, parts) in enumerate(steps):
            events = (
                self._pair_events.setdefault(parts, []) if kind == MERGE else self._split_events.setdefault(token, [])
            )
            if self._by_rank and kind == MERGE:
                events.clear()  # of a pair that is listed twice the later rank counts, as in HF
            events.append(event)
        self._n_atoms: dict[int, int] = {}
        for kind, token, parts in [*steps, *((JOIN, *join) for join in self._joins)]:
            if kind != SPLIT:
                self._n_atoms.setdefault(token, sum(self._n_atoms.get(part, 1) for part in parts))
        self._cache: dict[str, list[tuple[int, int]]] = {}

    def encode(self, word: str) -> list[tuple[int, int]]:
        """The tokens of a pretoken."""
        known = self._cache.get(word)
        if known is None:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            known = self._cache[word] = self._encode(word)
        return known

    def _encode(self, word: str) -> list[tuple[int, int]]:
        atoms = self._split(word)
        tokens = [token for token, _ in atoms]
        tokens = self._join(tokens) if self._joins else self._replay(tokens)
        out, at = [], 0
        for token in tokens:
            end = at + self._n_atoms.get(token, 1)
            out.append((token, sum(length for _, length in atoms[at:end])))
            at = end
        return out

    def _split(self, word: str) -> list[tuple[int, int]]:
        """Atoms; unknown characters become bytes, the unknown token, or nothing."""
        out: list[tuple[int, int]] = []
        for character in word:
            token = self._atoms.get(character)
            if token is not None:
                out.append((token, 1))
            elif self._byte_ids is not None:
                spelled = character.encode("utf-8", "replace")
                out.extend((self._byte_ids[byte], int(place == 0)) for place, byte in enumerate(spelled))
            elif self._unk_id is not None:
                if self._fuse and out and out[-1][0] == self._unk_id:
                    out[-1] = (self._unk_id, out[-1][1] + 1)
                else:
                    out.append((self._unk_id, 1))
        return out

    def _replay(self, tokens: list[int]) -> list[int]:
        """The steps in order, found through the pairs and tokens that they act on."""
        ids: list[int | None] = list(tokens)
        n = len(ids)
        before, after = list(range(-1, n - 1)), list(range(1, n + 1))
        heap: list[tuple[int, int]] = []

        def watch(at: int, now: int) -> None:
            if 0 <= at < n and after[at] < n:
                self._queue(heap, self._pair_events.get((ids[at], ids[after[at]])), at, -1 if self._by_rank else now)  # type: ignore[arg-type]

        def watch_token(at: int, now: int) -> None:
            self._queue(heap, self._split_events.get(ids[at]), at, now)  # type: ignore[arg-type]

        for at in range(n):
            watch(at, -1)
        while heap:
            event, at = heapq.heappop(heap)
            kind, token, parts = self._steps[event]
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
                if self._by_rank:
                    continue  # scaffolds are taken down last, and nothing is merged after that
                watch(before[at], event)
                place = at
                while place != end:
                    watch(place, event)
                    watch_token(place, event)
                    place = after[place]
        return [token for token in ids if token is not None]

    @staticmethod
    def _queue(heap: list[tuple[int, int]], events: list[int] | None, at: int, now: int) -> None:
        if events:
            place = bisect_left(events, now + 1)
            if place < len(events):
                heapq.heappush(heap, (events[place], at))

    def _join(self, tokens: list[int]) -> list[int]:
        """The first join that stands anywhere, at all its places, until none stands."""
        while True:
            standing = [
                rank
                for at, pair in enumerate(pairwise(tokens))
                for rank in self._join_starts.get(pair, ())
                if tuple(tokens[at : at + len(self._joins[rank][1])]) == self._joins[rank][1]
            ]
            if not standing:
                return tokens
            token, parts = self._joins[min(standing)]
            joined, at = [], 0
            while at < len(tokens):
                is_here = tuple(tokens[at : at + len(parts)]) == parts
                joined.append(token if is_here else tokens[at])
                at += len(parts) if is_here else 1
            tokens = joined
