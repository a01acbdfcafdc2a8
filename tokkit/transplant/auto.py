"""The default: composition by piece length, blended with neighbours or left to a mixture where there is more to go by.

With nothing but two tokenizers `compose` by charlen, power 2 for input rows and 1 for output rows and for rows that are
both, output rows 5 % shorter: what reads best at once on SmolLM2-135M (evals/studies). With vectors of both
vocabularies a share of each row comes from the three nearest base tokens, the nearest foremost: more of them, or
flatter weights, read worse in code. With a donor `omp` for text tokens, but composition where a mixture is known to
go wrong: tokens with several digits (arXiv 2506.06607 loses 74-79 % of GSM8K across digit schemes), tokens whose donor
row it cannot rebuild, and all specials.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.transplant.base import METHODS, Auxiliary, Method, Problem, Rows
from tokkit.transplant.compose import Compose
from tokkit.transplant.focus import usable
from tokkit.transplant.omp import Omp
from tokkit.transplant.sparse import Csr
from tokkit.transplant.tokenadapt import global_weights

_NEAREST, _TEMPERATURE = 3, 0.05


@METHODS.register("auto")
class Auto(Method):
    """What is right by default: `compose` by length, near tokens too with vectors; with a donor `omp` for text."""

    needs = frozenset({"pieces"})

    class Config(Method.Config):
        """Only what a user may have to change."""

        k: int = Field(64, ge=1, le=4096, description="anchors of a new row at most, with a donor")
        max_residual: float = Field(0.9, gt=0, le=1, description="compose where the mixture misses more of the row")
        scale: float | None = Field(
            None, gt=0, le=4, description="factor of output rows, tied ones too; 0.95, or 0.975 with vectors"
        )
        share: float = Field(0.15, ge=0, le=1, description="share of the nearest base tokens, with vectors")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """Rows of all tokens that any part serves."""
        if problem.donor_new is None:
            return self._composed(problem)
        mixed = Omp(Omp.Config(k=self.config.k)).solve(problem)
        composed = self._composed(problem)  # after the pursuit, which needs room
        assert composed.served is not None
        assert composed.labels is not None
        assert mixed.served is not None
        assert mixed.residual is not None
        numeric = np.array([_is_number(text) for text in problem.texts], bool)
        mixes = mixed.served & ~numeric & (mixed.residual <= self.config.max_residual)
        rows = [(mixed if mixes[place] else composed).weights.row(place) for place in range(problem.n)]
        residual = np.where(mixes, mixed.residual, np.nan)
        labels = tuple("omp" if mix else composed.labels[place] for place, mix in enumerate(mixes))
        return Rows(Csr.of_rows(rows), residual=residual, served=mixes | composed.served, labels=labels)

    def _composed(self, problem: Problem) -> Rows:
        blends = problem.auxiliary is not None and self.config.share > 0
        scale = self.config.scale or (0.975 if blends else 0.95)  # neighbours that differ shorten a row too
        made = Compose(Compose.Config(power_in=1.0 if problem.is_tied else 2.0, scale=scale)).solve(problem)
        plain = replace(made, labels=("compose",) * problem.n)
        if problem.auxiliary is None or not self.config.share:
            return plain
        numeric = np.array([_is_number(text) for text in problem.texts], bool)
        return blended(plain, problem.auxiliary, ~numeric, share=self.config.share)


def _is_number(text: bytes) -> bool:
    return sum(48 <= byte < 58 for byte in text) > 1


def blended(composed: Rows, vectors: Auxiliary, wanted: NDArray[np.bool_], *, share: float) -> Rows:
    """`share` of each wanted row from the base tokens nearest to it; all of it where the token has no pieces."""
    has, old = usable(vectors, np.arange(len(vectors.base), dtype=np.int64))
    places = np.flatnonzero(has & wanted) if len(old) else np.zeros(0, np.int64)
    if not len(places):
        return composed
    near = global_weights(
        vectors.new[places], vectors.base[old], top_k=_NEAREST, temperature=_TEMPERATURE, threshold=0.0
    )
    assert composed.served is not None
    assert composed.labels is not None
    labels, served = list(composed.labels), composed.served.copy()
    rows: list[tuple[NDArray[np.int64], NDArray[np.float64]]]
    rows = [composed.weights.row(place) for place in range(len(composed.weights))]
    for number, place in enumerate(places.tolist()):
        weights = near.weights[number]
        kept = np.flatnonzero(weights)
        if not len(kept):
            continue
        ids, own = rows[place]
        part = share if len(ids) else 1.0
        rows[place] = (
            np.r_[ids, old[near.indices[number][kept]]],
            np.r_[(1 - part) * own, part * weights[kept] * (own.sum() if len(ids) else 1.0)],
        )
        labels[place], served[place] = ("compose + near" if len(ids) else "near"), True
    return replace(composed, weights=Csr.of_rows(rows), labels=tuple(labels), served=served)
