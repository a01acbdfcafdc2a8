"""Windows over the tokens of a document, measured in bytes: models with long tokens get no longer context."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """The model sees tokens `begin` to `end` and is scored on `first` to `end`; `is_cut`: fewer than were wanted."""

    begin: int
    first: int
    end: int
    is_cut: bool = False


def windows(starts: NDArray[np.int64], *, context: int, stride: int, limit: int | None = None) -> list[Window]:
    """Every token is scored in exactly one window, the one of the `stride` bytes that it begins in.

    `starts` [n] are the bytes at which tokens begin. A window goes back over tokens that begin less than `context`
    bytes before its end, and over one token at least, but never holds more than `limit` tokens.

    >>> windows(np.array([0, 3, 6, 9]), context=8, stride=4)
    [Window(begin=0, first=0, end=2, is_cut=False), Window(begin=0, first=2, end=3, is_cut=False), \
Window(begin=2, first=3, end=4, is_cut=False)]
    """
    starts = np.maximum.accumulate(starts)
    made: list[Window] = []
    step = starts // stride
    edges = [0, *(np.flatnonzero(np.diff(step)) + 1).tolist(), len(starts)] if len(starts) else []
    for first, end in pairwise(edges):
        stop = (int(step[first]) + 1) * stride
        begin = min(int(np.searchsorted(starts, stop - context)), max(0, first - 1))
        if limit is None or end - begin <= limit:
            made.append(Window(begin, first, end))
            continue
        # At least one token of context, wherever there is one.
        most = max(1, limit - 1)
        for part in range(first, end, most):
            last = min(part + most, end)
            made.append(Window(max(begin, last - limit), part, last, is_cut=True))
    return made
