"""Reads parquet and arrow files: one text a row, from one column, a row group at a time."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from tokkit.corpus.batch import BATCH_TEXTS, Batch
from tokkit.corpus.report import CorpusReport, SourceReport
from tokkit.corpus.spec import SourceSpec
from tokkit.corpus.stream import Stream
from tokkit.corpus.utf8 import apply_policy
from tokkit.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa


def read_columnar(
    stream: Stream,
    spec: SourceSpec,
    source: SourceReport,  # noqa: ARG001  (all readers have one signature)
    report: CorpusReport,
) -> Iterator[Batch]:
    """Batches of the column `spec.field` (string or binary); nulls are left out and counted.

    Raises:
        InputError: not such a file, no such column, or a column of another type.
    """
    import pyarrow as pa

    row = 0
    try:
        with _seekable(stream) as file:
            for column in _columns(file, spec, stream.path):
                yield from column_batches(column, spec, stream.path, row, report)
                row += len(column)
    except pa.ArrowException as error:
        raise InputError(f"{stream.path}: not a readable {spec.format} file: {error}") from error


def column_batches(
    column: "pa.Array", spec: SourceSpec, path: str, first_row: int, report: CorpusReport
) -> Iterator[Batch]:
    """Batches of one arrow array of strings or bytes whose first element is row `first_row` of `path`."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    is_view = pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type)
    is_binary = pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
    if not (is_text or is_view or is_binary):
        raise InputError(f"{path}: column `{spec.field}` is {column.type}, expected strings")
    if column.null_count:
        report.skipped[f"`{spec.field}` is null"] += column.null_count
    texts = column.cast(pa.large_binary())
    for start in range(0, len(texts), BATCH_TEXTS):
        part = texts.slice(start, BATCH_TEXTS)
        rows = [start + i for i, value in enumerate(part.is_valid().to_pylist()) if value] if part.null_count else None
        batch = _batch(part.drop_null(), spec.weight)

        def locate(i: int, byte: int, rows: list[int] | None = rows, start: int = start) -> str:
            return f"{path}: row {first_row + (rows[i] if rows else start + i)}, byte {byte + 1}"

        yield apply_policy(batch, spec.invalid_utf8, locate, report)


def _batch(texts: "pa.Array", weight: float) -> Batch:
    import numpy as np

    if len(texts) == 0:
        return Batch.of([], weight)
    _, offsets_buffer, data = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, "<i8", len(texts) + 1, texts.offset * 8)
    low, high = int(offsets[0]), int(offsets[-1])
    blob = data.slice(low, high - low).to_pybytes() if data is not None else b""
    return Batch(blob, (offsets - low).astype("<u8").tobytes(), weight)


def _columns(file: "IO[bytes]", spec: SourceSpec, path: str) -> "Iterator[pa.Array]":
    if spec.format == "parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(file) as parquet:
            _check_column(parquet.schema_arrow.names, spec.field, path)
            for batch in parquet.iter_batches(batch_size=BATCH_TEXTS, columns=[spec.field], use_threads=False):
                yield batch.column(batch.schema.get_field_index(spec.field))
        return
    for batch in _arrow_batches(file):
        _check_column(batch.schema.names, spec.field, path)
        yield batch.column(batch.schema.get_field_index(spec.field))


def _arrow_batches(file: "IO[bytes]") -> "Iterator[pa.RecordBatch]":
    """Batches of an arrow IPC file (Feather 2) or stream."""
    import pyarrow as pa

    magic = file.read(6)
    file.seek(0)
    if magic == b"ARROW1":
        reader = pa.ipc.open_file(file)
        for i in range(reader.num_record_batches):
            yield reader.get_batch(i)
        return
    yield from pa.ipc.open_stream(file)


def _check_column(names: list[str], field: str, path: str) -> None:
    if field not in names:
        have = ", ".join(f"`{name}`" for name in names[:10])
        raise InputError(f"{path}: no column `{field}`", hint=f"the columns are {have}; give --field")


def _seekable(stream: Stream) -> "IO[bytes]":
    """The file itself; a compressed one or a pipe goes through an unnamed temporary file first."""
    if stream.compression is None and stream.path != "-" and "://" not in stream.path:
        return cast("IO[bytes]", Path(stream.path).open("rb"))
    spool = tempfile.SpooledTemporaryFile(max_size=64 << 20)  # noqa: SIM115  (the caller closes it)
    for block in stream:
        spool.write(block)
    spool.seek(0)
    return cast("IO[bytes]", spool)
