"""The container of GGUF, versions 2 and 3: keys and list of tensors, read with every bound checked, and written.

The package `gguf` has a reader too. It makes two array objects of each token and merge (3 s and 160 MB for a
vocabulary of 49,152), follows any length that a broken file claims, and its writer drops empty values; keys of the body
pass through here as the bytes that they are.
"""

import mmap
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO, Final

from tokkit.errors import InputError

UINT32, INT32, BOOL, STRING, ARRAY = 4, 5, 7, 8, 9
_CODES: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_MAGIC: Final = 0x46554747
_VERSION: Final = 3
_READABLE: Final = (2, 3)
_DEPTH: Final = 4
_ALIGNMENT: Final = 32
_PART: Final = re.compile(r"-\d{5}-of-(\d{5})\.gguf$")
_HINT: Final = "is the download complete?"
Value = tuple[int, object]
"""(type number, value); the value of an array is itself (type number, values)."""


@dataclass(frozen=True)
class GgufTensor:
    """A tensor as the file lists it: `dims` from the fastest, so that a matrix is (width, rows)."""

    name: str
    dims: tuple[int, ...]
    kind: int
    n_bytes: int
    start: int = 0


@dataclass(frozen=True)
class GgufFile:
    """What stands before the data. `keys` are values as bytes, the type number in front."""

    path: Path
    keys: dict[str, bytes]
    tensors: dict[str, GgufTensor]
    alignment: int

    def number(self, key: str) -> int | None:
        """The whole number of a key; None where there is none."""
        raw = self.keys.get(key, b"")
        code = _CODES.get(kind_of(raw))
        value = struct.unpack_from(f"<{code}", raw, 4)[0] if code else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def text(self, key: str) -> str | None:
        """The string of a key; None where there is none."""
        raw = self.keys.get(key, b"")
        return raw[12:].decode(errors="replace") if kind_of(raw) == STRING else None

    def data(
        self, tensor: GgufTensor, *, start: int = 0, size: int | None = None, block: int = 1 << 24
    ) -> Iterator[bytes]:
        """Bytes `start` to `start + size` of a tensor, piece by piece.

        Raises:
            InputError: the file ends before, or cannot be read.
        """
        left = tensor.n_bytes - start if size is None else size
        try:
            with self.path.open("rb") as file:
                file.seek(tensor.start + start)
                while left:
                    piece = file.read(min(block, left))
                    if not piece:
                        raise InputError(f"{self.path}: ends inside {tensor.name}", hint=_HINT)
                    left -= len(piece)
                    yield piece
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from error


def kind_of(raw: bytes) -> int:
    """The type number of a value of `GgufFile.keys`; -1 of none."""
    return int.from_bytes(raw[:4], "little") if raw else -1


def encode(value: Value) -> bytes:
    """A value as it stands in the file, its type number in front."""
    kind, content = value
    if kind != ARRAY:
        return struct.pack("<I", kind) + _items(kind, [content])
    assert isinstance(content, tuple), "an array is (type, values)"
    inner, items = content
    return struct.pack("<IIQ", kind, inner, len(items)) + _items(inner, items)


def _items(kind: int, items: Sequence[object]) -> bytes:
    if kind == STRING:
        return b"".join(_string(str(item)) for item in items)
    return struct.pack(f"<{len(items)}{_CODES[kind]}", *items)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def write_header(
    file: BinaryIO, keys: Mapping[str, bytes], tensors: Sequence[GgufTensor] = (), *, alignment: int = _ALIGNMENT
) -> None:
    """All that stands before the data; `write_data` of each tensor in this order must follow."""
    file.write(struct.pack("<IIQQ", _MAGIC, _VERSION, len(tensors), len(keys)))
    file.writelines(_string(name) + raw for name, raw in keys.items())
    offset = 0
    for tensor in tensors:
        n = len(tensor.dims)
        file.write(_string(tensor.name) + struct.pack(f"<I{n}QIQ", n, *tensor.dims, tensor.kind, offset))
        offset += tensor.n_bytes + -tensor.n_bytes % alignment
    if tensors:
        file.write(bytes(-file.tell() % alignment))


def write_data(file: BinaryIO, tensor: GgufTensor, pieces: Iterator[bytes], *, alignment: int = _ALIGNMENT) -> None:
    """The data of one tensor and what fills up to the next."""
    before = file.tell()
    file.writelines(pieces)
    if file.tell() - before != tensor.n_bytes:
        raise AssertionError(f"{tensor.name}: {file.tell() - before} bytes instead of {tensor.n_bytes}")
    file.write(bytes(-tensor.n_bytes % alignment))


def read_header(path: Path, sizes: Mapping[int, tuple[int, int]]) -> GgufFile:
    """Reads what stands before the data; `sizes` tells (numbers, bytes) of a block of each tensor type.

    Raises:
        InputError: missing, no GGUF, one part of several, truncated, or contradicting itself.
    """
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder' if path.exists() else 'no such file'}", hint="give a .gguf file")
    try:
        if not path.stat().st_size:
            raise InputError(f"{path}: is empty", hint=_HINT)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read(_Cursor(path, data), sizes)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


class _Cursor:
    """A place in the file that never passes its end."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path, self.data, self.at, self.end = path, data, 0, len(data)

    def skip(self, size: int) -> int:
        """Goes on by `size` bytes; returns where it was."""
        start = self.at
        if size > self.end - start:
            raise InputError(
                f"{self.path}: ends at byte {self.end:,}, inside what comes before its tensors", hint=_HINT
            )
        self.at = start + size
        return start

    def numbers(self, code: str) -> tuple[int, ...]:
        layout = struct.Struct(f"<{code}")
        return layout.unpack_from(self.data, self.skip(layout.size))

    def string(self) -> str:
        (length,) = self.numbers("Q")
        start = self.skip(length)
        try:
            return self.data[start : start + length].decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}: byte {start}: a name is not UTF-8") from error

    def skip_value(self, kind: int, depth: int = 0) -> None:
        if kind in _CODES:
            self.skip(struct.calcsize(_CODES[kind]))
        elif kind == STRING:
            self.skip(*self.numbers("Q"))
        elif kind == ARRAY and depth < _DEPTH:
            inner, count = self.numbers("IQ")
            if inner in _CODES:
                self.skip(count * struct.calcsize(_CODES[inner]))
            else:
                for _ in range(count):
                    self.skip_value(inner, depth + 1)
        else:
            raise InputError(f"{self.path}: byte {self.at}: no value has the type {kind}")


def _read(cursor: _Cursor, sizes: Mapping[int, tuple[int, int]]) -> GgufFile:
    path = cursor.path
    if cursor.data[:4] != struct.pack("<I", _MAGIC):
        raise InputError(f"{path}: not a GGUF file: it begins with {cursor.data[:4]!r}", hint="give a .gguf file")
    _, version, n_tensors, n_keys = cursor.numbers("IIQQ")
    if version not in _READABLE:
        what = "big-endian" if version & 0xFFFF == 0 else f"version {version}"
        raise InputError(f"{path}: is {what}, only little-endian files of versions 2 and 3 are read")
    keys: dict[str, bytes] = {}
    for _ in range(n_keys):
        name, start = cursor.string(), cursor.at
        cursor.skip_value(*cursor.numbers("I"))
        if name in keys:
            raise InputError(f"{path}: the key {name} is there twice")
        keys[name] = cursor.data[start : cursor.at]
    header = GgufFile(path, keys, {}, 0)
    part = _PART.search(path.name)
    if (header.number("split.count") or 0) > 1 or (part and int(part[1]) > 1):
        raise InputError(f"{path}: is one part of several", hint="join them: llama-gguf-split --merge FIRST OUT.gguf")
    alignment = header.number("general.alignment") or _ALIGNMENT
    if alignment & (alignment - 1):
        raise InputError(f"{path}: general.alignment is {alignment}, no power of two")
    rows: list[tuple[str, tuple[int, ...], int, int]] = []
    for _ in range(n_tensors):
        name, (n_dims,) = cursor.string(), cursor.numbers("I")
        if not 1 <= n_dims <= _DEPTH:
            raise InputError(f"{path}: {name} has {n_dims} dimensions")
        *shape, kind, offset = cursor.numbers(f"{n_dims}QIQ")
        rows.append((name, tuple(shape), kind, offset))
    start = cursor.at + -cursor.at % alignment
    for name, dims, kind, offset in rows:
        if name in header.tensors:
            raise InputError(f"{path}: the tensor {name} is there twice")
        if kind not in sizes:
            raise InputError(f"{path}: {name} has the type {kind}, unknown here", hint="pip install -U gguf")
        numbers, size = sizes[kind]
        if not all(dims) or dims[0] % numbers:
            raise InputError(f"{path}: {name} cannot have the shape {list(dims)} in its type")
        n_bytes = prod(dims) // numbers * size
        if offset % alignment or start + offset + n_bytes > cursor.end:
            raise InputError(f"{path}: {name} lies beyond its {cursor.end:,} bytes", hint=_HINT)
        header.tensors[name] = GgufTensor(name, dims, kind, n_bytes, start + offset)
    return GgufFile(path, keys, header.tensors, alignment)
