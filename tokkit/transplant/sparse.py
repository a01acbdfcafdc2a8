"""The one operator of transplantation: sparse rows of weights over the base model's rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
Row = tuple[NDArray[np.int64], NDArray[np.float64]]
"""(indices, weights) of one row."""
_NUMBERS = 1 << 21
"""Gathered numbers per block of `apply`: bounds its memory to 16 MiB or one row of weights."""


@dataclass(frozen=True)
class Csr:
    """Row `i` is `sum(weights[e] * base[indices[e]])` for `indptr[i] <= e < indptr[i + 1]`."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @classmethod
    def empty(cls, rows: int) -> "Csr":
        """Rows without any entry."""
        return cls(np.zeros(rows + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64))

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[ArrayLike, ArrayLike]]) -> "Csr":
        """From (indices, weights) of each row."""
        indices = [np.asarray(row[0], np.int64).reshape(-1) for row in rows]
        weights = [np.asarray(row[1], np.float64).reshape(-1) for row in rows]
        indptr = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in indices], out=indptr[1:])
        empty: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        return cls(indptr, np.concatenate(indices or empty), np.concatenate(weights or [np.zeros(0)]))

    @classmethod
    def of_table(cls, indices: NDArray[np.integer], weights: Floats, keep: NDArray[np.bool_] | None = None) -> "Csr":
        """From [rows, k] tables; entries where `keep` is false (default: weight 0) are left out."""
        kept = weights != 0 if keep is None else keep
        indptr = np.zeros(len(indices) + 1, np.int64)
        np.cumsum(kept.sum(axis=1), out=indptr[1:])
        return cls(indptr, indices[kept].astype(np.int64), weights[kept].astype(np.float64))

    def row(self, place: int) -> Row:
        """(indices, weights) of one row."""
        span = slice(int(self.indptr[place]), int(self.indptr[place + 1]))
        return self.indices[span], self.weights[span]

    def renamed(self, names: NDArray[np.int64]) -> "Csr":
        """The same rows over other indices: `names[i]` in place of `i`."""
        return Csr(self.indptr, names[self.indices], self.weights)

    def take(self, rows: NDArray[np.int64]) -> "Csr":
        """Some rows, in that order."""
        lengths = np.diff(self.indptr)[rows]
        indptr = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=indptr[1:])
        # The places of the kept entries: each row's begin, repeated, plus 0, 1, 2 … within the row.
        places = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Csr(indptr, self.indices[places], self.weights[places])

    def l1(self) -> NDArray[np.float64]:
        """Sum of |weight| of each row."""
        return self._sums(np.abs(self.weights)[:, None])[:, 0]

    def apply(self, base: NDArray[np.generic]) -> NDArray[np.float64]:
        """W @ base: float64 [rows, d]; `base` of any float type, bf16 too."""
        made = np.zeros((len(self), base.shape[1]))
        start, entries = 0, max(1, _NUMBERS // max(1, base.shape[1]))
        while start < len(self):
            limit = int(self.indptr[start]) + entries
            stop = max(start + 1, int(np.searchsorted(self.indptr, limit, side="right")) - 1)
            span = slice(int(self.indptr[start]), int(self.indptr[stop]))
            terms = base[self.indices[span]].astype(np.float64) * self.weights[span, None]
            part = Csr(self.indptr[start : stop + 1] - span.start, self.indices[span], self.weights[span])
            made[start:stop] = part._sums(terms)
            start = stop
        return made

    def _sums(self, terms: NDArray[np.float64]) -> NDArray[np.float64]:
        made = np.zeros((len(self), terms.shape[1]))
        filled = np.flatnonzero(np.diff(self.indptr))
        if len(filled):
            # reduceat repeats an entry for an empty range, so only rows that have entries take part.
            made[filled] = np.add.reduceat(terms, self.indptr[filled], axis=0)
        return made


def column_mean(values: NDArray[np.generic], block: int = 8192) -> NDArray[np.float64]:
    """Mean of the rows of a table of any float type, in blocks."""
    total = np.zeros(values.shape[1])
    for start in range(0, len(values), block):
        total += values[start : start + block].astype(np.float64).sum(axis=0)
    return total / max(1, len(values))


def scatter(parts: Sequence[tuple[NDArray[np.int64], Csr]], rows: int) -> Csr:
    """One operator from several: `places[i]` of `rows` gets row `i` of its part; later parts win."""
    table: list[Row] = [(np.zeros(0, np.int64), np.zeros(0))] * rows
    for places, part in parts:
        for number, place in enumerate(places.tolist()):
            table[place] = part.row(number)
    return Csr.of_rows(table)
