"""Count tables for tests."""

from collections.abc import Mapping

import numpy as np

from tokkit import _core
from tokkit.counts import CountTable


def ordered_table(counts: Mapping[bytes, int], pretokenizer: str = "none@1") -> CountTable:
    """A table that knows the order of its pretokens, as counting with `track_first` makes it."""
    offsets = np.cumsum([0, *map(len, counts)]).astype("<u8").tobytes()
    values = np.array(list(counts.values()), "<u8").tobytes()
    first = np.arange(len(counts)).astype("<u8").tobytes()
    return CountTable(
        _core.CountTable.from_buffers(b"".join(counts), offsets, values, first), pretokenizer=pretokenizer
    )
