"""Tokens that mix morphemes: turbid ones hold parts of several and not all of each, after TkTkT (Bauwens, 2024)."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokkit.metrics.spans import Span, overlap, spans_of


@dataclass(frozen=True)
class Turbidity:
    """Shares over all words (`micro`) and means of the words' own shares (`macro`); None without words.

    Turbid tokens over tokens; diluted morphemes (a turbid token holds a part of them) and muddied ones (a turbid token
    holds any of them) over morphemes.
    """

    tokens_micro: float | None
    tokens_macro: float | None
    dilution_micro: float | None
    dilution_macro: float | None
    muddiness_micro: float | None
    muddiness_macro: float | None


def turbidity(words: Sequence[tuple[int, frozenset[int], frozenset[int]]]) -> Turbidity:
    """Of words as (length, gold cuts, token cuts)."""
    rows = [_row(spans_of(gold, length), spans_of(found, length)) for length, gold, found in words]
    if not rows:
        return Turbidity(None, None, None, None, None, None)
    turbid, tokens, diluted, muddied, morphemes = (sum(column) for column in zip(*rows, strict=True))

    def mean(above: int, below: int) -> float:
        return sum(row[above] / row[below] for row in rows) / len(rows)

    return Turbidity(
        tokens_micro=turbid / tokens,
        tokens_macro=mean(0, 1),
        dilution_micro=diluted / morphemes,
        dilution_macro=mean(2, 4),
        muddiness_micro=muddied / morphemes,
        muddiness_macro=mean(3, 4),
    )


def _row(morphemes: set[Span], tokens: set[Span]) -> tuple[int, int, int, int, int]:
    """Turbid tokens, tokens, diluted, muddied and all morphemes."""
    turbid = [
        token
        for token in tokens
        if sum(overlap(token, morpheme) > 0 for morpheme in morphemes) > 1
        and any(_is_part(token, morpheme) for morpheme in morphemes)
    ]
    diluted = sum(any(_is_part(token, morpheme) for token in turbid) for morpheme in morphemes)
    muddied = sum(any(overlap(token, morpheme) > 0 for token in turbid) for morpheme in morphemes)
    return len(turbid), len(tokens), diluted, muddied, len(morphemes)


def _is_part(token: Span, morpheme: Span) -> bool:
    return 0 < overlap(token, morpheme) < morpheme[1] - morpheme[0]
