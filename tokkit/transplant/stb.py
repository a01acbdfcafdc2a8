"""Sparse token basis: parallel bases of both spaces from few anchors each, then coordinates carry over.

The principal axes u_i of the centred anchors of the narrower side are each written by orthogonal matching pursuit as a
mixture c_i of k centred anchors; B_i = sum_j c_ij A_j and H_i = sum_j c_ij P_j are then parallel bases of both spaces.
new = x H + mean of the base, x = argmin |x B - (y - mean of the donor)|. As in mergekit (whose command cannot run it):
the mixtures are fitted on centred rows and applied to rows as they are.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.omp import Pursuit, pursue
from tokkit.transplant.sparse import Csr, Floats


def basis(rows: Floats, *, k: int, threads: int = 1, memory: int = 1 << 30) -> Pursuit:
    """Each principal axis of the centred `rows` [m, d] as a mixture of k centred rows, by variance."""
    centred = np.asarray(rows - rows.mean(axis=0, dtype=np.float64), np.float64)
    axes = np.linalg.svd(centred.T @ centred)[0].T[: min(centred.shape)]
    return pursue(centred, axes, k=k, threads=threads, memory=memory)


def carry(
    wanted: Floats,
    anchors: Floats,
    base: Floats,
    found: Pursuit,
    means: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Rows [n, d] of `wanted` [n, dd]; `means` are those of all donor and all base rows."""
    mixtures = Csr.of_table(found.atoms, found.coefficients, found.atoms >= 0)
    left, right = mixtures.apply(anchors), mixtures.apply(base)
    coordinates = np.linalg.lstsq(left.T, (wanted - means[0]).T, rcond=None)[0]
    return np.asarray(coordinates.T @ right + means[1], np.float64)


@METHODS.register("stb")
class SparseTokenBasis(Method):
    """Parallel bases of both spaces, each axis made of few anchors; needs a donor model."""

    needs = frozenset({"donor"})

    class Config(Method.Config):
        """How many anchors make an axis."""

        k: int = Field(8, ge=1, le=4096, description="anchors of an axis at most")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """All rows, as constants: each mixes all axes."""
        anchors, wanted = problem.donor()
        base = problem.anchor_rows()
        narrow = base if base.shape[1] <= anchors.shape[1] else anchors
        found = basis(narrow, k=self.config.k, threads=problem.threads, memory=problem.memory)
        donor_mean = problem.donor_mean
        from_mean = anchors.mean(axis=0, dtype=np.float64) if donor_mean is None else donor_mean
        means = (from_mean, problem.mean)
        return Rows(Csr.empty(problem.n), constant=carry(wanted, anchors, base, found, means))
