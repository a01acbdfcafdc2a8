"""Reads CSV and TSV: one text a row, from one column."""

import csv
import sys
from collections.abc import Iterator

from tokkit.corpus.batch import Batch, gather
from tokkit.corpus.report import CorpusReport, SourceReport
from tokkit.corpus.spec import SourceSpec
from tokkit.corpus.stream import Stream
from tokkit.corpus.text import blocks, whole_lines
from tokkit.corpus.utf8 import apply_policy
from tokkit.errors import InputError


def read_delimited(stream: Stream, spec: SourceSpec, source: SourceReport, report: CorpusReport) -> Iterator[Batch]:
    """Batches of the column `spec.field`, named in the first row (the only column needs no name).

    CSV follows RFC 4180 (quotes, line ends inside quotes); TSV has no quotes.

    Raises:
        InputError: no such column, or a row has another number of cells; names file and line.
    """
    return gather(_texts(stream, spec, source, report), spec.weight)


def _texts(stream: Stream, spec: SourceSpec, source: SourceReport, report: CorpusReport) -> Iterator[bytes]:
    # The limit of 128 KiB a cell belongs to the process; texts are longer than that. It is only ever raised.
    csv.field_size_limit(sys.maxsize)
    lines = _lines(stream, spec, source, report)
    if spec.format == "tsv":
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
    else:
        rows = csv.reader(lines, strict=True)
    try:
        header = next(rows, None)
        if header is None:
            return
        column = _column(header, spec.field, stream.path)
        for row in rows:
            if not row:
                report.skipped["blank line"] += 1
                continue
            if len(row) != len(header):
                raise InputError(f"{stream.path}:{rows.line_num}: {len(row)} cells, expected {len(header)}")
            # What `_lines` let pass as bytes comes back as those bytes.
            yield row[column].encode("utf-8", "surrogateescape")
    except csv.Error as error:
        raise InputError(f"{stream.path}:{rows.line_num}: not {spec.format}: {error}") from None


def _column(header: list[str], field: str, path: str) -> int:
    if field in header:
        return header.index(field)
    if len(header) == 1 and field == "text":
        return 0
    names = ", ".join(f"`{name}`" for name in header[:10])
    raise InputError(f"{path}:1: no column `{field}`", hint=f"the columns are {names}; give --field")


def _lines(stream: Stream, spec: SourceSpec, source: SourceReport, report: CorpusReport) -> Iterator[str]:
    number = 0
    for blob in whole_lines(blocks(stream, source)):
        lines = _split(blob)
        batch = Batch.of(lines)

        def locate(i: int, byte: int, start: int = number) -> str:
            return f"{stream.path}:{start + i + 1}:{byte + 1}"

        batch = apply_policy(batch, spec.invalid_utf8, locate, report)
        number += len(lines)
        for line in batch.texts():
            yield line.decode("utf-8", "surrogateescape")


def _split(blob: bytes) -> list[bytes]:
    lines = blob.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])
