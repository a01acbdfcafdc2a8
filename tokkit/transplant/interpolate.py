"""A new row from its k nearest anchors in the donor's space, the same mixture of the base's rows.

With S the k nearest rows: `distance_proportional` w = 1 / max(distance, 1e-6), normalised (cosine: w = cosine);
`barycentric` solves [[SS', 1], [1', 0]] [w; lambda] = [S y; 1]: the best affine mixture; `least_squares` minimises
|S' w - y|. The three schemes and two metrics of mergekit's common interpolation.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr, Floats

Metric = Literal["euclidean", "cosine"]
Scheme = Literal["distance_proportional", "barycentric", "least_squares"]
_SMALL = 1e-6
_BLOCK_BYTES = 1 << 26


def nearest(
    anchors: Floats, wanted: Floats, *, k: int, metric: Metric
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(indices [n, k], distances [n, k]) of the k nearest anchors, ties to the lowest; cosine: 1 - it."""
    k = min(k, len(anchors))
    left, right = np.asarray(wanted, np.float64), np.asarray(anchors, np.float64)
    if metric == "cosine":
        left, right = unit(left), unit(right)
    right2 = np.einsum("ij,ij->i", right, right)
    indices, distances = np.zeros((len(left), k), np.int64), np.zeros((len(left), k))
    rows = max(1, _BLOCK_BYTES // (8 * len(right)))
    for start in range(0, len(left), rows):
        block = left[start : start + rows]
        inner = block @ right.T
        block2 = np.einsum("ij,ij->i", block, block)[:, None]
        away = 1 - inner if metric == "cosine" else block2 - 2 * inner + right2
        near = _lowest(away, k)
        order = np.argsort(np.take_along_axis(_rounded(away), near, axis=1), axis=1, kind="stable")
        found = np.take_along_axis(near, order, axis=1)
        indices[start : start + rows] = found
        if metric == "cosine":
            distances[start : start + rows] = np.take_along_axis(away, found, axis=1)
        else:
            # Anew from the difference: the expanded square loses half its digits for near rows.
            distances[start : start + rows] = np.linalg.norm(block[:, None] - right[found], axis=2)
    return indices, distances


def _rounded(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equal rows must be equally far whatever order a product adds in, or ties would fall at random."""
    return np.round(away / max(float(np.abs(away).max(initial=0)), 1e-300), 12)


def _lowest(away: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """The places [n, k] of the k smallest of each row, ascending; among equals the first ones."""
    key = _rounded(away)
    # A partition, not a sort: all anchors would be sorted for k of them.
    bound = np.partition(key, k - 1, axis=1)[:, k - 1 : k]
    below, level = key < bound, key == bound
    wanted = k - below.sum(axis=1, keepdims=True)
    kept = below | (level & (np.cumsum(level, axis=1) <= wanted))
    return np.nonzero(kept)[1].reshape(len(away), k)


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of length 1; zero rows stay zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), np.float64)


def mixture(
    near: NDArray[np.float64],
    target: NDArray[np.float64],
    distances: NDArray[np.float64],
    scheme: Scheme,
    metric: Metric,
) -> NDArray[np.float64]:
    """Weights [k] of the `near` rows [k, d] for `target` [d]."""
    if scheme == "distance_proportional":
        raw = 1 / np.maximum(distances, _SMALL) if metric == "euclidean" else 1 - distances
        return np.asarray(raw / max(float(raw.sum()), _SMALL), np.float64)
    if scheme == "least_squares":
        return np.asarray(np.linalg.lstsq(near.T, target, rcond=None)[0], np.float64)
    k = len(near)
    system = np.ones((k + 1, k + 1))
    system[:k, :k] = near @ near.T
    system[k, k] = 0
    right = np.append(near @ target, 1)
    return np.asarray(np.linalg.lstsq(system, right, rcond=None)[0][:k], np.float64)


@METHODS.register("interpolate")
class Interpolate(Method):
    """The nearest anchors in the donor's space, mixed by distance or by least squares; needs a donor model."""

    needs = frozenset({"donor"})

    class Config(Method.Config):
        """How many neighbours, by what distance, mixed how."""

        k: int = Field(8, ge=1, le=4096, description="nearest anchors of a new row")
        metric: Metric = Field("euclidean", description="distance")
        scheme: Scheme = Field("distance_proportional", description="how the neighbours are weighted")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """All rows."""
        anchors, wanted = problem.donor()
        config = self.config
        indices, distances = nearest(anchors, wanted, k=config.k, metric=config.metric)
        weights, residual = np.zeros(indices.shape), np.zeros(len(wanted))
        for row, target in enumerate(wanted.astype(np.float64)):
            near = anchors[indices[row]].astype(np.float64)
            weights[row] = mixture(near, target, distances[row], config.scheme, config.metric)
            length = float(np.linalg.norm(target))
            residual[row] = np.linalg.norm(weights[row] @ near - target) / (length or 1)
        return Rows(Csr.of_table(indices, weights).renamed(problem.anchors), residual=residual)
