"""The default: composition by piece length, or with a donor its mixture for text tokens.

Without a donor `compose` by charlen, power 2 for input rows and 1 for output rows and for rows that are both: what
reads best at once on SmolLM2-135M (evals/studies). With one, `omp` for text tokens, but
`compose` where a mixture is known to go wrong: tokens with several digits (arXiv 2506.06607 loses 74-79 % of GSM8K
across digit schemes), tokens whose donor row it cannot rebuild, and all specials.
"""

from dataclasses import replace

import numpy as np
from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.compose import Compose
from tokkit.transplant.omp import Omp
from tokkit.transplant.sparse import Csr


@METHODS.register("auto")
class Auto(Method):
    """What is right by default: `compose` by piece length; with a donor `omp` for text, `compose` for numbers."""

    needs = frozenset({"pieces"})

    class Config(Method.Config):
        """Only what a user may have to change."""

        k: int = Field(64, ge=1, le=4096, description="anchors of a new row at most, with a donor")
        max_residual: float = Field(0.9, gt=0, le=1, description="compose where the mixture misses more of the row")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """Rows of all tokens that either method serves."""
        composed = Compose(Compose.Config(power_in=1.0 if problem.is_tied else 2.0)).solve(problem)
        if problem.donor_new is None:
            return replace(composed, labels=("compose",) * problem.n)
        mixed = Omp(Omp.Config(k=self.config.k)).solve(problem)
        assert composed.served is not None
        assert mixed.served is not None
        assert mixed.residual is not None
        numeric = np.array([sum(48 <= byte < 58 for byte in text) > 1 for text in problem.texts], bool)
        mixes = mixed.served & ~numeric & (mixed.residual <= self.config.max_residual)
        rows = [(mixed if mixes[place] else composed).weights.row(place) for place in range(problem.n)]
        residual = np.where(mixes, mixed.residual, np.nan)
        labels = tuple("omp" if mix else "compose" for mix in mixes)
        return Rows(Csr.of_rows(rows), residual=residual, served=mixes | composed.served, labels=labels)
