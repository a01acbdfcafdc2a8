"""Spans as the published code of ByteSpan finds them, faults included, to reproduce its vocabularies.

codebyzeb/infotokenization@0296da0. Faults kept: the span that reaches a document's end is lost; a document whose first
signal is below the threshold has its spans inverted, valleys for peaks; runs of spaces give overlapping spans.
"""

from collections.abc import Collection, Mapping
from itertools import pairwise

import numpy as np

from tokkit.bytespan.rows import Rows
from tokkit.bytespan.spans import SPACE, Constraint, joins
from tokkit.bytespan.words import Token


def reference_spans(rows: Rows, constraint: Constraint, threshold: float | None) -> list[list[tuple[int, int]]]:
    """(start, length) in each document; one byte is possible.

    Raises:
        UsageError: a constraint that needs a threshold, without one.
    """
    return [_document(rows, rows.document(index), constraint, threshold) for index in range(len(rows))]


def _document(rows: Rows, place: slice, constraint: Constraint, threshold: float | None) -> list[tuple[int, int]]:
    data, starts = rows.blob[place], rows.starts[place].tolist()
    joined = joins(rows.signal[place], constraint, threshold)
    # Peak and valley are every other flip, whichever comes first.
    flips = np.flatnonzero(joined[1:] != joined[:-1]).tolist()
    spans: list[tuple[int, int]] = []
    for flip, last in zip(flips[::2], flips[1::2], strict=False):
        begin, end = flip, last + 1
        if begin > 0 and data[begin - 1] == SPACE and not starts[begin]:
            begin -= 1
        if starts[end - 1]:
            end -= 1
        if end - begin < 2:
            continue
        cuts = [begin, *(at for at in range(begin + 1, end) if starts[at]), end]
        if len(cuts) > 2 and cuts[-1] - cuts[-2] == 1:
            cuts.pop()
        spans += [(low, high - low) for low, high in pairwise(cuts)]
    return spans


def reference_counts(
    rows: Rows, spans: list[list[tuple[int, int]]], known: Collection[Token]
) -> dict[str | None, dict[Token, int]]:
    """Spans of two bytes and more that are not known yet, by language, counted in order of first use."""
    counts: dict[str | None, dict[Token, int]] = {}
    for index, found in enumerate(spans):
        own = counts.setdefault(rows.languages[index], {})
        first = int(rows.offsets[index])
        for begin, length in found:
            if length > 1:
                at = first + begin
                token = (bool(rows.starts[at]), rows.blob[at : at + length])
                if token not in known:
                    own[token] = own.get(token, 0) + int(rows.counts[index])
    return counts


def reference_sequences(
    rows: Rows, spans: list[list[tuple[int, int]]], ids: Mapping[Token, int], seeded: Collection[Token]
) -> tuple[list[list[int]], list[int]]:
    """Distinct pre-tokens as ids with their counts: seeded spans are one token, other bytes one each.

    With languages in turn the published code passes no seeded spans here: all its merges begin from bytes. A span takes
    the places of its bytes but the first away, also from a span that it overlaps.
    """
    totals: dict[tuple[int, ...], int] = {}
    for index, found in enumerate(spans):
        place = rows.document(index)
        data, starts = rows.blob[place], rows.starts[place].tolist()
        sequence = [ids[(starts[at], data[at : at + 1])] for at in range(len(data))]
        is_gone = [False] * len(data)
        for begin, length in found:
            token = (starts[begin], data[begin : begin + length])
            if token in seeded:
                sequence[begin] = ids[token]
                is_gone[begin + 1 : begin + length] = [True] * (length - 1)
        bounds = [at for at in range(len(data)) if starts[at]] + [len(data)]
        for low, high in pairwise(bounds):
            word = tuple(sequence[at] for at in range(low, high) if not is_gone[at])
            totals[word] = totals.get(word, 0) + int(rows.counts[index])
    return [list(word) for word in totals], list(totals.values())
