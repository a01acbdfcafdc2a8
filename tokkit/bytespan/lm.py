"""The built-in byte language model: interpolated Witten-Bell n-grams.

P0 = 1/256; for each context c of 0 .. order - 1 bytes: P <- (n(c, b) + u(c) P) / (n(c) + u(c)), n the number of bytes
seen after c and u that of different ones. Witten and Bell, 1991. Signals are in bits and rounded to 6 decimals, so that
what follows does not depend on a platform's logarithm.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit import _core
from tokkit.errors import InputError
from tokkit.progress import Progress, silent

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
        core.freeze()
        self._core = core

    @classmethod
    def train(
        cls, documents: Iterable[bytes], *, order: int = 5, min_count: int = 1, progress: Progress = silent
    ) -> "ByteLm":
        """Counts the documents as they come. `min_count`: rarer n-grams of 3 bytes and more are left out.

        Raises:
            UsageError: an order outside 1..32. ResourceError: more than memory or 32-bit counts hold.
        """
        core = _core.ByteLm(order)
        for blob, offsets in _batches(documents):
            core.add(blob, offsets, progress)
        return cls(core if min_count <= 1 else core.prune(min_count))

    @classmethod
    def load(cls, path: str | Path) -> "ByteLm":
        """Reads a file of `save`.

        Raises:
            InputError: missing, damaged, or of a newer format.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if hashlib.sha256(body).digest() != digest:
            raise InputError(f"{path}: not a byte language model, or damaged: its checksum is wrong")
        try:
            return cls(_core.ByteLm.from_bytes(body))
        except InputError as error:
            raise InputError(f"{path}: {error.message}") from None

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes the model, atomically; the same bytes for the same counts."""
        from tokkit.atomic import atomic_file

        body = self._core.to_bytes()
        with atomic_file(Path(path), overwrite=overwrite) as temporary:
            temporary.write_bytes(body + hashlib.sha256(body).digest())

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
        entropy: bool = True,
        threads: int = 0,
        progress: Progress = silent,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Surprisal and entropy in bits of every byte, end to end; float64 [bytes] each, [0] without `entropy`."""
        offsets = np.zeros(len(documents) + 1, np.uint64)
        np.cumsum([len(document) for document in documents], out=offsets[1:])
        surprisal, entropies = self._core.signals(
            b"".join(documents), offsets.tobytes(), with_entropy=entropy, threads=threads, progress=progress
        )
        return (
            _rounded(surprisal),
            _rounded(entropies),
        )


def _rounded(buffer: bytes) -> NDArray[np.float64]:
    # + 0.0: no negative zero.
    return (np.round(np.frombuffer(buffer, np.float64), DECIMALS) + 0.0).astype(np.float64, copy=False)


def _batches(documents: Iterable[bytes]) -> Iterable[tuple[bytes, bytes]]:
    batch: list[bytes] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document)
        if size >= _BATCH_BYTES:
            yield _batch(batch)
            batch, size = [], 0
    yield _batch(batch)


def _batch(documents: Sequence[bytes]) -> tuple[bytes, bytes]:
    offsets = np.zeros(len(documents) + 1, np.uint64)
    np.cumsum([len(document) for document in documents], out=offsets[1:])
    return b"".join(documents), offsets.tobytes()
