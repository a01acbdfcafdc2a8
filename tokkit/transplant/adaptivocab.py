"""AdaptiVocab (Nakash et al. 2025): exponential weights, the last piece dominates the input row, the first the output.

w_i proportional to exp(+rate i) for the input matrix and exp(-rate i) for the output matrix, as implemented by the
authors of token distillation; `compose` with pooling_in exp_up and pooling_out exp_down.
"""

from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.compose import Compose


@METHODS.register("adaptivocab")
class AdaptiVocab(Method):
    """Exponentially weighted pieces: the last one leads the input row, the first one the output row."""

    needs = frozenset({"pieces"})

    class Config(Method.Config):
        """The exponent."""

        rate: float = Field(2.0, ge=0, le=64, description="exponent of the weights")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """As `compose` does with the paper's weights."""
        options = Compose.Config(pooling_in="exp_up", pooling_out="exp_down", rate=self.config.rate)
        return Compose(options).solve(problem)
