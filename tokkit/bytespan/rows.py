"""Documents with a signal for every byte: what ByteSpan learns from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit import _core
from tokkit.errors import InputError


@dataclass(frozen=True)
class Rows:
    """Documents end to end; document `i` is `blob[offsets[i]:offsets[i + 1]]`.

    starts: bool [bytes], where a pre-token begins, as every document does. signal: float64 [bytes], surprisal or
    entropy of each byte given those before it. counts: int64 [documents], their occurrences. languages: by document.
    """

    blob: bytes
    offsets: NDArray[np.uint64]
    starts: NDArray[np.bool_]
    signal: NDArray[np.float64]
    counts: NDArray[np.int64]
    languages: tuple[str | None, ...]

    def __post_init__(self) -> None:
        """Raises InputError: lengths that do not fit, or a signal that is no number."""
        n = len(self.blob)
        if not len(self.starts) == len(self.signal) == n:
            raise InputError(f"{n} bytes with {len(self.signal)} signals and {len(self.starts)} marks of pre-tokens")
        if np.isnan(self.signal).any():
            raise InputError(f"the signal of byte {int(np.isnan(self.signal).argmax())} is not a number")
        if n and not self.starts[self.offsets[:-1][np.diff(self.offsets) > 0].astype(np.int64)].all():
            raise InputError("a document begins inside a pre-token")

    def document(self, index: int) -> slice:
        """Where a document lies in the arrays."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def __len__(self) -> int:
        return len(self.offsets) - 1


def make_rows(
    documents: Sequence[bytes],
    signal: NDArray[np.float64],
    *,
    pretokenizer: str,
    counts: Sequence[int] | None = None,
    languages: Sequence[str | None] | None = None,
) -> Rows:
    """Cuts the documents in pre-tokens; `signal` is that of all their bytes, end to end.

    Raises:
        UsageError: unknown pre-tokenizer. InputError: a signal of another length.
    """
    offsets = np.zeros(len(documents) + 1, np.uint64)
    np.cumsum([len(document) for document in documents], out=offsets[1:])
    blob = b"".join(documents)
    return Rows(
        blob=blob,
        offsets=offsets,
        starts=np.frombuffer(_core.pretoken_starts(blob, offsets.tobytes(), pretokenizer), np.bool_),
        signal=np.asarray(signal, np.float64),
        counts=np.ones(len(documents), np.int64) if counts is None else np.asarray(counts, np.int64),
        languages=tuple(languages) if languages is not None else (None,) * len(documents),
    )
