"""A folder of safetensors, opened without trust: headers checked, shards inside the folder, rows read on demand."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError, TokenizerError
from tokkit.load.json_file import array, obj, read_object, text

INDEX: Final = "model.safetensors.index.json"
SINGLE: Final = "model.safetensors"
_HEADER_LIMIT: Final = 100 * 2**20
_PICKLES: Final = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
DTYPES: Final[dict[str, np.dtype[np.generic]]] = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
}
"""The types that rows of a vocabulary may have."""


@dataclass(frozen=True)
class Tensor:
    """Where a tensor lies: bytes `start` to `end` of the file `shard`."""

    name: str
    shard: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Checkpoint:
    """A folder with config.json and safetensors. `metadata` is that of each shard; `index` the index file, if any."""

    folder: Path
    config: dict[str, object]
    tensors: dict[str, Tensor]
    metadata: dict[str, dict[str, str]]
    index: dict[str, object] | None

    @property
    def shards(self) -> list[str]:
        """File names, sorted."""
        return sorted(self.metadata)

    def in_shard(self, shard: str) -> list[Tensor]:
        """The tensors of a file in the order of their bytes."""
        return sorted(
            (t for t in self.tensors.values() if t.shard == shard), key=lambda tensor: (tensor.start, tensor.name)
        )

    def read(self, name: str) -> NDArray[np.generic]:
        """A tensor in its own type.

        Raises:
            TokenizerError: a type that rows cannot have, such as packed integers.
        """
        tensor = self.tensors[name]
        if tensor.dtype not in DTYPES:
            raise TokenizerError(f"{self.folder / tensor.shard}: {name} has the type {tensor.dtype}, not a float")
        with (self.folder / tensor.shard).open("rb") as file:
            file.seek(tensor.start)
            return np.fromfile(
                file, DTYPES[tensor.dtype], (tensor.end - tensor.start) // DTYPES[tensor.dtype].itemsize
            ).reshape(tensor.shape)

    def row_blocks(self, name: str, rows: int) -> Iterator[tuple[int, NDArray[np.generic]]]:
        """(first row, some rows) of a matrix that `read` would read whole."""
        tensor = self.tensors[name]
        dtype, width = DTYPES[tensor.dtype], tensor.shape[1]
        for start in range(0, tensor.shape[0], rows):
            count = min(rows, tensor.shape[0] - start)
            with (self.folder / tensor.shard).open("rb") as file:
                file.seek(tensor.start + start * width * dtype.itemsize)
                yield start, np.fromfile(file, dtype, count * width).reshape(count, width)

    def blocks(self, name: str, size: int = 1 << 24) -> Iterator[bytes]:
        """The bytes of a tensor, piece by piece."""
        tensor = self.tensors[name]
        with (self.folder / tensor.shard).open("rb") as file:
            file.seek(tensor.start)
            left = tensor.end - tensor.start
            while left:
                block = file.read(min(size, left))
                if not block:
                    raise InputError(f"{self.folder / tensor.shard}: ends inside {name}")
                left -= len(block)
                yield block


def open_checkpoint(folder: Path) -> Checkpoint:
    """Opens a model folder; reads headers only.

    Raises:
        InputError: no such folder or file. TokenizerError: no safetensors, a broken or hostile header or index.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", hint="a model is a folder with config.json and safetensors")
    config = read_object(folder / "config.json")
    index = read_object(folder / INDEX) if (folder / INDEX).is_file() else None
    if index is None and not (folder / SINGLE).is_file():
        pickles = [path.name for pattern in _PICKLES for path in sorted(folder.glob(pattern))]
        if pickles:
            raise TokenizerError(
                f"{folder / pickles[0]}: pickled weights can run code and are never opened",
                hint="convert them where you trust them: model.save_pretrained(DIR, safe_serialization=True)",
            )
        raise TokenizerError(f"{folder}: neither {SINGLE} nor {INDEX}", hint="is this the folder of a model?")
    weight_map = None
    if index is not None:
        weight_map = {
            name: _basename(text(shard, f"{INDEX}: {name}"), folder)
            for name, shard in obj(index.get("weight_map"), f"{folder / INDEX}: weight_map").items()
        }
    names = sorted(set(weight_map.values())) if weight_map is not None else [SINGLE]
    tensors: dict[str, Tensor] = {}
    metadata: dict[str, dict[str, str]] = {}
    for shard in names:
        found, metadata[shard] = _read_header(_inside(folder, shard), shard)
        for tensor in found:
            if tensor.name in tensors:
                raise TokenizerError(f"{folder}: {tensor.name} is in {tensors[tensor.name].shard} and in {shard}")
            tensors[tensor.name] = tensor
    if weight_map is not None:
        for name, shard in weight_map.items():
            if name not in tensors or tensors[name].shard != shard:
                raise TokenizerError(f"{folder / INDEX}: {name} is not in {shard}")
    return Checkpoint(folder, config, tensors, metadata, index)


def _basename(name: str, folder: Path) -> str:
    if not name or name in (".", "..") or Path(name).name != name or "\\" in name or "\0" in name or len(name) > 255:
        raise TokenizerError(f"{folder / INDEX}: a shard must be a plain file name, got {name[:60]!a}")
    return name


def _inside(folder: Path, name: str) -> Path:
    """The file, which must really lie in the folder; the hub's cache links from `snapshots` into its own `blobs`."""
    path = folder / name
    try:
        real = path.resolve(strict=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    home = folder.resolve()
    blobs = home.parent.parent / "blobs" if home.parent.name == "snapshots" else home
    if not real.is_file() or (home not in real.parents and blobs not in real.parents):
        raise TokenizerError(f"{path}: leads out of its folder, to {real}")
    return path


def _read_header(path: Path, shard: str) -> tuple[list[Tensor], dict[str, str]]:
    """The library checks the file; the header is read again for the offsets, which it doesn't tell."""
    import safetensors

    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))
            if length > min(_HEADER_LIMIT, size - 8):
                raise TokenizerError(f"{path}: the header says it has {length} bytes, the file has {size}")
            raw = file.read(length)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        with safetensors.safe_open(path, framework="np"):
            pass
    except safetensors.SafetensorError as error:
        raise TokenizerError(f"{path}: not a sound safetensors file: {error}") from error
    header = obj(json.loads(raw), str(path))
    metadata = obj(header.pop("__metadata__", {}), f"{path}: __metadata__")
    tensors = []
    for name, entry in header.items():
        fields = obj(entry, f"{path}: {name}")
        # The library has checked the shape of all this: two offsets, a list of sizes.
        begin, end = (int(str(value)) for value in array(fields["data_offsets"], f"{path}: {name}"))
        shape = tuple(int(str(value)) for value in array(fields["shape"], f"{path}: {name}"))
        tensors.append(Tensor(name, shard, str(fields["dtype"]), shape, 8 + length + begin, 8 + length + end))
    return tensors, {str(key): str(value) for key, value in metadata.items()}
