"""Another vocabulary for a pretrained model: matching, sparse operators over its rows, checkpoints. No torch."""

import sys
from types import ModuleType

from tokkit.transplant.base import METHODS, Method
from tokkit.transplant.report import Report
from tokkit.transplant.restore import restore
from tokkit.transplant.run import TransplantConfig, transplant

__all__ = ["METHODS", "Method", "Report", "TransplantConfig", "restore", "transplant"]


class _Callable(ModuleType):
    """This package, callable: `tokkit.transplant(...)` is the function, though the package has its name."""

    __call__ = staticmethod(transplant)


sys.modules[__name__].__class__ = _Callable
