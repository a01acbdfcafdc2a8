"""Slow, obvious twins of the compiled encoder: the oracle of the parity tests, and a way to encode without Rust.

Every function follows the definition of its mode word by word, with no regard for time. Nothing here is shared with
the Rust code but the tables.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tokkit.errors import UsageError
from tokkit.model.reference_exact import exact_word
from tokkit.model.tables import EncoderTables
from tokkit.model.vocab import NOT_IN_VOCAB

Atom = tuple[bytes, int]
"""The bytes of an atom with its marks, and its length in the text."""

_UNKNOWN_PENALTY = 10.0


@dataclass(frozen=True)
class ReferenceEncoder:
    """Encodes one pretoken at a time by the rules of `tables.inference`."""

    tables: EncoderTables

    def encode_word(self, word: bytes) -> list[int]:
        """The ids of one pretoken."""
        if not word:
            return []
        if self.tables.ignore_merges and word in self._ordinary:
            return [self._ordinary[word]]
        rules: dict[str, Callable[[bytes], list[int]]] = {
            "exact": self._exact,
            "merge": self._by_merges,
            "vocab_rank": self._by_vocabulary_rank,
            "longest_prefix": self._longest_prefix,
            "longest_suffix": self._longest_suffix,
            "longest_token": self._longest_token,
            "least_tokens": self._least_tokens,
            "likelihood": self._likelihood,
        }
        return rules[self.tables.inference](word)

    def encode_word_with_dropout(self, word: bytes, p: float, coin: random.Random) -> list[int]:
        """The ids of one pretoken under BPE-dropout: at each step every possible merge is passed over with `p`."""
        if self.tables.inference != "merge":
            raise UsageError(f"dropout needs merges, got inference `{self.tables.inference}`")
        ids = self._symbols(word)
        while True:
            candidates = [(self._ranks[pair], at) for at, pair in enumerate(pairwise(ids)) if pair in self._ranks]
            kept = [candidate for candidate in sorted(candidates) if coin.random() >= p]
            if not kept:
                return ids
            rank, at = kept[0]
            ids[at : at + 2] = [int(self.tables.merges[rank][2])]

    @cached_property
    def _all(self) -> dict[bytes, int]:
        return dict(zip(reversed(self.tables.tokens), reversed(self.tables.ids.tolist()), strict=True))

    @cached_property
    def _ordinary(self) -> dict[bytes, int]:
        reserved = self.tables.reserved
        return {token: number for token, number in self._all.items() if number not in reserved}

    @cached_property
    def _ranks(self) -> dict[tuple[int, int], int]:
        return {(left, right): rank for rank, (left, right, _) in enumerate(self.tables.merges.tolist())}

    def _lengths(self, word: bytes) -> Iterator[int]:
        """Lengths of the atoms; in character mode a byte that starts no character is an atom."""
        at = 0
        while at < len(word):
            length = 1
            if self.tables.unit == "char":
                length = next((n for n in (1, 2, 3, 4) if _is_character(word[at : at + n])), 1)
            yield length
            at += length

    def _atoms(self, word: bytes) -> list[Atom]:
        atoms = []
        at = 0
        for length in self._lengths(word):
            prefix = self.tables.prefix.encode() if at > 0 else b""
            suffix = self.tables.suffix.encode() if at + length == len(word) else b""
            atoms.append((prefix + word[at : at + length] + suffix, length))
            at += length
        return atoms

    def _unknown(self, atom: bytes, ids: list[int], *, follows_unknown: bool) -> bool:
        """Appends what an unknown atom becomes; says whether that was the unknown token."""
        tables = self.tables
        if tables.byte_ids is not None:
            spelled = [int(tables.byte_ids[byte]) for byte in atom]
            if NOT_IN_VOCAB not in spelled:
                ids.extend(spelled)
                return False
        if tables.unk_id is None:
            return follows_unknown
        if not (follows_unknown and tables.fuse_unk):
            ids.append(tables.unk_id)
        return True

    def _symbols(self, word: bytes) -> list[int]:
        ids: list[int] = []
        follows_unknown = False
        for atom, _ in self._atoms(word):
            if atom in self._all and (self.tables.unit == "byte" or _is_text(atom)):
                ids.append(self._all[atom])
                follows_unknown = False
            else:
                follows_unknown = self._unknown(atom, ids, follows_unknown=follows_unknown)
        return ids

    def _exact(self, word: bytes) -> list[int]:
        return exact_word(self._symbols(word), self.tables)

    def _by_merges(self, word: bytes) -> list[int]:
        ids = self._symbols(word)
        while True:
            pairs = [(self._ranks[pair], at) for at, pair in enumerate(pairwise(ids)) if pair in self._ranks]
            if not pairs:
                return ids
            rank, at = min(pairs)
            ids[at : at + 2] = [int(self.tables.merges[rank][2])]

    def _by_vocabulary_rank(self, word: bytes) -> list[int]:
        spelling = {number: token for token, number in self._ordinary.items()}
        ids = self._symbols(word)
        while True:
            joined = []
            for at, (left, right) in enumerate(pairwise(ids)):
                if left in spelling and right in spelling and spelling[left] + spelling[right] in self._ordinary:
                    joined.append((self._ordinary[spelling[left] + spelling[right]], at))
            if not joined:
                return ids
            token, at = min(joined)
            ids[at : at + 2] = [token]

    def _token(self, atoms: list[Atom], start: int, end: int) -> int | None:
        """The token that the atoms `start..end` spell together; marks between them are dropped."""
        prefix = self.tables.prefix.encode()
        first, *others = (atom for atom, _ in atoms[start:end])
        inner = [atom[len(prefix) :] for atom in others]
        token = self._ordinary.get(b"".join([first, *inner]))
        if token is not None and self.tables.inference == "likelihood" and token not in self._scores:
            return None
        return token

    @cached_property
    def _scores(self) -> dict[int, float]:
        if self.tables.scores is None:
            return {}
        both = zip(self.tables.ids.tolist(), self.tables.scores.tolist(), strict=True)
        return {number: score for number, score in both if float("-inf") < score < float("inf")}

    def _emit(self, atoms: list[Atom], spans: list[tuple[int, int]]) -> list[int]:
        ids: list[int] = []
        follows_unknown = False
        for start, end in spans:
            token = self._token(atoms, start, end)
            if token is None:
                follows_unknown = self._unknown(atoms[start][0], ids, follows_unknown=follows_unknown)
            else:
                ids.append(token)
                follows_unknown = False
        return ids

    def _longest_prefix(self, word: bytes) -> list[int]:
        atoms = self._atoms(word)
        spans = []
        start = 0
        while start < len(atoms):
            ends = (end for end in range(len(atoms), start, -1) if self._token(atoms, start, end) is not None)
            end = next(ends, start + 1)
            spans.append((start, end))
            start = end
        return self._emit(atoms, spans)

    def _longest_suffix(self, word: bytes) -> list[int]:
        atoms = self._atoms(word)
        spans = []
        end = len(atoms)
        while end > 0:
            start = next((start for start in range(end) if self._token(atoms, start, end) is not None), end - 1)
            spans.append((start, end))
            end = start
        return self._emit(atoms, spans[::-1])

    def _longest_token(self, word: bytes) -> list[int]:
        atoms = self._atoms(word)
        begins = [0]
        for _, length in atoms:
            begins.append(begins[-1] + length)

        def split(low: int, high: int) -> list[tuple[int, int]]:
            found = [
                (begins[start] - begins[end], start, end)
                for start in range(low, high)
                for end in range(start + 1, high + 1)
                if self._token(atoms, start, end) is not None
            ]
            if not found:
                return [(at, at + 1) for at in range(low, high)]
            _, start, end = min(found)
            return [*split(low, start), (start, end), *split(end, high)]

        return self._emit(atoms, split(0, len(atoms)))

    def _least_tokens(self, word: bytes) -> list[int]:
        atoms = self._atoms(word)
        # (unknown atoms, tokens) to reach a place, and the spans that do; the smallest start wins a tie.
        best: list[tuple[tuple[int, int], list[tuple[int, int]]]] = [((0, 0), [])]
        for end in range(1, len(atoms) + 1):
            ways = []
            for start in range(end):
                (unknown, tokens), spans = best[start]
                if self._token(atoms, start, end) is not None:
                    ways.append(((unknown, tokens + 1), [*spans, (start, end)]))
                elif end == start + 1:
                    ways.append(((unknown + 1, tokens), [*spans, (start, end)]))
            best.append(min(ways, key=lambda way: way[0]))
        return self._emit(atoms, best[-1][1])

    def _likelihood(self, word: bytes) -> list[int]:
        atoms = self._atoms(word)
        unknown = min(self._scores.values(), default=0.0) - _UNKNOWN_PENALTY
        best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
        for end in range(1, len(atoms) + 1):
            ways = []
            for start in range(end):
                score, spans = best[start]
                token = self._token(atoms, start, end)
                if token is not None:
                    ways.append((score + self._scores[token], [*spans, (start, end)]))
                elif end == start + 1:
                    ways.append((score + unknown, [*spans, (start, end)]))
            best.append(max(ways, key=lambda way: way[0]))
        return self._emit(atoms, best[-1][1])


def _is_character(data: bytes) -> bool:
    return _is_text(data) and len(data.decode()) == 1


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
