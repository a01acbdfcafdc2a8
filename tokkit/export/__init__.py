"""Writers of other programs' formats; each refuses what its format cannot say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tokkit.model.model import Model
from tokkit.registry import Registry


class Exporter(Protocol):
    """Writes `model` into an existing folder and returns the paths written.

    `roles` maps bos, eos, pad, unk ... to the text of a special token; without it they are guessed from the names.
    Raises TokenizerError when the format cannot hold the model.
    """

    def __call__(self, model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:
        """Writes the files."""


EXPORTERS: Registry[Exporter] = Registry(
    "exporter",
    {
        "gguf": "tokkit.export.gguf",
        "hf": "tokkit.export.hf",
        "hf-ghost": "tokkit.export.approximate",
        "hf-greedy": "tokkit.export.approximate",
        "hf-loader": "tokkit.export.loader",
        "sentencepiece": "tokkit.export.sentencepiece",
        "tekken": "tokkit.export.tekken",
        "tiktoken": "tokkit.export.tiktoken",
    },
)

LOSSY = {"hf-greedy": "greedy", "hf-ghost": "ghost"}
"""Exporters that write another reading of the vocabulary than the model's own -> that reading (inference)."""

__all__ = ["EXPORTERS", "LOSSY", "Exporter"]
