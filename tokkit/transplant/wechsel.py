"""WECHSEL (Minixhofer et al. 2022) and OFA: softmax over the nearest base tokens by auxiliary vectors.

new = sum over the k base tokens with the largest cosine of softmax(cosine / temperature) * base. The vectors must lie
in one space already: the paper rotates fastText vectors of two languages onto each other with a dictionary.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.focus import usable
from tokkit.transplant.interpolate import nearest
from tokkit.transplant.sparse import Csr, Floats


def soft_neighbours(
    new: Floats, source: Floats, *, neighbors: int, temperature: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(indices [n, k], weights [n, k]): the k rows of `source` with the largest cosine, softmax over cosine / T."""
    indices, away = nearest(source, new, k=neighbors, metric="cosine")
    raw = np.exp((away[:, :1] - away) / temperature)
    return indices, raw / raw.sum(axis=1, keepdims=True)


@METHODS.register("wechsel")
class Wechsel(Method):
    """Softmax over the nearest base tokens by auxiliary vectors (WECHSEL, OFA); needs such vectors."""

    needs = frozenset({"auxiliary"})

    class Config(Method.Config):
        """How many neighbours, how soft."""

        neighbors: int = Field(10, ge=1, le=4096, description="nearest base tokens of a new one")
        temperature: float = Field(0.1, gt=0, le=100, description="divides the cosines before the softmax")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """Rows of the new tokens that have a vector; all base tokens with one take part, not only shared ones."""
        vectors = problem.vectors()
        served, sources = usable(vectors, np.arange(len(vectors.base), dtype=np.int64))
        places = np.flatnonzero(served)
        if not len(places) or not len(sources):
            return Rows(Csr.empty(problem.n), served=np.zeros(problem.n, bool))
        indices, weights = soft_neighbours(
            vectors.new[places],
            vectors.base[sources],
            neighbors=self.config.neighbors,
            temperature=self.config.temperature,
        )
        indptr = np.zeros(problem.n + 1, np.int64)
        np.cumsum(served * indices.shape[1], out=indptr[1:])
        return Rows(Csr(indptr, sources[indices].ravel(), weights.ravel()), served=served)
