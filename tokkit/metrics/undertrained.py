"""Tokens that a model hardly learned, by its embeddings alone. All indicators: the lower, the less trained.

Land & Bartolo, EMNLP 2024 (Magikarp). Weights must be full precision: quantised rows hide what is looked for.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError

Matrix = NDArray[np.floating]
_LEAST: float = 1e-6


@dataclass(frozen=True)
class Indicators:
    """One number per id; float64 [vocabulary size] each. None without the matrix it needs."""

    input_norm: NDArray[np.float64] | None
    output_cosine: NDArray[np.float64]
    output_cosine_centred: NDArray[np.float64]
    output_cosine_without_first: NDArray[np.float64]
    output_distance: NDArray[np.float64]


def indicators(output: Matrix, unused: Collection[int], *, input_: Matrix | None = None) -> Indicators:
    """Norm of the input row, and how far the output row is from the mean of rows known to be unused.

    `output` and `input_` are [vocabulary size, width]. The cosine is taken as it is, after centring, and after the
    first principal component (of the centred matrix) is projected out of the uncentred one.

    Raises:
        InputError: no unused id, or one outside of the matrix.
    """
    rows = np.array(sorted(unused), np.int64)
    if not len(rows) or rows[0] < 0 or rows[-1] >= len(output):
        raise InputError(f"indicators: unused ids must be some of 0..{len(output) - 1}, got {rows.tolist()[:5]}")
    matrix = np.asarray(output, np.float64)
    centred = matrix - matrix.mean(axis=0)
    first = np.linalg.svd(centred, full_matrices=False)[2][0]
    without = matrix - np.outer(matrix @ first, first)
    return Indicators(
        input_norm=None if input_ is None else np.linalg.norm(np.asarray(input_, np.float64), axis=1),
        output_cosine=_cosine_distance(matrix, rows),
        output_cosine_centred=_cosine_distance(centred, rows),
        output_cosine_without_first=_cosine_distance(without, rows),
        output_distance=np.linalg.norm(matrix - matrix[rows].mean(axis=0), axis=1),
    )


def candidates(
    values: NDArray[np.float64], *, excluded: Collection[int] = (), percentile: float = 2.0
) -> tuple[float, list[int]]:
    """The threshold and the ids at or below it, ascending; excluded ids (special, unreachable) do not count."""
    kept = np.setdiff1d(np.arange(len(values)), np.array(sorted(excluded), np.int64))
    threshold = float(np.percentile(values[kept], percentile))
    return threshold, [int(token) for token in kept[values[kept] <= threshold]]


def _cosine_distance(matrix: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    mean = matrix[rows].mean(axis=0)
    norms = np.maximum(np.linalg.norm(matrix, axis=1) * np.linalg.norm(mean), _LEAST)
    distance: NDArray[np.float64] = 1 - matrix @ mean / norms
    return distance
