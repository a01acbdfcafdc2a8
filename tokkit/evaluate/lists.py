"""Rows of what is measured without running text: vocabularies, and lists of words with their morphemes."""

from collections.abc import Mapping, Sequence
from typing import Final

from tokkit.evaluate.results import Row
from tokkit.metrics.base import Better, Subject
from tokkit.metrics.fairness import fairness
from tokkit.metrics.health import Health, health
from tokkit.metrics.morphology import Morphemes, morphology

VOCABULARY: Final = "vocabulary"
"""What stands in the place of the text in rows of vocabularies."""

ALL: Final = "all texts"
"""What stands in the place of the text in rows over all languages."""

_MORPHOLOGY: Final[tuple[tuple[str, str, Better], ...]] = (
    ("boundary_precision", "share of token cuts", "higher"),
    ("boundary_recall", "share of morpheme cuts", "higher"),
    ("boundary_f1", "F1", "higher"),
    ("exact", "share of words", "higher"),
    ("integrity", "share of characters", "higher"),
    ("morphscore1", "share of words", "higher"),
)


def morphology_rows(tokenizers: Mapping[str, Subject], gold: Mapping[str, Sequence[Morphemes]]) -> list[Row]:
    """Agreement with gold morphemes, words bare, over words of two morphemes or more."""
    rows = []
    for tokenizer, subject in tokenizers.items():
        for name, words in gold.items():
            found = morphology(subject, words)
            several = found.multi_morpheme_words
            values = (
                several.precision,
                several.recall,
                several.f1,
                several.exact,
                found.integrity_micro,
                found.morphscore_v1_last.score,
            )
            for (metric, unit, better), value in zip(_MORPHOLOGY, values, strict=True):
                rows.append(_row(tokenizer, name, f"morphology.{metric}@1", value, unit, better, "no such words", 3))
    return rows


def health_rows(tokenizers: Mapping[str, Subject]) -> tuple[list[Row], dict[str, Health]]:
    """Counts of what is wrong with each vocabulary, and all that was found."""
    rows = []
    found = {tokenizer: health(subject) for tokenizer, subject in tokenizers.items()}
    for tokenizer, state in found.items():
        counts: dict[str, int | None] = {
            "vocab_size": state.vocab_size,
            "model_unreachable": None if state.model_unreachable is None else len(state.model_unreachable),
            "normalizer_unreachable": len(state.normalizer_unreachable),
            "pretokenizer_unreachable": len(state.unreachable_in_contexts),
            "byte_tokens_unreachable": _size(state.byte_tokens_unreachable),
            "byte_coverage": state.byte_values_with_own_token,
            "partial_utf8": state.utf8_classes.get("partial_utf8", 0),
            "never_valid_utf8": state.utf8_classes.get("never_valid_utf8", 0),
            "duplicates": state.duplicates,
            "overlong": len(state.overlong),
        }
        for name, count in counts.items():
            better: Better = "neither" if name in ("vocab_size", "byte_coverage", "partial_utf8") else "lower"
            value = None if count is None else float(count)
            reason = "this tokenizer has no such thing, or its model cannot be asked"
            rows.append(_row(tokenizer, VOCABULARY, f"health.{name}@1", value, "tokens", better, reason, 0))
    return rows, found


def fairness_rows(tokenizer: str, tokens: Mapping[str, int], *, documents: int, reference: str) -> list[Row]:
    """How unequal the costs of parallel texts are, over all of them; undefined where a text has no tokens."""
    costs = {text: count / max(documents, 1) for text, count in tokens.items()}
    found = fairness(costs, reference=reference) if len(costs) > 1 and all(costs.values()) else None
    values: tuple[tuple[str, str, float | None], ...] = (
        ("gini", "0 equal .. 1", None if found is None else found.gini),
        ("macro_premium", "times the reference", None if found is None else found.macro_premium),
        ("max_over_min", "times", None if found is None else found.max_over_min),
    )
    reason = "a text has no tokens, or there is one text"
    return [_row(tokenizer, ALL, f"fairness.{name}@1", value, unit, "lower", reason, 3) for name, unit, value in values]


def _size(ids: list[int] | None) -> int | None:
    return None if ids is None else len(ids)


def _row(
    tokenizer: str, text: str, metric: str, value: float | None, unit: str, better: Better, reason: str, decimals: int
) -> Row:
    return Row(
        tokenizer=tokenizer,
        text=text,
        metric=metric,
        value=value,
        reason=reason if value is None else None,
        low=None,
        high=None,
        numerator=None,
        denominator=None,
        unit=unit,
        better=better,
        aggregation="sum" if decimals == 0 else "ratio_of_sums",
        decimals=decimals,
    )
