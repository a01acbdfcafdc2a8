"""One affine least-squares map from the donor's space to the base's, fitted on the anchors.

new = (y - mean_A) M + mean_P with M = argmin |(A - mean_A) M - (P - mean_P)|^2 + ridge * s |M|^2, where
s = trace(covariance of A) * n / d makes the ridge independent of the scale of the rows.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr, Floats


def affine_map(anchors: Floats, base: Floats, wanted: Floats, *, ridge: float) -> NDArray[np.float64]:
    """Rows [n, d] of `wanted` [n, dd] after the map that takes `anchors` [m, dd] to `base` [m, d]."""
    from_mean, to_mean = anchors.mean(axis=0, dtype=np.float64), base.mean(axis=0, dtype=np.float64)
    left, right = anchors - from_mean, base - to_mean
    square = left.T @ left
    square += np.eye(len(square)) * (ridge * np.trace(square) / len(square))
    # lstsq, not solve: without a ridge the anchors may span less than the whole space.
    fitted = np.linalg.lstsq(square, left.T @ right, rcond=None)[0]
    return np.asarray((wanted - from_mean) @ fitted + to_mean, np.float64)


@METHODS.register("lsq")
class LeastSquares(Method):
    """An affine least-squares map from the donor's space to the base's; needs a donor model."""

    needs = frozenset({"donor"})

    class Config(Method.Config):
        """How much to shrink."""

        ridge: float = Field(1e-3, ge=0, le=1e3, description="ridge in units of the mean variance of the anchors")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """All rows, as constants: the map mixes all anchors."""
        anchors, wanted = problem.donor()
        made = affine_map(anchors, problem.anchor_rows(), wanted, ridge=self.config.ridge)
        return Rows(Csr.empty(problem.n), constant=made)
