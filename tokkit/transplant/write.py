"""The new model folder: touched shards rewritten as streams, all others byte for byte, nothing half done."""

import json
import math
import os
import re
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import ResourceError
from tokkit.transplant.checkpoint import DTYPES, INDEX, SINGLE, Checkpoint, Tensor

_NAMES: Final = {dtype: name for name, dtype in DTYPES.items()}
TOKENIZER_FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "chat_template.jinja",
    "chat_template.json",
    "tekken.json",
)
_LEFT_OUT: Final = re.compile(
    r"(^\.|\.(bin|pt|pth|pkl|pickle|ckpt|h5|msgpack|gguf|onnx)$|\.safetensors(\.index\.json)?$)"
)
Make = Callable[[], NDArray[np.generic]]


def free_space_for(model: Checkpoint, folder: Path, more: int) -> None:
    """Raises ResourceError when the disk of `folder` cannot take the model and `more` bytes."""
    require_room(folder, more + sum((model.folder / shard).stat().st_size for shard in model.shards))


def require_room(folder: Path, needed: int) -> None:
    """Raises ResourceError when the disk of `folder` cannot take `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ResourceError(
            f"{folder}: {needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free",
            hint="make room, or another --output",
        )


def write_weights(
    model: Checkpoint,
    folder: Path,
    replaced: Mapping[str, tuple[tuple[int, ...], Make]],
    added: Mapping[str, tuple[str, str, tuple[int, ...], Make]],
    dropped: frozenset[str],
) -> None:
    """Writes the shards and the index.

    `replaced`: name -> (shape, maker); `added`: name -> (beside, dtype, shape, maker).
    A new tensor goes into the shard of the tensor `beside` which it is named.
    """
    touched = {model.tensors[name].shard for name in (*replaced, *dropped)}
    touched |= {model.tensors[beside].shard for beside, *_ in added.values()}
    weight_map: dict[str, str] = {}
    total = elements = 0
    for shard in model.shards:
        tensors = [tensor for tensor in model.in_shard(shard) if tensor.name not in dropped]
        weight_map |= {tensor.name: shard for tensor in tensors}
        if shard not in touched:
            shutil.copyfile(model.folder / shard, folder / shard)
            total += sum(tensor.end - tensor.start for tensor in tensors)
            elements += sum(math.prod(tensor.shape) for tensor in tensors)
            continue
        rows = [_entry(tensor, replaced.get(tensor.name)) for tensor in tensors]
        for name, (beside, dtype, shape, _) in added.items():
            if model.tensors[beside].shard == shard:
                rows.append((name, dtype, shape, _size(dtype, shape)))
                weight_map[name] = shard
        total += sum(size for *_, size in rows)
        elements += sum(math.prod(shape) for _, _, shape, _ in rows)
        makers = {name: make for name, (_, make) in replaced.items()} | {name: row[3] for name, row in added.items()}
        _write_shard(model, folder / shard, rows, makers, model.metadata[shard])
    if model.index is not None:
        old = model.index.get("metadata")
        sums = {"total_size": total, "total_parameters": elements}
        index = {
            **model.index,
            "metadata": {
                **_metadata(old),
                **{k: v for k, v in sums.items() if k == "total_size" or k in _metadata(old)},
            },
            "weight_map": dict(sorted(weight_map.items())),
        }
        write_json(folder / INDEX, index)


def _metadata(old: object) -> dict[str, object]:
    return old if isinstance(old, dict) else {}


def _entry(tensor: Tensor, new: tuple[tuple[int, ...], Make] | None) -> tuple[str, str, tuple[int, ...], int]:
    if new is None:
        return tensor.name, tensor.dtype, tensor.shape, tensor.end - tensor.start
    return tensor.name, tensor.dtype, new[0], _size(tensor.dtype, new[0])


def _size(dtype: str, shape: tuple[int, ...]) -> int:
    return DTYPES[dtype].itemsize * int(np.prod(shape, dtype=np.int64))


def _write_shard(
    model: Checkpoint,
    path: Path,
    rows: list[tuple[str, str, tuple[int, ...], int]],
    makers: Mapping[str, Make],
    metadata: Mapping[str, str],
) -> None:
    header: dict[str, object] = {"__metadata__": dict(metadata) or {"format": "pt"}}
    at = 0
    for name, dtype, shape, size in rows:
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    raw = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    raw += b" " * (-len(raw) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        for name, dtype, shape, size in rows:
            for block in _data(model, name, makers):
                file.write(block)
            if file.tell() != 8 + len(raw) + int(header[name]["data_offsets"][1]):  # type: ignore[index] # made above
                raise AssertionError(f"{name}: {dtype} {shape} is not {size} bytes")
        file.flush()
        os.fsync(file.fileno())


def _data(model: Checkpoint, name: str, makers: Mapping[str, Make]) -> "Iterator[bytes | memoryview]":
    if name not in makers:
        yield from model.blocks(name)
        return
    values = np.ascontiguousarray(makers[name]())
    yield values.reshape(-1).view(np.uint8).data


def dtype_name(values: NDArray[np.generic]) -> str:
    """The safetensors name of a type."""
    return _NAMES[values.dtype]


def write_json(path: Path, value: object) -> None:
    """Two spaces, sorted as given, a newline at the end: what transformers writes."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def copy_others(base: Path, folder: Path) -> None:
    """What belongs to the model and is neither weights, tokenizer nor config; weights in other formats are stale."""
    skipped = {*TOKENIZER_FILES, "config.json", "generation_config.json", INDEX, SINGLE}
    for path in sorted(base.iterdir()):
        if path.is_file() and path.name not in skipped and not _LEFT_OUT.search(path.name):
            if path.name.startswith(("transplant.", "tokkit.")):
                continue
            shutil.copyfile(path, folder / path.name)


def copy_tokenizer(target: Path, folder: Path) -> None:
    """The target tokenizer's files byte for byte, save for a class name that older readers don't know."""
    home = target if target.is_dir() else target.parent
    names: tuple[str, ...] = TOKENIZER_FILES if target.is_dir() else (target.name,)
    if (home / "tokkit.json").is_file():
        # Our folders have a vocab.txt for people, which others would take for WordPiece's.
        names = tuple(name for name in names if name != "vocab.txt")
    for name in names:
        if (home / name).is_file():
            shutil.copyfile(
                home / name, folder / ("tokenizer.json" if name.endswith(".json") and not target.is_dir() else name)
            )
    path = folder / "tokenizer_config.json"
    if path.is_file():
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("tokenizer_class") == "TokenizersBackend":
            write_json(path, {**content, "tokenizer_class": "PreTrainedTokenizerFast"})
