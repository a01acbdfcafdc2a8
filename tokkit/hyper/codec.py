"""The hypertoken codec: base ids to codes and back, row by row or streamed.

LZW over token ids (zip2zip, Geng et al. 2025, arXiv:2506.01084): the longest known phrase is emitted as one code, and
that phrase with the next id becomes a new one. Deviations from `zip2zip_compression` 0.3.4: an id that is no base id
is an error and never part of a phrase, streaming never loses the unfinished phrase, and a book may start again or
give up old phrases when it is full (`policy`, off by default).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from tokkit import _core
from tokkit.errors import InputError, UsageError
from tokkit.spec import Spec

Ids = Sequence[int] | NDArray[np.integer]
Padding = bool | Literal["longest", "max_length", "do_not_pad"]
Kind = Literal["encode", "strict", "tolerant"]
_FORMAT: Final = 1
_MAX_ID: Final = 2**32 - 1


class HypertokenConfig(Spec):
    """What encoder, decoder and model must agree on; the names are those of zip2zip."""

    initial_vocab_size: int = Field(
        ge=1, lt=2**31, description="codes begin here: the model's vocabulary, not the tokenizer's, where they differ"
    )
    max_codebook_size: int = Field(2048, ge=0, lt=2**31, description="most hypertokens of a sequence")
    max_subtokens: int = Field(4, ge=1, lt=2**31, description="most base ids of a hypertoken")
    pad_token_id: int = Field(ge=0, le=_MAX_ID, description="id that fills up rows; part of no hypertoken")
    disabled_ids: tuple[int, ...] = Field((), description="ids that are part of no hypertoken")
    policy: Literal["freeze", "reset", "lru"] = Field(
        "freeze", description="full book: keep it, start again, or give up the phrase not used for longest"
    )

    @classmethod
    def load(cls, path: str | Path) -> "HypertokenConfig":
        """Reads a config file, of ours or a JSON object with the names of zip2zip.

        Raises:
            InputError: missing, not JSON, a newer format or values that cannot work.
        """
        path = Path(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise InputError(f"{path}: not JSON: {error}") from None
        if not isinstance(content, dict):
            raise InputError(f"{path}: must hold an object, got {type(content).__name__}")
        found = content.pop("format", _FORMAT)
        if found != _FORMAT:
            raise InputError(f"{path}: format {found!r} is not known to this version", hint="install a newer tokkit")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise InputError(f"{path}: {key}: {first['msg']}, got {first['input']!r}") from None

    def save(self, path: str | Path) -> None:
        """Writes the config file, atomically; replaces one that is there."""
        from tokkit.atomic import atomic_file

        with atomic_file(Path(path), overwrite=True) as temporary:
            temporary.write_text(json.dumps({"format": _FORMAT, **self.model_dump(mode="json")}, indent=1) + "\n")


class Codebook:
    """The hypertokens of one row: code to base ids. Immutable."""

    def __init__(self, config: HypertokenConfig, buffers: tuple[bytes, bytes, bytes]) -> None:
        """`buffers`: codes uint32 [n], rising; offsets uint64 [n + 1]; base ids uint32."""
        self.config = config
        self._codes = np.frombuffer(buffers[0], np.uint32)
        self._offsets = np.frombuffer(buffers[1], np.uint64).astype(np.int64)
        self._ids = np.frombuffer(buffers[2], np.uint32)

    def __len__(self) -> int:
        return len(self._codes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Codebook) and all(
            np.array_equal(mine, others) for mine, others in zip(self._arrays, other._arrays, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # a value with == and no order: not a key

    @property
    def _arrays(self) -> tuple[NDArray[np.generic], ...]:
        return self._codes, self._offsets, self._ids

    def to_dict(self) -> dict[int, list[int]]:
        """Base ids by code, codes rising."""
        return dict(zip(self._codes.tolist(), self.to_list(), strict=True))

    def to_list(self, use_padding: bool = False) -> list[list[int]]:  # noqa: FBT001, FBT002 - zip2zip's signature
        """Base ids in order of codes; padded to max_codebook_size rows of max_subtokens ids."""
        if use_padding:
            rows: list[list[int]] = self._padded(np.arange(len(self)), self.config.max_codebook_size).tolist()
            return rows
        flat = self._ids.tolist()
        return [flat[low:high] for low, high in pairwise(self._offsets.tolist())]

    def to_array(self) -> NDArray[np.uint32]:
        """Base ids of every code that a row can have, [max_codebook_size, max_subtokens]: row `i` is that of code
        initial_vocab_size + i, and all padding where there is none.

        Raises InputError: a tolerant decoder was given a code behind the last.
        """
        places = self._codes.astype(np.int64) - self.config.initial_vocab_size
        if len(places) and int(places[-1]) >= self.config.max_codebook_size:
            raise InputError(f"code {int(self._codes[-1])} is behind the last of max_codebook_size")
        return self._padded(places, self.config.max_codebook_size)

    def get_subtokens(self, code: int) -> list[int] | None:
        """The base ids of a code; None if there is no such hypertoken."""
        place = int(np.searchsorted(self._codes, code))
        if place == len(self) or int(self._codes[place]) != code:
            return None
        found: list[int] = self._ids[self._offsets[place] : self._offsets[place + 1]].tolist()
        return found

    def _padded(self, places: NDArray[np.integer], n_rows: int) -> NDArray[np.uint32]:
        made = np.full((max(n_rows, len(places)), self.config.max_subtokens), self.config.pad_token_id, np.uint32)
        lengths = np.diff(self._offsets)
        columns = np.arange(len(self._ids)) - np.repeat(self._offsets[:-1], lengths)
        made[np.repeat(places, lengths), columns] = self._ids
        return made


@dataclass(frozen=True)
class _Rows:
    """Rows of numbers."""

    core: "_core.HyperRows" = field(repr=False)
    codec: "HypertokenCodec" = field(repr=False)
    books: "_core.HyperBooks" = field(repr=False)

    @cached_property
    def ids(self) -> NDArray[np.uint32]:
        """All numbers; row `i` has `ids[offsets[i]:offsets[i + 1]]`. Read-only."""
        return np.frombuffer(self.core.ids(), np.uint32)

    @cached_property
    def offsets(self) -> NDArray[np.uint64]:
        """Where each row begins, and the end of the last, [rows + 1]. Read-only."""
        return np.frombuffer(self.core.offsets(), np.uint64)

    def __len__(self) -> int:
        return len(self.core)

    def __getitem__(self, row: int) -> NDArray[np.uint32]:
        row = range(len(self))[row]
        return self.ids[int(self.offsets[row]) : int(self.offsets[row + 1])]

    def lists(self) -> list[list[int]]:
        """One list a row."""
        return self.codec.lists(self.core)

    def codebook(self, row: int = 0) -> Codebook:
        """The hypertokens of a row, spelt out now. Raises UsageError: made without codebooks."""
        if len(self.books) < len(self):
            raise UsageError("these rows were made without codebooks", hint="leave with_codebooks at True")
        return Codebook(self.codec.config, self.books.row(range(len(self.books))[row]))

    @property
    def codebooks(self) -> list[Codebook]:
        """The hypertokens of every row."""
        return [self.codebook(row) for row in range(len(self))]


@dataclass(frozen=True)
class HyperEncodings(_Rows):
    """Codes of many rows; base ids are below initial_vocab_size, hypertokens from there on."""

    @property
    def attention_masks(self) -> list[list[int]]:
        """1 where a code is not the padding id."""
        flat = (self.ids != self.codec.config.pad_token_id).astype(np.int8).tolist()
        return [flat[low:high] for low, high in pairwise(self.offsets.tolist())]


@dataclass(frozen=True)
class HyperDecodings(_Rows):
    """Base ids of many rows."""


class HypertokenCodec:
    """LZW over ids. Immutable; threads may share it.

    >>> codec = HypertokenCodec(HypertokenConfig(initial_vocab_size=10, pad_token_id=0))
    >>> encoded = codec.encode([1, 2, 1, 2, 1, 2])
    >>> encoded.lists(), encoded.codebook().to_dict()
    ([[1, 2, 10, 10]], {10: [1, 2], 11: [2, 1], 12: [1, 2, 1]})
    >>> codec.decode(encoded.ids).lists()
    [[1, 2, 1, 2, 1, 2]]
    """

    def __init__(self, config: HypertokenConfig) -> None:
        """Raises UsageError: too many codes, or a disabled id that is a code."""
        self.config = config
        disabled = sorted({*config.disabled_ids, config.pad_token_id})
        for token in disabled:
            if not 0 <= token <= _MAX_ID:
                raise UsageError(f"disabled_ids: {token} is no id, ids are 0 to {_MAX_ID}")
        self._core = _core.HyperCodec(
            config.initial_vocab_size, config.max_codebook_size, config.max_subtokens, disabled, config.policy
        )

    @classmethod
    def from_file(cls, path: str | Path) -> "HypertokenCodec":
        """The codec of a config file. Raises InputError as `HypertokenConfig.load` does."""
        return cls(HypertokenConfig.load(path))

    def encode(
        self, ids: Ids, *, padding: Padding = False, truncation: bool = False, max_length: int | None = None
    ) -> HyperEncodings:
        """Codes of one row; `longest` pads nothing here. Raises as `encode_batch`."""
        keep: Padding = "max_length" if padding == "max_length" else False
        return self.encode_batch([ids], padding=keep, truncation=truncation, max_length=max_length)

    def encode_batch(
        self,
        rows: Sequence[Ids],
        *,
        padding: Padding = False,
        truncation: bool = False,
        max_length: int | None = None,
        threads: int = 0,
        with_codebooks: bool = True,
    ) -> HyperEncodings:
        """Codes of many rows, each with a book of its own; the same for any number of threads.

        Padding goes to the left: to the longest row (`longest` or True) or to `max_length`. `truncation` stops after
        `max_length` codes, and then the book is that of what was kept.

        Raises:
            InputError: an id that is neither below initial_vocab_size nor disabled, named with row and position.
            UsageError: padding or truncation to `max_length` without one.
        """
        if padding not in (False, True, "longest", "max_length", "do_not_pad"):
            raise UsageError(f"padding must be longest, max_length or do_not_pad, got {padding!r}")
        if (truncation or padding == "max_length") and (max_length is None or max_length < 0):
            raise UsageError("max_length must be given, and at least 0, to pad or truncate to it")
        limit = max_length if truncation else None
        codes, books = self._core.encode_batch(
            _core_rows(rows), limit=limit, with_books=with_codebooks, threads=threads
        )
        found = HyperEncodings(codes, self, books)
        if padding and padding != "do_not_pad":
            lengths = np.diff(found.offsets.astype(np.int64))
            width = max_length if padding == "max_length" else int(lengths.max(initial=0))
            padded = _pad_left(found.ids, found.offsets, int(width or 0), self.config.pad_token_id)
            return HyperEncodings(padded, self, books)
        return found

    def encode_continuous(self, ids: Ids, max_length: int) -> list[HyperEncodings]:
        """Cuts one long row in rows of `max_length` codes (the last may be shorter), each with a book of its own.

        Every id is in one of the rows, in order (`continuous_encode` of zip2zip_compression loses some at each cut).

        Raises: as `encode_batch`; UsageError: `max_length` below 1.
        """
        if max_length < 1:
            raise UsageError(f"max_length must be at least 1, got {max_length}")
        rest, _ = flatten([ids])
        chunks = []
        while len(rest):
            # More ids than this cannot go in the codes of one row.
            part = rest[: max_length * self.config.max_subtokens + 1].tobytes()
            codes, used, book = self._core.encode_some(part, max_length)
            chunks.append(HyperEncodings(codes, self, book))
            rest = rest[used:]
        return chunks

    def decode(self, codes: Ids, *, tolerant: bool = False) -> HyperDecodings:
        """Base ids of one row. Raises as `decode_batch`."""
        return self.decode_batch([codes], tolerant=tolerant)

    def decode_batch(
        self, rows: Sequence[Ids], *, tolerant: bool = False, threads: int = 0, with_codebooks: bool = True
    ) -> HyperDecodings:
        """Base ids of many rows of codes.

        Strict: what `encode_batch` gives, left padding included; any code that it cannot have made is an error.
        Tolerant: what a model may write. An unknown code then stands for the phrase before it and that one's first id.

        Raises:
            InputError: a code that stands for nothing, named with row and position.
            UsageError: tolerant with a policy other than freeze.
        """
        ids, books = self._core.decode_batch(
            _core_rows(rows), tolerant=tolerant, with_books=with_codebooks, threads=threads
        )
        return HyperDecodings(ids, self, books)

    def lists(self, rows: "_core.HyperRows") -> list[list[int]]:
        """Rows of base ids and codes as lists."""
        return self._core.lists(rows)

    def row(self, kind: Kind = "encode") -> "Row":
        """A row in pieces: an encoder, or a `strict` or `tolerant` decoder.

        Raises UsageError: tolerant with a policy other than freeze.
        """
        return Row(self.config, _core.HyperRow(self._core, kind))


class Row:
    """The state of one row, fed in pieces of any size; the pieces of its output make the row's output."""

    def __init__(self, config: HypertokenConfig, core: "_core.HyperRow") -> None:
        self._config = config
        self._core = core

    def push(self, ids: Ids) -> list[int]:
        """Takes ids (or codes) and returns what is certain. Raises InputError as encode and decode do."""
        return _numbers(self._core.push(flatten([ids])[0].tobytes()))

    def finish(self) -> list[int]:
        """Ends the row: the code of an encoder's unfinished phrase."""
        return _numbers(self._core.finish())

    def clear(self) -> None:
        """Starts a new row."""
        self._core.clear()

    def codebook(self) -> Codebook:
        """The hypertokens so far."""
        return Codebook(self._config, self._core.book().row(0))

    def learnt(self, start: int = 0) -> list[tuple[int, list[int]]]:
        """(code, base ids) in order of learning, from number `start` on."""
        return self._core.learnt(start)

    def get_subtokens(self, code: int) -> list[int] | None:
        """The base ids of a code; None if there is no such hypertoken."""
        return self._core.phrase(code)


def _numbers(buffer: bytes) -> list[int]:
    numbers: list[int] = np.frombuffer(buffer, np.uint32).tolist()
    return numbers


def _core_rows(rows: Sequence[Ids]) -> "_core.HyperRows":
    # Lists of ints and arrays of uint32 by the core; it leaves everything else, and what is wrong, to numpy.
    found = _core.HyperRows.of(rows if isinstance(rows, list) else list(rows))
    if found is not None:
        return found
    flat, offsets = flatten(rows)
    return _core.HyperRows(flat.tobytes(), offsets.tobytes())


def flatten(rows: Sequence[Ids]) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
    """Rows end to end: ids uint32 [n], offsets uint64 [rows + 1].

    Raises:
        InputError: a number that no id can be; names row and position.
    """
    offsets = np.zeros(len(rows) + 1, np.uint64)
    np.cumsum([len(row) for row in rows], out=offsets[1:])
    return _joined([_array(row, place) for place, row in enumerate(rows)]), offsets


def _array(row: Ids, place: int) -> NDArray[np.uint32]:
    if isinstance(row, np.ndarray) and row.dtype == np.uint32 and row.ndim == 1:
        return row.astype(np.uint32, copy=False)
    try:
        found = np.asarray(row) if len(row) else np.zeros(0, np.int64)
        wide = found.astype(np.int64) if found.dtype.kind in "iu" else None
    except (OverflowError, TypeError, ValueError):
        wide = None
    if wide is None or wide.ndim != 1 or bool(((wide < 0) | (wide > _MAX_ID)).any()):
        for position, token in enumerate(row):
            if not isinstance(token, (int, np.integer)) or not 0 <= int(token) <= _MAX_ID:
                raise InputError(f"row {place}: {token!r} at position {position} is no id")
        raise InputError(f"row {place}: must be one row of ids")
    return wide.astype(np.uint32)


def _joined(arrays: Sequence[NDArray[np.uint32]]) -> NDArray[np.uint32]:
    if len(arrays) == 1:
        return np.ascontiguousarray(arrays[0])
    return np.concatenate(arrays) if arrays else np.zeros(0, np.uint32)


def _pad_left(ids: NDArray[np.uint32], offsets: NDArray[np.uint64], width: int, pad: int) -> "_core.HyperRows":
    rows = []
    for low, high in pairwise(offsets.tolist()):
        rows.append(np.concatenate([np.full(max(0, width - (high - low)), pad, np.uint32), ids[low:high]]))
    return _core_rows(rows)
