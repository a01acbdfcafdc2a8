"""The default: composition by piece length, and a share of each row from elsewhere where there is more to go by.

With nothing but two tokenizers `compose` by charlen, power 2 for input rows and 1 for output rows and for rows that are
both, output rows 5 % shorter: what reads best at once on SmolLM2-135M (evals/studies). With vectors of both
vocabularies a share of each row comes from the three nearest base tokens, the nearest foremost: more of them, or
flatter weights, read worse in code. With a donor a share of each text token's row is `omp`'s mixture, its coefficients
no more than 1 in all; numbers (arXiv 2506.06607 loses 74-79 % of GSM8K across digit schemes), tokens whose donor row
the mixture misses, and all specials are composed alone.

Why a share and that limit: a row that is a mean of its pieces never gets a higher logit than the best of them. A
pursuit's coefficients have signs and add up to more than 1, so that some new rows outbid every known token: whole rows
of `omp` read 5.4 bits per byte where composed ones read 1.8, and 1.9 with the limit (evals/studies, a real donor).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.transplant.base import METHODS, Auxiliary, Method, Problem, Rows
from tokkit.transplant.compose import Compose
from tokkit.transplant.focus import usable
from tokkit.transplant.omp import Omp
from tokkit.transplant.sparse import Csr, Row
from tokkit.transplant.tokenadapt import global_weights

_NEAREST, _TEMPERATURE = 3, 0.05


@METHODS.register("auto")
class Auto(Method):
    """What is right by default: `compose` by length; with vectors near tokens, with a donor `omp`, have a share."""

    needs = frozenset({"pieces"})

    class Config(Method.Config):
        """Only what a user may have to change."""

        k: int = Field(8, ge=1, le=4096, description="anchors in the donor's share of a row at most")
        max_residual: float = Field(
            0.9, gt=0, le=1, description="no donor's share where the mixture misses more of the row"
        )
        donor_share: float = Field(0.2, ge=0, le=1, description="share of the donor's mixture, with a donor")
        scale: float | None = Field(
            None, gt=0, le=4, description="factor of output rows, tied ones too; 0.95, or 0.975 with vectors"
        )
        share: float = Field(0.15, ge=0, le=1, description="share of the nearest base tokens, with vectors")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """Rows of all tokens that any part serves."""
        if problem.donor_new is None or not self.config.donor_share:
            return self._composed(problem)
        mixed = Omp(Omp.Config(k=self.config.k, max_l1=1.0)).solve(problem)
        composed = self._composed(problem)  # after the pursuit, which needs room
        assert mixed.served is not None
        assert mixed.residual is not None
        mixes = mixed.served & ~problem.numbers & (mixed.residual <= self.config.max_residual)
        rows = {place: mixed.weights.row(place) for place in np.flatnonzero(mixes).tolist()}
        made = blended(composed, rows, share=self.config.donor_share, label="omp")
        return replace(made, residual=np.where(mixes, mixed.residual, np.nan))

    def _composed(self, problem: Problem) -> Rows:
        vectors = problem.auxiliary if self.config.share else None
        scale = self.config.scale or (0.95 if vectors is None else 0.975)  # neighbours that differ shorten a row too
        made = Compose(Compose.Config(power_in=1.0 if problem.is_tied else 2.0, scale=scale)).solve(problem)
        plain = replace(made, labels=("compose",) * problem.n)
        if vectors is None:
            return plain
        rows = nearest(vectors, ~problem.numbers)
        return blended(plain, rows, share=self.config.share, label="near")


def nearest(vectors: Auxiliary, wanted: NDArray[np.bool_]) -> dict[int, Row]:
    """Weights of the base tokens nearest to each wanted new token that has a vector; they sum to 1."""
    has, old = usable(vectors, np.arange(len(vectors.base), dtype=np.int64))
    places = np.flatnonzero(has & wanted) if len(old) else np.zeros(0, np.int64)
    if not len(places):
        return {}
    near = global_weights(
        vectors.new[places], vectors.base[old], top_k=_NEAREST, temperature=_TEMPERATURE, threshold=0.0
    )
    kept = [np.flatnonzero(weights) for weights in near.weights]
    return {
        place: (old[near.indices[number][kept[number]]], near.weights[number][kept[number]].astype(np.float64))
        for number, place in enumerate(places.tolist())
        if len(kept[number])
    }


def blended(composed: Rows, rows: Mapping[int, Row], *, share: float, label: str) -> Rows:
    """`share` of a composed row from that in `rows` at its place, as long as it is; all where nothing is composed."""
    assert composed.served is not None
    assert composed.labels is not None
    labels, served = list(composed.labels), composed.served.copy()
    made: list[Row] = [composed.weights.row(place) for place in range(len(composed.weights))]
    for place, (ids, weights) in rows.items():
        own_ids, own = made[place]
        is_new = not len(own_ids)
        part, size = (1.0, 1.0) if is_new else (share, own.sum())
        made[place] = np.r_[own_ids, ids], np.r_[(1 - part) * own, part * size * weights]
        labels[place], served[place] = label if is_new else f"{labels[place]} + {label}", True
    return replace(composed, weights=Csr.of_rows(made), labels=tuple(labels), served=served)
