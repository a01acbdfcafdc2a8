"""A batch of texts as it goes to the core, and how texts are gathered into batches."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

# Large enough that the hand-over costs nothing, small enough that every thread gets some of a small corpus.
BATCH_BYTES = 1 << 20
BATCH_TEXTS = 10_000


@dataclass(frozen=True)
class Batch:
    """Texts end to end in `blob`; `offsets` is a buffer of n + 1 little-endian u64; each text counts `weight` times."""

    blob: bytes
    offsets: bytes
    weight: float = 1.0

    def __len__(self) -> int:
        return max(0, len(self.offsets) // 8 - 1)

    def texts(self) -> Iterator[bytes]:
        """The texts, one by one."""
        offsets = read_offsets(self.offsets)
        return (self.blob[offsets[i] : offsets[i + 1]] for i in range(len(self)))

    @classmethod
    def of(cls, texts: list[bytes], weight: float = 1.0) -> "Batch":
        """A batch of these texts."""
        return cls(b"".join(texts), write_offsets(accumulate(map(len, texts), initial=0)), weight)


def gather(texts: Iterable[bytes], weight: float) -> Iterator[Batch]:
    """Batches of about `BATCH_BYTES`."""
    waiting: list[bytes] = []
    size = 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= BATCH_BYTES or len(waiting) >= BATCH_TEXTS:
            yield Batch.of(waiting, weight)
            waiting, size = [], 0
    if waiting:
        yield Batch.of(waiting, weight)


def write_offsets(offsets: Iterable[int]) -> bytes:
    """A buffer of little-endian u64."""
    return _little_endian(array("Q", offsets)).tobytes()


def read_offsets(buffer: bytes) -> "array[int]":
    """The numbers of a buffer of little-endian u64."""
    numbers = array("Q")
    numbers.frombytes(buffer)
    return _little_endian(numbers)


def _little_endian(numbers: "array[int]") -> "array[int]":
    import sys

    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
