"""Token distillation (arXiv 2505.20133): new rows trained until the model thinks of a new token what it thought of its
pieces; `tokkit.extrinsic.distillation` has the formula and the deviations.

Begins with `auto` as it is without donor and vectors; a row is that mixture and the difference that training made, so
that the provenance can make it again on a fine-tune of the base. Needs the extra `models` and a text.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.extrinsic.distillation import Distillation
from tokkit.transplant.auto import Auto
from tokkit.transplant.base import METHODS, Method, Problem, Rows, Side


@METHODS.register("distill")
class Distill(Method):
    """New rows trained on a text for the model's own states on the old spelling; needs torch, minutes to hours."""

    needs = frozenset({"pieces", "model"})

    class Config(Method.Config, Distillation):
        """Text, steps and where they run."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._trained: dict[Side, NDArray[np.float32]] | None = None

    def solve(self, problem: Problem) -> Rows:
        """Rows of all new tokens; both matrices of an untied model are trained at once, when the first is asked for."""
        if self._trained is None:
            self._trained = self._train(problem)
        composed = Auto(Auto.Config()).solve(replace(problem, donor_new=None, auxiliary=None))
        if problem.side not in self._trained:
            return composed
        constant = self._trained[problem.side].astype(np.float64) - composed.weights.apply(problem.base)
        return Rows(composed.weights, constant=constant)

    def _train(self, problem: Problem) -> dict[Side, NDArray[np.float32]]:
        from tokkit.corpus import SourceSpec, read
        from tokkit.extrinsic.causal import need_torch
        from tokkit.extrinsic.distillation import distil
        from tokkit.transplant.run import transplant

        need_torch("for token distillation")
        places = problem.places
        if places is None or self.config.corpus is None:
            raise UsageError("distill needs a text to learn on", hint="--corpus FILE")
        source = SourceSpec(path=str(self.config.corpus), unit="document")
        documents = [text.decode() for batch in read(source) for text in batch.texts()]
        with tempfile.TemporaryDirectory(prefix="tokkit-distill-") as home:
            composed = Path(home) / "composed"
            settings = places.config.model_copy(update={"verify": False, "digit_policy": "ignore"})
            transplant(places.base, places.target, composed, config=settings)
            return distil(
                places.base,
                composed,
                places.new_ids,
                documents,
                self.config,
                seed=problem.seed,
                threads=problem.threads,
                progress=problem.progress,
            )
