"""Edit distance of two sequences, by whole-array operations."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def edit_distance(a: Sequence[int] | NDArray[np.integer], b: Sequence[int] | NDArray[np.integer]) -> int:
    """Fewest insertions, deletions and replacements that turn one into the other (Levenshtein); O(len a x len b).

    >>> edit_distance([1, 2, 3, 4], [1, 3, 5, 4])
    2
    """
    left, right = np.asarray(a, np.int64), np.asarray(b, np.int64)
    shared = min(len(left), len(right))
    differs = np.flatnonzero(left[:shared] != right[:shared])
    start = int(differs[0]) if len(differs) else shared
    left, right = left[start:], right[start:]
    shared = min(len(left), len(right))
    differs = np.flatnonzero(left[::-1][:shared] != right[::-1][:shared])
    end = int(differs[0]) if len(differs) else shared
    left, right = left[: len(left) - end], right[: len(right) - end]
    if len(right) > len(left):
        left, right = right, left
    steps = np.arange(len(left) + 1)
    row = steps.copy()
    for place, item in enumerate(right.tolist(), 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (left != item))
        # An insertion leans on the cell to its left: the running minimum of cost less position says all of them.
        row = np.minimum.accumulate(np.concatenate([[place], best]) - steps) + steps
    return int(row[-1])
