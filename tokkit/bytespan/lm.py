"""The built-in byte language model: interpolated Witten-Bell n-grams.

P0 = 1/256; for each context c of 0 .. order - 1 bytes: P <- (n(c, b) + u(c) P) / (n(c) + u(c)), n the number of bytes
seen after c and u that of different ones. Witten and Bell, 1991. Signals are in bits and rounded to 6 decimals, so that
what follows does not depend on a platform's logarithm.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit import _core
from tokkit.errors import InputError
from tokkit.progress import Progress, silent

FILE: Final = "byte.lm"
"""What the model is called in the folder of a tokenizer that was made with it."""

DECIMALS: Final = 6
_BATCH_BYTES: Final = 1 << 22
_DIGEST_BYTES: Final = 32


class ByteLm:
    """Counts of byte n-grams, and what they predict.

    >>> model = ByteLm.train([b"abab"] * 9, order=3)
    >>> surprisal, entropy = model.signals([b"abx"])
    >>> bool(surprisal[1] < 1.0 < 8.0 < surprisal[2])
    True
    """

    def __init__(self, core: "_core.ByteLm") -> None:
        self._core = core

    @classmethod
    def train(
        cls,
        documents: Iterable[bytes],
        *,
        times: Iterable[int] | None = None,
        order: int = 5,
        min_count: int = 1,
        progress: Progress = silent,
    ) -> "ByteLm":
        """Counts the documents as they come, each as often as `times` says.

        `min_count`: rarer n-grams of 3 bytes and more are left out.

        Raises:
            UsageError: an order outside 1..32. ResourceError: more than memory or 32-bit counts hold.
        """
        counts = _core.NgramCounts(order)
        for blob, offsets, numbers in _batches(zip(documents, repeat(1) if times is None else times, strict=False)):
            counts.add(blob, offsets, numbers, progress)
        return cls(counts.freeze(min_count))

    @classmethod
    def load(cls, path: str | Path) -> "ByteLm":
        """Reads a file of `save`, or the one in a folder of `tokkit train --method bytespan`.

        Raises:
            InputError: missing, damaged, or of a newer format.
        """
        path = Path(path) / FILE if Path(path).is_dir() else Path(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read: {error.strerror}", hint="`tokkit signals --save-lm` makes such a file"
            ) from None
        try:
            return cls.from_bytes(data)
        except InputError as error:
            raise InputError(f"{path}: {error.message}") from None

    @classmethod
    def from_bytes(cls, data: bytes) -> "ByteLm":
        """Reads what `to_bytes` gave.

        Raises:
            InputError: damaged, or of a newer format.
        """
        body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if hashlib.sha256(body).digest() != digest:
            raise InputError("not a byte language model, or damaged: its checksum is wrong")
        return cls(_core.ByteLm.from_bytes(body))

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes the model, atomically; the same bytes for the same counts."""
        from tokkit.atomic import atomic_file

        with atomic_file(Path(path), overwrite=overwrite) as temporary:
            temporary.write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The content of the file that `save` writes."""
        body = self._core.to_bytes()
        return body + hashlib.sha256(body).digest()

    @property
    def order(self) -> int:
        """Bytes of the longest n-gram."""
        return self._core.order

    def __len__(self) -> int:
        """Different n-grams of all lengths."""
        return len(self._core)

    def signals(
        self,
        documents: Sequence[bytes],
        *,
        surprisal: bool = True,
        entropy: bool = True,
        threads: int = 0,
        progress: Progress = silent,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Surprisal and entropy in bits of every byte, end to end; float64 [bytes] each, [0] of what is not asked for.

        The first byte of a document is predicted from nothing, by how often each byte occurs.
        """
        blob, offsets, _ = _batch(documents, [])
        found = self._core.signals(
            blob, offsets, surprisal=surprisal, entropy=entropy, threads=threads, progress=progress
        )
        return _rounded(found[0]), _rounded(found[1])


def _rounded(buffer: bytes) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.round(np.frombuffer(buffer, np.float64), DECIMALS).astype(np.float64, copy=False)
    # No negative zero.
    values += 0.0
    return values


def _batches(documents: Iterable[tuple[bytes, int]]) -> Iterator[tuple[bytes, bytes, bytes]]:
    batch: list[bytes] = []
    numbers: list[int] = []
    size = 0
    for document, times in documents:
        batch.append(document)
        numbers.append(times)
        size += len(document)
        if size >= _BATCH_BYTES:
            yield _batch(batch, numbers)
            batch, numbers, size = [], [], 0
    yield _batch(batch, numbers)


def _batch(documents: Sequence[bytes], times: Sequence[int]) -> tuple[bytes, bytes, bytes]:
    offsets = np.zeros(len(documents) + 1, np.uint64)
    np.cumsum([len(document) for document in documents], out=offsets[1:])
    return b"".join(documents), offsets.tobytes(), np.asarray(times, np.uint64).tobytes()
