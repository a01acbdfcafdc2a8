"""Signals on disk: a parquet file with one row a document, from `tokkit signals` or any other program."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

MEASURES: Final = ("surprisal", "entropy")


@dataclass(frozen=True)
class Signals:
    """Documents with one measure of all their bytes, end to end (float64 [bytes]), and their languages."""

    documents: list[bytes]
    signal: NDArray[np.float64]
    languages: list[str | None]


def read_signals(path: str | Path, measure: str) -> Signals:
    """Documents and signals that another program computed.

    A parquet file with one row a document: `document` (string or binary), `surprisal` and/or `entropy` (lists of as
    many numbers as the document has bytes) and, if it wants, `language` (string).

    Raises:
        InputError: missing, no parquet, without the columns, of other types, or a row without values, of another
            length, or with a value that is no number; names the row.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        for column in ("document", measure):
            if column not in names:
                raise InputError(f"{path}: no column `{column}`, there are: {', '.join(names) or 'none'}")
        wanted = ["document", measure, *(["language"] if "language" in names else [])]
        _check_types(path, file.schema_arrow, measure)
        documents: list[bytes] = []
        languages: list[str | None] = []
        signals: list[NDArray[np.float64]] = []
        for batch in file.iter_batches(columns=wanted):
            texts = batch.column("document").to_pylist()
            signals.append(_values(f"{path}", len(documents), texts, batch.column(measure), measure))
            documents += [text.encode() if isinstance(text, str) else text for text in texts]
            languages += batch.column("language").to_pylist() if "language" in names else [None] * len(texts)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as parquet: {error}") from None
    if not any(documents):
        raise InputError(f"{path}: holds no document")
    return Signals(documents, np.concatenate(signals), languages)


def _check_types(path: str | Path, schema: "pa.Schema", measure: str) -> None:
    import pyarrow as pa

    types = pa.types
    document, values = schema.field("document").type, schema.field(measure).type
    is_text = types.is_string(document) or types.is_large_string(document)
    if not is_text and not types.is_binary(document) and not types.is_large_binary(document):
        raise InputError(f"{path}: column `document` must hold strings or bytes, got {document}")
    is_list = types.is_list(values) or types.is_large_list(values)
    if not is_list or not (types.is_floating(values.value_type) or types.is_integer(values.value_type)):
        raise InputError(f"{path}: column `{measure}` must hold lists of numbers, got {values}")
    if "language" in schema.names and not types.is_string(schema.field("language").type):
        raise InputError(f"{path}: column `language` must hold strings, got {schema.field('language').type}")


def _values(
    path: str, first: int, texts: Sequence[str | bytes | None], column: "pa.Array[Any]", measure: str
) -> NDArray[np.float64]:
    lengths = column.value_lengths().to_pylist()
    for row, (text, length) in enumerate(zip(texts, lengths, strict=True), first):
        if text is None or length is None:
            raise InputError(f"{path}: row {row}: has no document or no {measure}")
        n_bytes = len(text.encode() if isinstance(text, str) else text)
        if n_bytes != length:
            raise InputError(f"{path}: row {row}: {n_bytes} bytes with {length} values of {measure}")
    # Nulls become NaN.
    values = np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float64)
    if np.isnan(values).any():
        at = int(np.isnan(values).argmax())
        row = first + int(np.searchsorted(np.cumsum(lengths), at, side="right"))
        raise InputError(f"{path}: row {row}: a value of {measure} is no number")
    return values


class SignalsWriter:
    """Appends documents with their signals to a parquet file; make one with `writing_signals`."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self.n_documents = 0
        self.n_bytes = 0

    def write(
        self,
        documents: Sequence[bytes],
        surprisal: NDArray[np.floating[Any]],
        entropy: NDArray[np.floating[Any]],
        languages: Sequence[str | None],
    ) -> None:
        """Documents with the signals of all their bytes, end to end."""
        import pyarrow as pa

        offsets = np.zeros(len(documents) + 1, np.int64)
        np.cumsum([len(document) for document in documents], out=offsets[1:])
        lists = [
            pa.LargeListArray.from_arrays(offsets, pa.array(np.asarray(values, np.float64)))
            for values in (surprisal, entropy)
        ]
        columns = [pa.array(documents, pa.binary()), *lists, pa.array(languages, pa.string())]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=_schema()))
        self.n_documents += len(documents)
        self.n_bytes += int(offsets[-1])


@contextmanager
def writing_signals(path: Path, *, overwrite: bool = False) -> Iterator[SignalsWriter]:
    """A writer for a file that appears whole at the end, or not at all.

    Raises:
        UsageError: it exists and `overwrite` is false. ResourceError: it cannot be written.
    """
    import pyarrow.parquet as pq

    from tokkit.atomic import atomic_file

    # Signals have few repeats: dictionaries would only cost time.
    with (
        atomic_file(path, overwrite=overwrite) as temporary,
        pq.ParquetWriter(temporary, _schema(), compression="zstd", use_dictionary=False) as writer,
    ):
        yield SignalsWriter(writer)


def _schema() -> "pa.Schema":
    import pyarrow as pa

    numbers = pa.large_list(pa.float64())
    fields = [("document", pa.binary()), ("surprisal", numbers), ("entropy", numbers), ("language", pa.string())]
    return pa.schema(fields)
