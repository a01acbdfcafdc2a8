"""Another vocabulary for a pretrained model: matching, sparse operators over its rows, checkpoints. No torch."""

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from tokkit.transplant.base import METHODS, Method
from tokkit.transplant.config import TransplantConfig

if TYPE_CHECKING:
    from tokkit.transplant.back import restore
    from tokkit.transplant.report import Report
    from tokkit.transplant.run import transplant

__all__ = ["METHODS", "Method", "Report", "TransplantConfig", "restore", "transplant"]

_HOMES = {
    "Report": "tokkit.transplant.report",
    "restore": "tokkit.transplant.back",
    "transplant": "tokkit.transplant.run",
}


class _Lazy(ModuleType):
    """This package, callable: `tokkit.transplant(...)` is the function, though the package has its name.

    What reads and writes files is imported when it is asked for: a list of methods needs none of it.
    """

    def __getattr__(self, name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
        import importlib

        value: object = getattr(importlib.import_module(_HOMES[name]), name)
        setattr(self, name, value)
        return value

    def __call__(self, *arguments: object, **keywords: object) -> object:
        from tokkit.transplant.run import transplant

        return transplant(*arguments, **keywords)  # type: ignore[arg-type] # the function checks its own


sys.modules[__name__].__class__ = _Lazy
