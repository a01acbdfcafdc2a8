"""TokenAdapt (Sharthak et al. 2025): the pieces by meaning and length, blended with the nearest base tokens.

phi are vectors of the decoded strings from a sentence-embedding model, T = temperature + 1e-5.
Local: u = softmax_i cos(phi(token), phi(p_i)), l_i = characters of p_i / characters of the token,
w = softmax((u + l) / 2 / T). Global: the top k base tokens by cosine, softmax(cosine / T), those below the threshold
out, renormalised. new = (1 - weight) local + weight global; where one is missing the other alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.focus import cosines, usable
from tokkit.transplant.interpolate import nearest
from tokkit.transplant.sparse import Csr, Floats, Row

_EPSILON = 1e-5


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Along the last axis."""
    raw = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raw / raw.sum(axis=-1, keepdims=True), np.float64)


def local_weights(
    token: Floats, pieces: Floats, shares: NDArray[np.float64], *, temperature: float
) -> NDArray[np.float64]:
    """Weights [n] of the pieces [n, da] of a token [da]; `shares` [n] are their shares of its characters."""
    alike = softmax(cosines(token[None], pieces)[0])
    return softmax((alike + shares) / 2 / (temperature + _EPSILON))


@dataclass(frozen=True)
class Neighbours:
    """`indices` [n, k] of base tokens and `weights` [n, k], zero below the threshold; a row may be all zero."""

    indices: NDArray[np.int64]
    weights: NDArray[np.float64]


def global_weights(new: Floats, old: Floats, *, top_k: int, temperature: float, threshold: float) -> Neighbours:
    """The nearest of `old` [m, da] to each of `new` [n, da]."""
    indices, away = nearest(old, new, k=top_k, metric="cosine")
    alike = 1 - away
    raw = softmax(alike / (temperature + _EPSILON)) * (alike >= threshold)
    total = raw.sum(axis=1, keepdims=True)
    return Neighbours(indices, raw / np.where(total > 0, total, 1))


@METHODS.register("tokenadapt")
class TokenAdapt(Method):
    """Pieces weighted by meaning and length, blended with the nearest base tokens; needs auxiliary vectors."""

    needs = frozenset({"auxiliary", "pieces"})

    class Config(Method.Config):
        """Temperature, neighbours and blend."""

        temperature: float = Field(0.3, ge=0, le=100, description="divides the scores before each softmax")
        top_k: int = Field(3, ge=1, le=4096, description="nearest base tokens of the global part")
        weight: float = Field(0.3, ge=0, le=1, description="share of the global part")
        threshold: float = Field(0.0, ge=-1, le=1, description="least cosine of a neighbour")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """Rows of the tokens that have a vector and either pieces with vectors or near base tokens."""
        vectors, pieces, config = problem.vectors(), problem.spelled(), self.config
        served, old = usable(vectors, np.arange(len(vectors.base), dtype=np.int64))
        is_known = np.zeros(len(vectors.base), bool)
        is_known[old] = True
        places = np.flatnonzero(served) if len(old) else np.zeros(0, np.int64)
        near = global_weights(
            vectors.new[places],
            vectors.base[old],
            top_k=config.top_k,
            temperature=config.temperature,
            threshold=config.threshold,
        )
        rows: list[Row]
        rows = [(np.zeros(0, np.int64), np.zeros(0))] * problem.n
        for number, place in enumerate(places.tolist()):
            segment, lengths = pieces.segments[place], pieces.lengths[place]
            has_local = len(segment) > 0 and bool(is_known[segment].all())
            local = np.zeros(0)
            if has_local:
                shares = lengths / lengths.sum()
                local = local_weights(vectors.new[place], vectors.base[segment], shares, temperature=config.temperature)
            found = near.weights[number]
            blend = config.weight if has_local and found.any() else float(not has_local)
            kept = np.flatnonzero(found) if blend else np.zeros(0, np.int64)
            ids = np.concatenate([segment if has_local else segment[:0], old[near.indices[number][kept]]])
            rows[place] = (ids, np.concatenate([(1 - blend) * local, blend * found[kept]]))
        return Rows(Csr.of_rows(rows), served=np.array([len(row[0]) > 0 for row in rows], bool))
