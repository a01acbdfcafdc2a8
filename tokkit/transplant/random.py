"""Independent normal numbers with the mean and deviation of each column of the base matrix."""

import numpy as np
from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr


@METHODS.register("random")
class Random(Method):
    """Normal noise with the mean and deviation of each column; a baseline."""

    class Config(Method.Config):
        """How far from the mean."""

        scale: float = Field(1.0, ge=0, le=100, description="factor of the deviation")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """The same seed gives the same rows."""
        draw = np.random.default_rng([problem.seed, problem.side == "out"])
        mean = problem.mean
        deviation = problem.floats.std(axis=0, dtype=np.float64)
        noise = draw.standard_normal((problem.n, problem.base.shape[1]))
        return Rows(Csr.empty(problem.n), constant=mean + self.config.scale * deviation * noise)
