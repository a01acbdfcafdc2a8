"""A new row from the base rows of the pieces that spell the token.

new = sum_i w_i E[piece_i]; the pooling gives w over the n pieces (i = 1..n): mean 1/n; charlen proportional to
(characters of the piece)^power; linear_up i, linear_down n + 1 - i; exp_up exp(rate i), exp_down exp(-rate i);
geometric decay^(i - 1); first, last; sum (all ones). All but sum add up to 1. FVT (Gee et al. 2022) and ReTok are mean;
AdaptiVocab is exp_up / exp_down; transplant-vocab is last / geometric; charlen (arXiv 2608.03494) with power 2 for
input rows and 1 for output rows was the best or near the best in our measurements. A `scale` a little below 1 keeps
output rows of new tokens from taking the chances of the tokens that they are made of.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.errors import UsageError
from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr, Row

Pooling = Literal[
    "mean", "sum", "first", "last", "linear_up", "linear_down", "exp_up", "exp_down", "charlen", "geometric"
]


def pool(
    kind: Pooling, lengths: NDArray[np.int64], *, power: float = 1.0, rate: float = 2.0, decay: float = 0.5
) -> NDArray[np.float64]:
    """Weights [n] over n >= 1 pieces of these lengths in characters.

    >>> pool("charlen", np.array([3, 1])).tolist()
    [0.75, 0.25]

    Raises:
        UsageError: an unknown pooling.
    """
    n = len(lengths)
    place = np.arange(n, dtype=np.float64)
    if kind == "sum":
        return np.ones(n)
    if kind in ("first", "last"):
        return np.asarray(place == (0 if kind == "first" else n - 1), np.float64)
    if kind == "mean":
        raw = np.ones(n)
    elif kind == "charlen":
        raw = lengths.astype(np.float64) ** power
    elif kind in ("linear_up", "linear_down"):
        raw = place + 1 if kind == "linear_up" else n - place
    elif kind in ("exp_up", "exp_down"):
        # Taken from the largest exponent, so that long spellings don't overflow.
        raw = np.exp(rate * (place - (n - 1))) if kind == "exp_up" else np.exp(-rate * place)
    elif kind == "geometric":
        raw = np.power(decay, place)
    else:
        raise UsageError(f"unknown pooling, got `{kind}`", hint="one of: " + ", ".join(get_args(Pooling)))
    return np.asarray(raw / raw.sum(), np.float64)


@METHODS.register("compose")
class Compose(Method):
    """Weighted mean of the rows of the pieces that spell the new token; needs nothing but the two tokenizers."""

    needs = frozenset({"pieces"})

    class Config(Method.Config):
        """Pooling of the pieces, apart for the input and the output matrix."""

        pooling_in: Pooling = Field("charlen", description="weights of the pieces in the input matrix")
        pooling_out: Pooling = Field("charlen", description="the same in an untied output matrix")
        power_in: float = Field(2.0, ge=0, le=16, description="power of the piece's length for charlen, input")
        power_out: float = Field(1.0, ge=0, le=16, description="the same for the output matrix")
        rate: float = Field(2.0, ge=0, le=64, description="exponent of exp_up and exp_down")
        scale: float = Field(1.0, gt=0, le=4, description="factor of rows that are output rows, tied ones too")
        decay: float = Field(0.5, ge=0, le=1, description="factor of geometric; 0 is the first piece, 1 the mean")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """Rows of all tokens that have at least one piece."""
        config, pieces = self.config, problem.spelled()
        is_in = problem.side == "in"
        kind = config.pooling_in if is_in else config.pooling_out
        power = config.power_in if is_in else config.power_out
        scale = 1.0 if is_in and not problem.is_tied else config.scale
        rows: list[Row] = []
        for segment, lengths in zip(pieces.segments, pieces.lengths, strict=True):
            weights = (
                pool(kind, lengths, power=power, rate=config.rate, decay=config.decay) if len(segment) else lengths
            )
            rows.append((segment, scale * weights.astype(np.float64)))
        served = np.array([len(segment) > 0 for segment in pieces.segments], bool)
        return Rows(Csr.of_rows(rows), served=served)
