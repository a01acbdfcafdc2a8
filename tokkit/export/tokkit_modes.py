"""Reading words that a tokenizer folder carries: atoms, and the rules that take tokens of the vocabulary as they are.

longest_prefix, longest_suffix, longest_token, least_tokens and likelihood of Uzan et al. (2024), plain Python.
"""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

Placed = tuple[int, int]
"""A token and its length in characters of the pretoken."""
Span = tuple[int, int]

UNKNOWN_PENALTY = 10.0
"""How far below the rarest token an unknown character lies, under likelihood."""


class Atoms:
    """The characters of a pretoken as tokens, with the marks of those after the first and of the last."""

    def __init__(self, data: dict[str, Any]) -> None:
        """`data` is the content of tokkit_encoder.json."""
        self.prefix: str = data["prefix"]
        self.suffix: str = data["suffix"]
        self._ids: dict[str, int] = data["atoms"]
        self._unk_id: int | None = data["unk_id"]
        self._fuse: bool = data["fuse_unk"]
        self._byte_ids: list[int] | None = data["byte_ids"]

    def marked(self, word: str, start: int, end: int) -> str:
        """What a token of the characters start..end is called."""
        return (self.prefix if start else "") + word[start:end] + (self.suffix if end == len(word) else "")

    def split(self, word: str) -> list[Placed]:
        """One token a character; unknown ones become bytes, the unknown token, or nothing."""
        out: list[Placed] = []
        for at in range(len(word)):
            token = self._ids.get(self.marked(word, at, at + 1))
            if token is None:
                self.add_unknown(word, at, out)
            else:
                out.append((token, 1))
        return out

    def add_unknown(self, word: str, at: int, out: list[Placed]) -> None:
        """Appends what the unknown character at a place becomes."""
        if self._byte_ids is not None:
            spelled = self.marked(word, at, at + 1).encode("utf-8", "replace")
            out.extend((self._byte_ids[byte], int(place == 0)) for place, byte in enumerate(spelled))
        elif self._unk_id is not None:
            if self._fuse and out and out[-1][0] == self._unk_id:
                out[-1] = (self._unk_id, out[-1][1] + 1)
            else:
                out.append((self._unk_id, 1))


class Reader:
    """Tokens of the vocabulary that cover a pretoken, by one of `RULES`."""

    def __init__(self, data: dict[str, Any], atoms: Atoms) -> None:
        """`data` is the content of tokkit_encoder.json."""
        self._atoms = atoms
        self._is_byte: bool = data["unit"] == "byte"
        self._tokens = ordinary(data)
        self._scores: list[float | None] = data["scores"] or []
        if data["inference"] == "likelihood":
            self._tokens = {token: id_ for token, id_ in self._tokens.items() if self._scores[id_] is not None}
        self._longest = max(map(len, self._tokens), default=1)
        self._least = min((score for score in self._scores if score is not None), default=0.0) - UNKNOWN_PENALTY
        self._spans: Callable[[str], list[Span]] = getattr(self, RULES[data["inference"]])

    def read(self, word: str) -> list[Placed]:
        """The tokens of a pretoken."""
        out: list[Placed] = []
        for start, end in self._spans(word):
            token = self._token(word, start, end)
            if token is None:
                self._atoms.add_unknown(word, start, out)
            else:
                out.append((token, end - start))
        return out

    def _token(self, word: str, start: int, end: int) -> int | None:
        return self._tokens.get(self._atoms.marked(word, start, end))

    def _longest_prefix(self, word: str) -> list[Span]:
        spans, start = [], 0
        while start < len(word):
            ends = range(min(len(word), start + self._longest), start, -1)
            end = next((end for end in ends if self._token(word, start, end) is not None), start + 1)
            spans.append((start, end))
            start = end
        return spans

    def _longest_suffix(self, word: str) -> list[Span]:
        spans, end = [], len(word)
        while end > 0:
            starts = range(max(0, end - self._longest), end)
            start = next((start for start in starts if self._token(word, start, end) is not None), end - 1)
            spans.append((start, end))
            end = start
        return spans[::-1]

    def _longest_token(self, word: str) -> list[Span]:
        """The longest in bytes first, then what lies left and right of it."""
        sizes = [1 if self._is_byte else len(character.encode("utf-8", "replace")) for character in word]
        begins = [0, *accumulate(sizes)]
        found = sorted(
            (begins[start] - begins[end], start, end)
            for start in range(len(word))
            for end in range(start + 1, min(len(word), start + self._longest) + 1)
            if self._token(word, start, end) is not None
        )
        owner: list[Span | None] = [None] * len(word)
        for _, start, end in found:
            # A token that is no longer than those before it covers the end of one that it overlaps.
            if all(owner[at] is None for at in range(start, end)):
                owner[start:end] = [(start, end)] * (end - start)
        spans = [span or (at, at + 1) for at, span in enumerate(owner)]
        return list(dict.fromkeys(spans))

    def _least_tokens(self, word: str) -> list[Span]:
        """Fewest unknown characters, then fewest tokens; of equals the one whose last token is longest."""
        best: list[tuple[tuple[int, int], int]] = [((0, 0), 0)]
        for end in range(1, len(word) + 1):
            ways = []
            for start in range(max(0, end - self._longest), end):
                unknown, tokens = best[start][0]
                if self._token(word, start, end) is not None:
                    ways.append(((unknown, tokens + 1), start))
                elif end == start + 1:
                    ways.append(((unknown + 1, tokens), start))
            best.append(min(ways, key=lambda way: way[0]))
        return _back([start for _, start in best])

    def _likelihood(self, word: str) -> list[Span]:
        """The largest sum of scores; of equals the one whose last token is longest."""
        best: list[tuple[float, int]] = [(0.0, 0)]
        for end in range(1, len(word) + 1):
            ways = []
            for start in range(max(0, end - self._longest), end):
                token = self._token(word, start, end)
                score = None if token is None else self._scores[token]
                if score is not None:
                    ways.append((best[start][0] + score, start))
                elif end == start + 1:
                    ways.append((best[start][0] + self._least, start))
            best.append(max(ways, key=lambda way: way[0]))
        return _back([start for _, start in best])


RULES = {
    "longest_prefix": "_longest_prefix",
    "longest_suffix": "_longest_suffix",
    "longest_token": "_longest_token",
    "least_tokens": "_least_tokens",
    "likelihood": "_likelihood",
}


def ordinary(data: dict[str, Any]) -> dict[str, int]:
    """The tokens that text can spell, and their ids: neither special tokens nor bytes."""
    reserved = set(data["reserved"])
    tokens = enumerate(data["tokens"])
    return {token: id_ for id_, token in tokens if token is not None and id_ not in reserved}


def _back(starts: list[int]) -> list[Span]:
    spans, end = [], len(starts) - 1
    while end > 0:
        spans.append((starts[end], end))
        end = starts[end]
    return spans[::-1]
