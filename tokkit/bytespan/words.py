"""Distinct pre-tokens with their spans: the table that vocabularies are made from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.bytespan.rows import Rows

Token = tuple[bool, bytes]
"""Whether it begins a pre-token, and its bytes."""


@dataclass(frozen=True)
class Words:
    """Pre-tokens with the marks of their spans (1 where a byte continues) and how often each occurs, by first use."""

    words: dict[tuple[bytes, bytes], int]
    by_language: dict[str | None, dict[tuple[bytes, bytes], int]]

    def parts(self, word: tuple[bytes, bytes]) -> Iterator[Token]:
        """The spans of a word in order, single bytes included."""
        text, marks = word
        begin = 0
        while begin < len(text):
            end = marks.find(b"\x00", begin + 1)
            end = len(text) if end < 0 else end
            yield begin == 0, text[begin:end]
            begin = end


def words_of(rows: Rows, found: NDArray[np.bool_]) -> Words:
    """Counts the pre-tokens of all documents, apart for each language."""
    begins = np.flatnonzero(rows.starts)
    ends = np.append(begins, len(rows.blob))[1:]
    owners = np.searchsorted(rows.offsets[1:], begins.astype(np.uint64), side="right")
    counts = rows.counts[owners].tolist()
    marks, blob = found.tobytes(), rows.blob
    words: dict[tuple[bytes, bytes], int] = {}
    languages: dict[str | None, dict[tuple[bytes, bytes], int]] = {}
    many = len(set(rows.languages)) > 1
    names = rows.languages
    for begin, end, owner, count in zip(begins.tolist(), ends.tolist(), owners.tolist(), counts, strict=True):
        word = (blob[begin:end], marks[begin:end])
        words[word] = words.get(word, 0) + count
        if many:
            own = languages.setdefault(names[owner], {})
            own[word] = own.get(word, 0) + count
    if not many:
        languages = {names[0] if names else None: words}
    return Words(words, languages)


def span_counts(words: Words, table: dict[tuple[bytes, bytes], int], *, typed: bool) -> list[tuple[Token, int]]:
    """Spans of two bytes and more by falling count, ties by first use."""
    counts: dict[Token, int] = {}
    for word, count in table.items():
        for is_start, text in words.parts(word):
            if len(text) > 1:
                token = (is_start and typed, text)
                counts[token] = counts.get(token, 0) + count
    return sorted(counts.items(), key=lambda item: -item[1])
