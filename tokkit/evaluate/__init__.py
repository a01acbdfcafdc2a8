"""Evaluation: metrics of one or more tokenizers over one or more texts, in a single pass each."""

from tokkit.evaluate.baselines import BASELINES
from tokkit.evaluate.results import Results, Row
from tokkit.evaluate.runner import DEFAULT_METRICS, evaluate

__all__ = ["BASELINES", "DEFAULT_METRICS", "Results", "Row", "evaluate"]
