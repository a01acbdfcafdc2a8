"""Some documents and their encoding; what several metrics need of them is computed once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit import _core
from tokkit.errors import InputError
from tokkit.metrics import fold
from tokkit.metrics.base import Subject
from tokkit.metrics.lexicon import FLAG_COLUMNS, Lexicon

Spans = tuple[NDArray[np.int64], NDArray[np.int64]]
Joined = tuple[bytes, NDArray[np.int64], int]
_WORD: Final = re.compile(r"\S+")


@dataclass(frozen=True)
class Batch:
    """Documents as text and as tokens.

    ids: uint32 [n_tokens]; offsets: int64 [n_documents + 1] into ids; first: how many documents of the text came
    before.
    """

    lexicon: Lexicon
    texts: Sequence[str]
    ids: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    first: int = 0

    @classmethod
    def of(cls, subject: "Subject | Lexicon", texts: Sequence[str], *, first: int = 0) -> "Batch":
        """Encodes `texts`.

        Raises:
            InputError: a text cannot be written as UTF-8 (it holds a lone surrogate), an id is not in the vocabulary.
        """
        lexicon = subject if isinstance(subject, Lexicon) else Lexicon(subject)
        joined = _join(texts)
        encoded = lexicon.encode_batch(texts)
        ids = np.asarray(encoded.ids, np.uint32)
        batch = cls(lexicon, texts, ids, np.asarray(encoded.offsets, np.int64), first)
        batch.__dict__["_joined"] = joined
        # Counted now, so that an id beyond the vocabulary is told before anything is looked up by it.
        _ = batch.counts
        return batch

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each id occurs; int64 [vocabulary size].

        Raises:
            InputError: an id is not in the vocabulary.
        """
        return np.frombuffer(_core.count_tokens(fold.buffer(self.ids, "<u4"), self.lexicon.size), "<i8")

    @cached_property
    def n_tokens(self) -> NDArray[np.int64]:
        """Tokens of each document."""
        return np.diff(self.offsets)

    @cached_property
    def _joined(self) -> Joined:
        return _join(self.texts)

    @property
    def data(self) -> bytes:
        """All documents, one after the other, as UTF-8."""
        return self._joined[0]

    @property
    def byte_ends(self) -> NDArray[np.int64]:
        """Where documents start in `data`, and the end of the last; int64 [n_documents + 1]."""
        return self._joined[1]

    @property
    def n_characters(self) -> int:
        """Characters of all documents."""
        return self._joined[2]

    def utf8(self, index: int) -> bytes:
        """One document as bytes."""
        return self.data[self.byte_ends[index] : self.byte_ends[index + 1]]

    def document_ids(self, index: int) -> NDArray[np.uint32]:
        """The ids of one document."""
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    @cached_property
    def _tiles(self) -> NDArray[np.int64] | None:
        self.lexicon.learn(np.flatnonzero(self.counts))
        lexicon = self.lexicon
        return fold.fold(
            self.data, self.byte_ends, self.ids, self.offsets, lexicon.blob, lexicon.lengths, lexicon.flags
        )

    @property
    def is_tiled(self) -> bool:
        """Whether the bytes of the tokens are exactly the bytes of the documents, so that lengths say all."""
        return self._tiles is not None

    @cached_property
    def decoded(self) -> Sequence[str]:
        """What decoding the ids of each document gives."""
        subject = self.lexicon.subject
        if self.is_tiled and getattr(subject, "tables", None) is not None:
            return self.texts
        return [subject.decode(self.document_ids(index).tolist()) for index in range(len(self.texts))]

    @cached_property
    def folded(self) -> dict[str, NDArray[np.int64]]:
        """Counts of each document that one walk gives: see `fold.NAMES` and `FLAG_COLUMNS`."""
        rows = self._tiles
        if rows is None:
            rows = np.array([self._row(index) for index in range(len(self.texts))], np.int64).reshape(-1, fold.COLUMNS)
        return dict(zip((*fold.NAMES, *FLAG_COLUMNS), rows.T, strict=True))

    def spans(self, index: int) -> Spans:
        """Start and end of each token of a document in its UTF-8, int64 [n_tokens of it] each."""
        own = self.document_ids(index)
        if self.is_tiled:
            ends = np.cumsum(self.lexicon.lengths[own], dtype=np.int64)
            return ends - self.lexicon.lengths[own], ends
        found = self.lexicon.subject.encode_offsets(self.texts[index]).byte_offsets
        pairs = np.asarray(found, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def _row(self, index: int) -> list[int]:
        """What `fold` counts, for a document whose tokens have gaps, overlap, or are not its bytes."""
        text = self.texts[index]
        data = text.encode()
        own = self.document_ids(index)
        flags = self.lexicon.flags[own]
        marked = [int(np.count_nonzero(flags >> bit & 1)) for bit in range(fold.FLAGS)]
        starts, ends = self.spans(index)
        low, high = word_spans(text, data)
        touching = overlaps(starts, ends, low, high)
        words, single = len(low), int(np.count_nonzero(touching == 1))
        several = int(np.count_nonzero(touching > 1))
        leads = np.flatnonzero((np.frombuffer(data, np.uint8) & 0xC0) != 0x80)
        tails = np.append(leads[1:], len(data))
        wide = tails - leads > 1
        cut = int(np.count_nonzero(overlaps(starts, ends, leads[wide], tails[wide]) > 1))
        return [len(self.texts[index]), int(np.count_nonzero(wide)), words, single, several, cut, *marked]


def overlaps(
    starts: NDArray[np.int64], ends: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many tokens overlap each range: those that end after it starts and start before it ends.

    Starts and ends are each in order, as the tokens of a text are; empty tokens overlap nothing.
    """
    filled = ends > starts
    starts, ends = starts[filled], ends[filled]
    first, beyond = np.searchsorted(ends, low, "right"), np.searchsorted(starts, high, "left")
    found: NDArray[np.int64] = np.maximum(beyond - first, 0)
    return found


def word_spans(text: str, data: bytes) -> Spans:
    """Start and end of each word `ws` in `data`, the UTF-8 of `text`; int64 [n_words] each."""
    spans = np.array([match.span() for match in _WORD.finditer(text)], np.int64).reshape(-1, 2)
    if len(data) != len(text):
        spans = byte_positions(data)[spans]
    return spans[:, 0], spans[:, 1]


def byte_positions(data: bytes) -> NDArray[np.int64]:
    """Where each character of the UTF-8 starts, and its end; int64 [n_characters + 1]."""
    return np.append(np.flatnonzero((np.frombuffer(data, np.uint8) & 0xC0) != 0x80), len(data))


def ends_of(parts: Sequence[str | bytes]) -> NDArray[np.int64]:
    """0, then where each part ends when all are joined; int64 [n_parts + 1]."""
    ends = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=ends[1:])
    return ends


def _join(texts: Sequence[str]) -> Joined:
    """UTF-8 of all texts, where each starts in it (and the end of the last), and the number of characters."""
    try:
        data, ends, n_characters = _core.join_texts(texts)
    except UnicodeEncodeError:
        for index, text in enumerate(texts):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InputError(
                    f"document {index}: not encodable as UTF-8 at character {error.start}: {error.reason}",
                    hint="read the text with errors='strict', so that this cannot arise",
                ) from error
        raise
    return data, np.frombuffer(ends, "<i8"), n_characters
