"""tokkit: train, transplant and evaluate the tokenizers of language models."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokkit.api import extend, prune, train
    from tokkit.corpus import SourceSpec
    from tokkit.counts import CountTable
    from tokkit.counts.count import count
    from tokkit.errors import TokkitError
    from tokkit.evaluate import evaluate
    from tokkit.load import load_tokenizer
    from tokkit.model.model import Model
    from tokkit.model.tokenizer import Tokenizer
    from tokkit.transplant import transplant

__version__ = "0.1.0"

__all__ = [
    "CountTable",
    "Model",
    "SourceSpec",
    "Tokenizer",
    "TokkitError",
    "__version__",
    "count",
    "evaluate",
    "extend",
    "load_tokenizer",
    "prune",
    "train",
    "transplant",
]

# Where each name lives. It is imported when first asked for (PEP 562), so that `import tokkit` costs nothing.
_HOMES = {
    "CountTable": "tokkit.counts",
    "Model": "tokkit.model.model",
    "SourceSpec": "tokkit.corpus",
    "TokkitError": "tokkit.errors",
    "Tokenizer": "tokkit.model.tokenizer",
    "count": "tokkit.counts",
    "evaluate": "tokkit.evaluate",
    "extend": "tokkit.api",
    "load_tokenizer": "tokkit.load",
    "prune": "tokkit.api",
    "train": "tokkit.api",
    "transplant": "tokkit.transplant",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module `tokkit` has no attribute `{name}`")
    import importlib

    home = importlib.import_module(_HOMES[name])
    # Packages that are themselves callable: importing one has put it in the place of its function.
    value: object = home if name in ("evaluate", "transplant") else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
