"""CLP-Transfer (Ostendorff, Rehm 2023): all shared tokens, weighted by their cosine in a helper model's rows.

w_j = cosine(new, shared_j) / sum_j cosine(new, shared_j) over all shared tokens, in the space of a small model that
has the new vocabulary (the donor). Weights may be negative and are nearly uniform; kept for comparison. Where cosines
of both signs cancel each other the formula makes rows of any length; such tokens are left to the fallback.
"""

import numpy as np
from numpy.typing import NDArray

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.focus import cosines
from tokkit.transplant.sparse import Csr, Floats

_MOST_L1 = 10.0
"""Sum of |weights| of a row at most; helpers whose cosines are mostly positive stay near 1."""


def cosine_shares(new: Floats, shared: Floats) -> NDArray[np.float64]:
    """Weights [n, m]; rows whose cosines add up to zero are zero."""
    raw = cosines(new, shared)
    total = raw.sum(axis=1, keepdims=True)
    return np.asarray(np.where(np.abs(total) > 1e-12, raw / np.where(total == 0, 1, total), 0), np.float64)


@METHODS.register("clp")
class Clp(Method):
    """All shared tokens weighted by their cosine in the donor (CLP-Transfer); needs a donor model."""

    needs = frozenset({"donor"})

    def solve(self, problem: Problem) -> Rows:
        """All rows, as constants, since every shared token has a weight in each; computed in blocks."""
        anchors, wanted = problem.donor()
        base = problem.anchor_rows()
        made, served = np.zeros((problem.n, base.shape[1])), np.zeros(problem.n, bool)
        block = max(1, (1 << 23) // len(anchors))
        for start in range(0, problem.n, block):
            weights = cosine_shares(wanted[start : start + block], anchors)
            sums = np.abs(weights).sum(axis=1)
            served[start : start + block] = (sums > 0) & (sums <= _MOST_L1)
            made[start : start + block] = weights @ base
        return Rows(Csr.empty(problem.n), constant=made, served=served)
