"""Count tables on disk: our parquet, other people's parquet, and `word<TAB>count` lines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit import _core
from tokkit.atomic import atomic_file, refuse_overwrite
from tokkit.columns import numbers
from tokkit.corpus.report import CorpusReport, SourceReport
from tokkit.corpus.stream import open_stream
from tokkit.corpus.text import blocks, whole_lines
from tokkit.counts.table import CountTable
from tokkit.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
# What other tools can add up without surprises; above this a text file is refused rather than trusted.
MAX_TEXT_COUNT = 2**63 - 1
_KEY = "tokkit.counts"


def save(table: CountTable, path: Path, *, overwrite: bool) -> None:
    """See `CountTable.save`. Columns: pretoken (large_binary), count (uint64), first (uint64) when it was tracked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    refuse_overwrite(path, overwrite=overwrite)
    n = len(table)
    pretokens = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), n, [None, pa.py_buffer(table.raw.offsets()), pa.py_buffer(table.raw.blob())]
    )
    columns = {"pretoken": pretokens, "count": _u64(table.raw.counts(), n)}
    first = table.raw.first()
    if first is not None:
        columns["first"] = _u64(first, n)
    about = {
        "format": FORMAT, "pretokenizer": table.pretokenizer, "digest": table.digest, "sources": table.sources
    }  # fmt: skip
    arrow = pa.Table.from_arrays(list(columns.values()), names=list(columns)).replace_schema_metadata(
        {_KEY: json.dumps(about, sort_keys=True)}
    )
    with atomic_file(path, overwrite=overwrite) as temporary:
        pq.write_table(arrow, temporary, compression="zstd", row_group_size=1 << 20)


def load(path: Path, *, pretokenizer: str | None) -> CountTable:
    """See `CountTable.load`."""
    if not path.is_file():
        raise InputError(f"{path}: no such count table")
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == b"PAR1":
        return _load_parquet(path, pretokenizer)
    return CountTable.from_items(_lines(path), pretokenizer=pretokenizer)


def _u64(buffer: bytes, n: int) -> "pa.Array":
    import pyarrow as pa

    return pa.UInt64Array.from_buffers(pa.uint64(), n, [None, pa.py_buffer(buffer)])


def _load_parquet(path: Path, pretokenizer: str | None) -> CountTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pq.ParquetFile(path).read()
        about = json.loads((arrow.schema.metadata or {}).get(_KEY.encode(), b"null"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable count table: {error}") from error
    words, counts = _two_columns(arrow, path)
    first = arrow.column("first") if about and "first" in arrow.column_names else None
    raw = _from_arrow(words, counts, first, path)
    # Training starts at once: what Arrow keeps for its next table would only add to the peak.
    del arrow, words, counts, first
    pa.default_memory_pool().release_unused()
    if about is None:
        return CountTable(raw, pretokenizer=pretokenizer)
    if about.get("format", 0) > FORMAT:
        raise InputError(f"{path}: count table of format {about['format']}, this tokkit reads up to {FORMAT}")
    table = CountTable(raw, pretokenizer=about["pretokenizer"], sources=about["sources"])
    if table.digest != about["digest"]:
        raise InputError(f"{path}: damaged: its content has digest {table.digest}, its header says {about['digest']}")
    if pretokenizer is not None and table.pretokenizer not in {None, pretokenizer}:
        raise InputError(f"{path}: was cut by {table.pretokenizer}, expected {pretokenizer}")
    return table


def _two_columns(arrow: "pa.Table", path: Path) -> "tuple[pa.ChunkedArray, pa.ChunkedArray]":
    import pyarrow.types as types

    word_types = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)

    def is_word(kind: "pa.DataType") -> bool:
        return any(is_kind(kind) for is_kind in word_types)

    words = [field.name for field in arrow.schema if is_word(field.type)]
    counts = [field.name for field in arrow.schema if types.is_integer(field.type) and field.name != "first"]
    if len(words) != 1 or len(counts) != 1:
        got = ", ".join(f"{field.name}: {field.type}" for field in arrow.schema)
        raise InputError(f"{path}: a count table has one column of words and one of integers, got {got}")
    return arrow.column(words[0]), arrow.column(counts[0])


def _from_arrow(
    words: "pa.ChunkedArray", counts: "pa.ChunkedArray", first: "pa.ChunkedArray | None", path: Path
) -> _core.CountTable:
    import numpy as np
    import pyarrow as pa

    if words.null_count or counts.null_count:
        raise InputError(f"{path}: a count table cannot hold nulls")
    try:
        repeats = numbers(counts, np.uint64)
        positions = None if first is None else numbers(first, np.uint64)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: {error}") from error
    array = pa.concat_arrays([chunk.cast(pa.large_binary()) for chunk in words.chunks]) if words.num_chunks else None
    if array is None or len(array) == 0:
        return _core.CountTable.from_buffers(b"", bytes(8), b"")
    offsets = np.frombuffer(array.buffers()[1], "<i8", len(array) + 1, array.offset * 8)
    low, high = int(offsets[0]), int(offsets[-1])
    data = array.buffers()[2]
    blob = data.slice(low, high - low).to_pybytes() if data is not None else b""
    return _core.CountTable.from_buffers(
        blob,
        (offsets - low).astype("<u8").tobytes(),
        repeats.astype("<u8").tobytes(),
        None if positions is None else positions.astype("<u8").tobytes(),
    )


def _lines(path: Path) -> Iterator[tuple[bytes, int]]:
    source = SourceReport(str(path), "words")
    with open_stream(str(path), CorpusReport(), source, None) as stream:
        number = 0
        for blob in whole_lines(blocks(stream, source)):
            for line in blob.removesuffix(b"\n").split(b"\n"):
                number += 1
                yield _parse(line.removesuffix(b"\r"), f"{path}:{number}")


def _parse(line: bytes, where: str) -> tuple[bytes, int]:
    word, tab, count = line.rpartition(b"\t")
    if not tab:
        raise InputError(f"{where}: expected word<TAB>count, got {_shown(line)}")
    if not word:
        raise InputError(f"{where}: empty word")
    if not count.isdigit() or not 1 <= int(count[:20]) <= MAX_TEXT_COUNT or len(count) > 19:
        raise InputError(f"{where}: count must be from 1 to 2^63 - 1, got {_shown(count)}")
    return word, int(count)


def _shown(line: bytes) -> str:
    return repr(line[:40].decode("utf-8", "backslashreplace"))
