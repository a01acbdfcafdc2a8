"""events.parquet: the whole model in one table, tokens first and then the log; the source of truth."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tokkit.columns import numbers
from tokkit.errors import TokenizerError
from tokkit.model.check import check_model
from tokkit.model.events import Events, Kind
from tokkit.model.model import Alphabet, Layout, Model, Unit, Unknown

FORMAT: Final = 1
_LARGEST: Final = 2**31 - 1
TOKEN_ROW: Final = "token"
"""`row` of the table: "token" (in internal id order), then one of `Kind` in lower case (in the order of the log)."""

_SCHEMA: Final = pa.schema(
    [
        ("row", pa.string()),
        ("token", pa.uint32()),
        ("bytes", pa.binary()),
        ("id", pa.uint32()),
        ("score", pa.float64()),
        ("left", pa.uint32()),
        ("right", pa.uint32()),
        ("count", pa.uint64()),
        ("pieces", pa.list_(pa.uint32())),
    ]
)


def write_events(model: Model, path: Path) -> None:
    """Writes the model; the same model gives the same bytes with the same pyarrow.

    `bytes`, `id` and `score` belong to token rows, the columns after them to event rows. What is not a row (alphabet,
    specials, names) is JSON in the schema's metadata under `tokkit`.
    """
    events, n = model.events, len(model.tokens)
    m = len(events)
    nothing = pa.nulls
    ids = nothing(n, pa.uint32()) if model.ids is None else _numbers(model.ids, pa.uint32())
    scores = nothing(n, pa.float64()) if model.scores is None else _numbers(model.scores, pa.float64())
    is_merge = events.kind == Kind.MERGE
    has_pieces = (events.kind == Kind.SPLIT) | (events.kind == Kind.KNOCKOUT)
    if int(events.piece_offsets[-1]) > _LARGEST:
        raise TokenizerError(f"{path}: too many pieces in the log, got {int(events.piece_offsets[-1])}")
    names = [kind.name.lower().encode() for kind in Kind]
    pieces = pa.ListArray.from_buffers(
        pa.list_(pa.uint32()),
        m,
        [_bitmap(has_pieces), pa.py_buffer(events.piece_offsets.astype("<i4").tobytes())],
        children=[_numbers(events.pieces, pa.uint32())],
    )
    columns = {
        "row": [_strings([TOKEN_ROW.encode()] * n), _strings([names[kind] for kind in events.kind.tolist()])],
        "token": [_numbers(np.arange(n), pa.uint32()), _numbers(events.token, pa.uint32())],
        "bytes": [_strings(model.tokens, pa.binary()), nothing(m, pa.binary())],
        "id": [ids, nothing(m, pa.uint32())],
        "score": [scores, nothing(m, pa.float64())],
        "left": [nothing(n, pa.uint32()), _numbers(events.left, pa.uint32(), is_merge)],
        "right": [nothing(n, pa.uint32()), _numbers(events.right, pa.uint32(), is_merge)],
        "count": [nothing(n, pa.uint64()), _numbers(events.count, pa.uint64())],
        "pieces": [nothing(n, pa.list_(pa.uint32())), pieces],
    }
    metadata = {"tokkit": json.dumps(_header(model), ensure_ascii=False, sort_keys=True)}
    arrays = [pa.concat_arrays(columns[field.name]) for field in _SCHEMA]
    table = pa.Table.from_arrays(arrays, schema=_SCHEMA.with_metadata(metadata))
    pq.write_table(table, path, compression="zstd")


def _numbers(values: np.ndarray, kind: pa.DataType, is_there: np.ndarray | None = None) -> pa.Array:
    """A column from memory: `pa.array` would import pandas, which takes longer than all the rest of saving."""
    code = {pa.uint32(): "<u4", pa.uint64(): "<u8", pa.float64(): "<f8"}[kind]
    little = np.ascontiguousarray(values, dtype=code)
    valid = None if is_there is None else _bitmap(is_there)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(little.tobytes())])


def _strings(values: Sequence[bytes], kind: pa.DataType | None = None) -> pa.Array:
    """A column of strings or bytes from memory."""
    offsets = np.zeros(len(values) + 1, "<i8")
    np.cumsum([len(value) for value in values], out=offsets[1:])
    if offsets[-1] > _LARGEST:
        raise TokenizerError(f"the tokens have {offsets[-1]} bytes in all, an event log holds {_LARGEST}")
    data = [None, pa.py_buffer(offsets.astype("<i4").tobytes()), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(kind or pa.string(), len(values), data)


def _bitmap(is_there: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(is_there, bitorder="little").tobytes())


def read_events(path: Path) -> Model:
    """The model of an events.parquet, checked whole.

    Raises:
        TokenizerError: not such a file, of a newer format, or a log that contradicts itself.
    """
    try:
        table = pq.ParquetFile(path).read()
        header = json.loads((table.schema.metadata or {})[b"tokkit"])
    except (pa.ArrowException, OSError, KeyError, ValueError, RecursionError) as error:
        raise TokenizerError(
            f"{path}: not an event log of tokkit: {str(error).splitlines()[0] if str(error) else error!r}",
            hint="restore the file, or train again from recipe.lock.toml",
        ) from error
    found = header.get("format") if isinstance(header, dict) else None
    if not isinstance(found, int) or found > FORMAT:
        raise TokenizerError(
            f"{path}: format {found!r} is newer than {FORMAT}, the newest known", hint="upgrade tokkit"
        )
    if not table.schema.remove_metadata().equals(_SCHEMA):
        raise TokenizerError(f"{path}: unexpected columns, got {', '.join(table.schema.names)}")
    try:
        model = _model(table, header)
    except (KeyError, TypeError, ValueError, pa.ArrowException) as error:
        if isinstance(error, TokenizerError):
            raise
        raise TokenizerError(f"{path}: bad event log: {error!r}") from error
    check_model(model, str(path))
    return model


def _header(model: Model) -> dict[str, object]:
    alphabet = model.alphabet
    return {
        "format": FORMAT,
        "method": model.method,
        "pretokenizer": model.pretokenizer,
        "alphabet": {
            "unit": alphabet.unit,
            "unknown": alphabet.unknown,
            "unk_token": alphabet.unk_token,
            "fuse_unk": alphabet.fuse_unk,
            "prefix": alphabet.prefix,
            "suffix": alphabet.suffix,
        },
        "specials": list(model.specials),
        "n_byte_tokens": model.n_byte_tokens,
        "n_atoms": model.n_atoms,
        "layout": model.layout,
        "inference": model.inference,
        "normalizer": model.normalizer,
        "exhausted": model.exhausted,
        "config": model.config,
        # Most models have none; their files stay as they were.
        **({"user_defined": sorted(model.user_defined)} if model.user_defined else {}),
        **({"found_normalized": sorted(model.found_normalized)} if model.found_normalized else {}),
    }


def _model(table: pa.Table, header: dict[str, object]) -> Model:
    rows = table.column("row").to_pylist()
    n = next((place for place, row in enumerate(rows) if row != TOKEN_ROW), len(rows))
    tokens, log = table.slice(0, n), table.slice(n)
    kinds = {kind.name.lower(): int(kind) for kind in Kind}
    if not np.array_equal(numbers(tokens.column("token"), np.int64), np.arange(n)):
        raise TokenizerError("events.parquet: token rows are not numbered 0, 1, 2, ...")
    _check_nulls(tokens, log)
    lists = log.column("pieces").to_pylist()
    offsets = np.zeros(len(lists) + 1, np.uint64)
    np.cumsum([len(pieces or ()) for pieces in lists], out=offsets[1:])
    events = Events(
        kind=np.array([kinds[row] for row in rows[n:]], np.uint8),
        token=numbers(log.column("token"), np.uint32),
        left=numbers(log.column("left"), np.uint32),
        right=numbers(log.column("right"), np.uint32),
        count=numbers(log.column("count"), np.uint64),
        pieces=np.array([piece for pieces in lists for piece in pieces or ()], np.uint32),
        piece_offsets=offsets,
    )
    alphabet = cast("dict[str, object]", header["alphabet"])
    has_ids = tokens.column("id").null_count < n
    has_scores = tokens.column("score").null_count < n
    return Model(
        method=_text(header, "method"),
        pretokenizer=_text(header, "pretokenizer"),
        alphabet=Alphabet(
            unit=cast("Unit", _one_of(alphabet, "unit", get_args(Unit))),
            unknown=cast("Unknown", _one_of(alphabet, "unknown", get_args(Unknown))),
            unk_token=None if alphabet["unk_token"] is None else _text(alphabet, "unk_token"),
            fuse_unk=bool(alphabet["fuse_unk"]),
            prefix=_text(alphabet, "prefix"),
            suffix=_text(alphabet, "suffix"),
        ),
        specials=_texts(header, "specials"),
        n_byte_tokens=_number(header, "n_byte_tokens"),
        n_atoms=_number(header, "n_atoms"),
        tokens=tuple(tokens.column("bytes").to_pylist()),
        events=events,
        layout=cast("Layout", _one_of(header, "layout", get_args(Layout))),
        inference=_text(header, "inference"),
        normalizer=None if header["normalizer"] is None else _text(header, "normalizer"),
        scores=numbers(tokens.column("score"), np.float64, null=math.nan) if has_scores else None,
        ids=numbers(tokens.column("id"), np.uint32) if has_ids else None,
        exhausted=bool(header["exhausted"]),
        config=dict(cast("dict[str, object]", header["config"])),
        user_defined=frozenset(_texts(header, "user_defined") if "user_defined" in header else ()),
        found_normalized=frozenset(_texts(header, "found_normalized") if "found_normalized" in header else ()),
    )


def _check_nulls(tokens: pa.Table, log: pa.Table) -> None:
    merges = log.filter(pa.array([row == "merge" for row in log.column("row").to_pylist()], pa.bool_()))
    for table, names in ((tokens, ("token", "bytes")), (log, ("token", "count")), (merges, ("left", "right"))):
        for name in names:
            if table.column(name).null_count:
                raise TokenizerError(f"events.parquet: a value of {name} is missing")
    for name in ("id", "score"):
        if tokens.column(name).null_count not in (0, len(tokens)):
            raise TokenizerError(f"events.parquet: a value of {name} is missing")


def _text(header: dict[str, object], key: str) -> str:
    value = header[key]
    if not isinstance(value, str):
        raise TokenizerError(f"events.parquet: {key} must be text, got {value!r}")
    return value


def _texts(header: dict[str, object], key: str) -> tuple[str, ...]:
    value = header[key]
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TokenizerError(f"events.parquet: {key} must be a list of texts, got {value!r}")
    return tuple(value)


def _number(header: dict[str, object], key: str) -> int:
    value = header[key]
    if not isinstance(value, int) or value < 0:
        raise TokenizerError(f"events.parquet: {key} must be a number from 0, got {value!r}")
    return value


def _one_of(header: dict[str, object], key: str, allowed: tuple[str, ...]) -> str:
    value = _text(header, key)
    if value not in allowed:
        raise TokenizerError(f"events.parquet: {key} must be one of {', '.join(allowed)}, got {value!r}")
    return value
