"""MinED: the row of the base token at the smallest edit distance, a baseline of tokenkit.

Levenshtein distance over bytes; ties go to the longer common prefix, then to the lowest id.
"""

import numpy as np

from tokkit import _core
from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr


@METHODS.register("mined")
class MinED(Method):
    """The row of the base token at the smallest edit distance; a baseline."""

    def solve(self, problem: Problem) -> Rows:
        """Rows of all tokens, if the base has any text token."""
        known = [(number, text) for number, text in enumerate(problem.base_texts) if text]
        if not known:
            return Rows(Csr.empty(problem.n), served=np.zeros(problem.n, bool))
        texts = [text for _, text in known]
        found = _core.nearest_by_edits(list(problem.texts), texts, progress=problem.progress)
        ids = np.array([number for number, _ in known], np.int64)[np.frombuffer(found, "<u4")]
        return Rows(Csr(np.arange(problem.n + 1), ids, np.ones(problem.n)))
