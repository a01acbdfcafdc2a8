"""Hypertokens: LZW over the ids of any base tokenizer, for models in the manner of zip2zip."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokkit.hyper.codec import Codebook, HyperDecodings, HyperEncodings, HypertokenCodec, HypertokenConfig
    from tokkit.hyper.manager import CodebookManager
    from tokkit.hyper.stats import Reduction, reduction

_HOMES = {
    "Codebook": "tokkit.hyper.codec",
    "CodebookManager": "tokkit.hyper.manager",
    "HyperDecodings": "tokkit.hyper.codec",
    "HyperEncodings": "tokkit.hyper.codec",
    "HypertokenCodec": "tokkit.hyper.codec",
    "HypertokenConfig": "tokkit.hyper.codec",
    "Reduction": "tokkit.hyper.stats",
    "reduction": "tokkit.hyper.stats",
}

__all__ = [
    "Codebook",
    "CodebookManager",
    "HyperDecodings",
    "HyperEncodings",
    "HypertokenCodec",
    "HypertokenConfig",
    "Reduction",
    "reduction",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module `tokkit.hyper` has no attribute `{name}`")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
