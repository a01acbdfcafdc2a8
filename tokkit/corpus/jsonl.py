"""Reads JSON lines: one text a record, from one field."""

import json
from collections.abc import Iterator

from tokkit.corpus.batch import Batch, gather
from tokkit.corpus.report import CorpusReport, SourceReport
from tokkit.corpus.spec import SourceSpec
from tokkit.corpus.stream import Stream
from tokkit.corpus.text import blocks, whole_lines
from tokkit.corpus.utf8 import apply_policy, encode
from tokkit.errors import InputError


def read_jsonl(stream: Stream, spec: SourceSpec, source: SourceReport, report: CorpusReport) -> Iterator[Batch]:
    """Batches of the field `spec.field`; blank lines and records where it is null are left out and counted.

    Raises:
        InputError: a line is not a JSON object, or the field is missing or not a string; names file and line.
    """
    return gather(_texts(stream, spec, source, report), spec.weight)


def _texts(stream: Stream, spec: SourceSpec, source: SourceReport, report: CorpusReport) -> Iterator[bytes]:
    number = 0
    for blob in whole_lines(blocks(stream, source)):
        for line in blob.split(b"\n") if not blob.endswith(b"\n") else blob[:-1].split(b"\n"):
            number += 1
            if not line.strip():
                report.skipped["blank line"] += 1
                continue
            where = f"{stream.path}:{number}"
            text = text_of(_record(line, spec, where, report), spec.field, where)
            if text is None:
                report.skipped[f"`{spec.field}` is null"] += 1
                continue
            encoded = encode(text, spec.invalid_utf8, where, report)
            if encoded is not None:
                yield encoded


def _record(line: bytes, spec: SourceSpec, where: str, report: CorpusReport) -> object:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        batch = apply_policy(Batch.of([line]), spec.invalid_utf8, lambda _, byte: f"{where}:{byte + 1}", report)
        if not len(batch):
            return {spec.field: None}
        text = batch.blob.decode("utf-8", "surrogateescape")
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        column = f":{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(
            f"{where}{column}: not JSON: {getattr(error, 'msg', 'nested too deeply')}",
            hint="each line must be one JSON object; for one JSON document a file, convert it first",
        ) from None


def text_of(record: object, field: str, where: str) -> str | None:
    """The text in `record[field]`; None for null.

    Raises:
        InputError: the record is no object, lacks the field, or holds something else there.
    """
    if not isinstance(record, dict):
        raise InputError(f"{where}: expected a JSON object, got {type(record).__name__}")
    if field not in record:
        names = ", ".join(f"`{name}`" for name in list(record)[:10])
        raise InputError(f"{where}: no field `{field}`", hint=f"the record has {names or 'no fields'}; give --field")
    value = record[field]
    if value is not None and not isinstance(value, str):
        raise InputError(f"{where}: field `{field}` is {type(value).__name__}, expected a string")
    return value
