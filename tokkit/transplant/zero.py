"""Zero rows: a baseline only, since a zero row of an output matrix beats all negative logits."""

import numpy as np

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr


@METHODS.register("zero")
class Zero(Method):
    """Zero for every new token; a baseline that is never right."""

    def solve(self, problem: Problem) -> Rows:
        """All zeros."""
        return Rows(Csr.empty(problem.n), constant=np.zeros((problem.n, problem.base.shape[1])))
