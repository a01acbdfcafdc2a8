"""Model folders of a few kilobytes for tests: any tensors, a byte-level tokenizer of tokkit."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

import tokkit
from tokkit import artifact
from tokkit.corpus import texts


def tokenizer(folder: Path, text: str, size: int, specials: Sequence[str] = ("<s>", "</s>")) -> Path:
    """A tokenizer of `size` tokens learnt from `text`, saved to `folder`."""
    model = tokkit.train(texts([text]), vocab_size=size, special_tokens=tuple(specials))
    artifact.save(model, folder)
    return folder


def model(
    folder: Path,
    rows: int,
    *,
    width: int = 8,
    config: Mapping[str, Any] | None = None,
    tensors: Mapping[str, NDArray[np.generic]] | None = None,
    dtype: Any = np.float32,
) -> Path:
    """Adds config.json and safetensors to a folder that may hold a tokenizer already."""
    draw = np.random.default_rng(rows)
    folder.mkdir(exist_ok=True)
    if tensors is None:
        tensors = {
            "model.embed_tokens.weight": draw.standard_normal((rows, width)).astype(dtype),
            "model.norm.weight": np.ones(width, dtype),
        }
    base = {"model_type": "llama", "vocab_size": rows, "tie_word_embeddings": True, "bos_token_id": rows - 2}
    (folder / "config.json").write_text(json.dumps({**base, **(config or {})}), encoding="utf-8")
    save_file(dict(tensors), folder / "model.safetensors", metadata={"format": "pt"})
    return folder
