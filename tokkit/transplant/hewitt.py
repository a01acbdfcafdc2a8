"""Samples of N(mean, scale * covariance) of the base rows (Hewitt 2021; HF `mean_resizing` has scale 1e-9)."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr, Floats


def moments(base: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(mean [d], population covariance [d, d]) of the rows."""
    mean = base.mean(axis=0, dtype=np.float64)
    centred = base - mean
    return mean, centred.T @ centred / len(base)


def sample(
    mean: NDArray[np.float64], covariance: NDArray[np.float64], n: int, *, seed: int, scale: float
) -> NDArray[np.float64]:
    """`n` draws of N(mean, scale * covariance).

    The root is by eigenvalues, rounding below zero cut off: a covariance of low rank is no error here.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None) * scale)
    noise = np.random.default_rng(seed).standard_normal((n, len(mean)))
    return np.asarray(mean + noise @ root.T, np.float64)


@METHODS.register("hewitt")
class Hewitt(Method):
    """Samples around the mean base row with the base rows' covariance, scaled down."""

    class Config(Method.Config):
        """How far from the mean."""

        scale: float = Field(1e-5, ge=0, le=1, description="factor of the covariance; 1e-9 is what transformers does")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """The same seed gives the same rows."""
        mean, covariance = moments(problem.floats)
        made = sample(mean, covariance, problem.n, seed=problem.seed, scale=self.config.scale)
        return Rows(Csr.empty(problem.n), constant=made)
