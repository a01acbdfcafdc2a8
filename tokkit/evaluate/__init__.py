"""Evaluation: metrics of one or more tokenizers over one or more texts, in a single pass each."""

import sys
from types import ModuleType

from tokkit.evaluate.baselines import BASELINES
from tokkit.evaluate.compare import Comparison, compare
from tokkit.evaluate.results import Results, Row
from tokkit.evaluate.runner import DEFAULT_METRICS, evaluate

__all__ = ["BASELINES", "DEFAULT_METRICS", "Comparison", "Results", "Row", "compare", "evaluate"]


class _Callable(ModuleType):
    """This package, callable: `tokkit.evaluate(...)` is the function, though the package has its name."""

    __call__ = staticmethod(evaluate)


sys.modules[__name__].__class__ = _Callable
