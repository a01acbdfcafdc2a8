"""Which rows were hardly trained (Land, Bartolo 2024, "Fishing for Magikarp"): no good anchors.

Unused rows are ids without a token and reserved names. A row of the input matrix is suspect if its length is below the
quantile (judged only when there is an output matrix too), or if its cosine to the mean unused row, there or in the
output matrix, is above both the upper quantile and 0.5.
"""

import numpy as np
from numpy.typing import NDArray

from tokkit.transplant.interpolate import unit
from tokkit.transplant.sparse import Floats

_RESERVED = ("unused_token", "reserved_special_token")


def unused_ids(tokens: dict[int, str], n_rows: int) -> NDArray[np.int64]:
    """Ids below `n_rows` that no token has, and reserved ones."""
    found = [
        number for number in range(n_rows) if number not in tokens or any(name in tokens[number] for name in _RESERVED)
    ]
    return np.array(found, np.int64)


def suspects(
    embed: Floats, head: Floats | None, unused: NDArray[np.int64], *, quantile: float = 0.01
) -> NDArray[np.bool_]:
    """Which of the rows [n, d] look untrained."""
    bad = np.zeros(len(embed), bool)
    if head is not None:
        lengths = np.linalg.norm(embed.astype(np.float64), axis=1)
        bad |= lengths < np.quantile(lengths, quantile)
    if len(unused):
        bad |= _like_unused(embed, unused, quantile)
        if head is not None:
            bad |= _like_unused(head, unused, quantile)
    return bad


def _like_unused(rows: Floats, unused: NDArray[np.int64], quantile: float) -> NDArray[np.bool_]:
    mean = rows[unused].mean(axis=0, dtype=np.float64)[None]
    alike = unit(np.asarray(rows, np.float64)) @ unit(mean)[0]
    return np.asarray(alike > max(float(np.quantile(alike, 1 - quantile)), 0.5))
