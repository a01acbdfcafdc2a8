"""Spans of a word between cuts."""

from collections.abc import Collection
from itertools import pairwise

Span = tuple[int, int]


def spans_of(cuts: Collection[int], length: int) -> set[Span]:
    """The stretches of a word of `length` between its cuts.

    >>> sorted(spans_of({2, 5}, 6))
    [(0, 2), (2, 5), (5, 6)]
    """
    return set(pairwise([0, *sorted(cuts), length]))


def overlap(a: Span, b: Span) -> int:
    """Length of what both hold."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))
