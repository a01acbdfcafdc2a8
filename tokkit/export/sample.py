"""Which pretokens of a count table an export is checked on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokkit.counts import CountTable

LONGEST_CHECKED: Final = 4096
"""Longer pretokens (bytes) are left out: other programs take minutes and gigabytes for one of some megabytes."""

N_CHECKED: Final = 40_000
"""How many pretokens are checked where the export is exact by construction: half the most frequent, half spread."""


@dataclass(frozen=True)
class Sample:
    """Rows of a table; iterating gives (pretoken, count) in table order.

    distinct and mass are those of the rows, of_distinct and of_mass those of the whole table.
    """

    counts: "CountTable"
    rows: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    distinct: int
    mass: int
    of_distinct: int
    of_mass: int

    def __len__(self) -> int:
        return self.distinct

    def __iter__(self) -> "Iterator[tuple[bytes, int]]":
        blob, offsets, counts = self.counts.numpy()
        text = blob.tobytes()
        for row in self.rows.tolist():
            yield text[int(offsets[row]) : int(offsets[row + 1])], int(counts[row])


def checkable(counts: "CountTable", *, at_most: int | None = None) -> Sample:
    """The pretokens of up to `LONGEST_CHECKED` bytes; with `at_most`, half of them the most frequent, half spread.

    The choice depends on the table alone, so that a figure can be made again.
    """
    _, offsets, values = counts.numpy()
    lengths = np.diff(offsets.astype(np.int64))
    rows = np.flatnonzero(lengths <= LONGEST_CHECKED)
    if at_most is not None and len(rows) > at_most:
        # Stable on the negated counts: equal counts stay in table order on every platform.
        by_count = rows[np.argsort(-values[rows].astype(np.float64), kind="stable")]
        n_top = at_most // 2
        spread = np.sort(by_count[n_top:])
        step = -(-len(spread) // (at_most - n_top))
        rows = np.sort(np.concatenate([by_count[:n_top], spread[::step]]))
    mass = sum(values[rows].tolist())
    return Sample(counts, rows, len(rows), mass, len(counts), counts.total)
