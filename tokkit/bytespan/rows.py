"""Documents with a signal for every byte: what ByteSpan learns from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    starts = np.zeros(int(offsets[-1]), np.bool_)
    for begin, document in zip(offsets.tolist(), documents, strict=False):
        if document:
            starts[begin] = True
            places = np.array(_core.pretokenize(document, pretokenizer), np.int64).reshape(-1, 2)
            starts[places[:, 0] + begin] = True
    return Rows(
        blob=b"".join(documents),
        offsets=offsets,
        starts=starts,
        signal=np.asarray(signal, np.float64),
        counts=np.ones(len(documents), np.int64) if counts is None else np.asarray(counts, np.int64),
        languages=tuple(languages) if languages is not None else (None,) * len(documents),
    )


def read_signals(path: str | Path, measure: str) -> tuple[list[bytes], NDArray[np.float64]]:
    """Documents and signals that another program computed.

    A parquet file with one row a document: `document` (string or binary), `surprisal` and/or `entropy` (lists of as
    many numbers as the document has bytes).

    Raises:
        InputError: missing, no parquet, without the columns, or a row whose lengths differ; names the row.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as parquet: {error}") from None
    for column in ("document", measure):
        if column not in table.column_names:
            raise InputError(f"{path}: no column `{column}`, there are: {', '.join(table.column_names)}")
    documents: list[bytes] = []
    signals: list[NDArray[np.float64]] = []
    columns = zip(table.column("document"), table.column(measure), strict=True)
    for row, (document, values) in enumerate(columns):
        text, numbers = document.as_py(), values.as_py()
        if text is None or numbers is None:
            raise InputError(f"{path}: row {row}: has no document or no {measure}")
        data = text.encode() if isinstance(text, str) else bytes(text)
        if len(data) != len(numbers):
            raise InputError(f"{path}: row {row}: {len(data)} bytes with {len(numbers)} values of {measure}")
        documents.append(data)
        signals.append(np.asarray(numbers, np.float64))
    return documents, np.concatenate(signals) if signals else np.zeros(0)
