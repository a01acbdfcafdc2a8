"""FOCUS (Dobler, de Melo 2023): sparsemax over the cosines of auxiliary vectors to all shared tokens.

w = sparsemax(z) with z_j = cosine(new, shared_j); new = sum_j w_j base_j. Sparsemax (Martins, Astudillo 2016): with z
sorted downwards, k* = max{k : 1 + k z_k > sum_{i<=k} z_i}, tau = (sum_{i<=k*} z_i - 1) / k*, w = max(z - tau, 0).
Auxiliary vectors are given (the paper trains fastText on text in the new tokens); tokens without one are not served.
"""

import numpy as np
from numpy.typing import NDArray

from tokkit.transplant.base import METHODS, Auxiliary, Method, Problem, Rows
from tokkit.transplant.interpolate import unit
from tokkit.transplant.sparse import Csr, Floats


def sparsemax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row's nearest point of the probability simplex.

    >>> sparsemax(np.array([[1.0, 0.8, -1.0]])).round(3).tolist()
    [[0.6, 0.4, 0.0]]
    """
    ordered = -np.sort(-scores, axis=1)
    sums = np.cumsum(ordered, axis=1)
    ranks = np.arange(1, scores.shape[1] + 1)
    support = (1 + ranks * ordered > sums).sum(axis=1)
    tau = (np.take_along_axis(sums, support[:, None] - 1, axis=1)[:, 0] - 1) / support
    return np.asarray(np.maximum(scores - tau[:, None], 0), np.float64)


def cosines(new: Floats, shared: Floats) -> NDArray[np.float64]:
    """Cosine of each row of `new` [n, da] with each of `shared` [m, da]."""
    return unit(np.asarray(new, np.float64)) @ unit(np.asarray(shared, np.float64)).T


def usable(vectors: Auxiliary, anchors: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(which new tokens have a vector, which anchors have one)."""
    has_new = np.isfinite(vectors.new).all(axis=1) & (vectors.new != 0).any(axis=1)
    rows = vectors.base[anchors]
    return has_new, anchors[np.isfinite(rows).all(axis=1) & (rows != 0).any(axis=1)]


@METHODS.register("focus")
class Focus(Method):
    """Sparsemax over the cosines of auxiliary vectors to all shared tokens; needs such vectors."""

    needs = frozenset({"auxiliary"})

    def solve(self, problem: Problem) -> Rows:
        """Rows of the new tokens that have a vector."""
        vectors = problem.vectors()
        served, shared = usable(vectors, problem.anchors)
        parts: list[Csr] = []
        rows: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        block = max(1, (1 << 23) // max(1, len(shared)))
        places = np.flatnonzero(served) if len(shared) else np.zeros(0, np.int64)
        table = {int(place): number for number, place in enumerate(places)}
        for start in range(0, len(places), block):
            weights = sparsemax(cosines(vectors.new[places[start : start + block]], vectors.base[shared]))
            parts.append(Csr.of_table(np.broadcast_to(shared, weights.shape), weights))
        found = [part.row(row) for part in parts for row in range(len(part))]
        nothing = (np.zeros(0, np.int64), np.zeros(0))
        rows = [found[table[place]] if place in table else nothing for place in range(problem.n)]
        return Rows(Csr.of_rows(rows), served=np.array([place in table for place in range(problem.n)], bool))
