"""Distinct pre-tokens with their spans: the table that vocabularies are made from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit import _core
from tokkit.bytespan.rows import Rows
from tokkit.progress import Progress, silent

Token = tuple[bool, bytes]
"""Whether it begins a pre-token, and its bytes."""


@dataclass(frozen=True)
class Words:
    """Pre-tokens with their spans and how often each occurs, by first use: of all languages, and of each."""

    whole: _core.SpanWords
    by_language: dict[str | None, _core.SpanWords]


def words_of(rows: Rows, found: NDArray[np.bool_], *, by_language: bool = False, progress: Progress = silent) -> Words:
    """Counts the pre-tokens of all documents, on demand also apart for each language."""

    def table(counts: NDArray[np.int64]) -> _core.SpanWords:
        return _core.SpanWords(
            rows.blob,
            rows.offsets.tobytes(),
            counts.astype(np.uint64).tobytes(),
            rows.starts.tobytes(),
            found.tobytes(),
            progress=progress,
        )

    languages: dict[str | None, _core.SpanWords] = {}
    if by_language:
        names = list(dict.fromkeys(rows.languages))
        owners = np.array([names.index(name) for name in rows.languages], np.int64)
        languages = {name: table(np.where(owners == place, rows.counts, 0)) for place, name in enumerate(names)}
    return Words(table(rows.counts), languages)


def span_counts(words: _core.SpanWords, *, typed: bool) -> list[tuple[Token, int]]:
    """Spans of two bytes and more by falling count, ties by first use."""
    return [((is_start, text), count) for is_start, text, count in words.spans(typed)]
