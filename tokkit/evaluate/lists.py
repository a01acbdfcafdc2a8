"""Rows of what is measured without running text: vocabularies, lists of words with their morphemes, languages."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from tokkit.evaluate.results import Row
from tokkit.metrics.base import METRICS, Scope, Subject, Value, find
from tokkit.metrics.fairness import fairness, gini
from tokkit.metrics.health import Health, health
from tokkit.metrics.lexicon import Lexicon
from tokkit.metrics.morphology import Convention, Morphemes, Morphology, morphology

VOCABULARY: Final = "vocabulary"
"""What stands in the place of the text in rows of vocabularies."""

ALL: Final = "all texts"
"""What stands in the place of the text in rows over all languages."""

MOST_UNKNOWN: Final = 0.1
"""The share of unknown characters beyond which a language is not covered, and left out of what is over languages."""

_DEFAULT_MORPHOLOGY: Final = (
    *("boundary_precision", "boundary_recall", "boundary_f1", "exact", "integrity", "morphscore1"),
    *("morphscore2_recall", "morphscore2_precision"),
)


def names_of(scope: Scope) -> list[str]:
    """The metrics of a scope, in the order of their definition."""
    return [name for name in METRICS if METRICS.get(name).scope == scope]


def morphology_rows(
    tokenizers: Mapping[str, Subject], gold: Mapping[str, Sequence[Morphemes]], wanted: Collection[str] = ()
) -> list[Row]:
    """Agreement with gold morphemes; the most read ones on bare words, or the metrics wanted."""
    names = list(wanted) or [f"morphology.{what}.bare" for what in _DEFAULT_MORPHOLOGY]
    rows = []
    for tokenizer, subject in tokenizers.items():
        lexicon = Lexicon(subject)
        for text, words in gold.items():
            found: dict[str, Morphology] = {}
            for name in names:
                _, what, convention = find(name).name.split(".")
                if convention not in found:
                    way: Convention = "space" if convention == "space" else "bare"
                    found[convention] = morphology(lexicon, words, convention=way)
                rows.append(Row.of(tokenizer, text, find(name), _of_morphology(found[convention], what)))
    return rows


def _of_morphology(found: Morphology, what: str) -> Value:
    several = found.multi_morpheme_words
    if what.startswith("morphscore2"):
        score = found.morphscore_v2.recall if what.endswith("recall") else found.morphscore_v2.precision
        return Value(score, None if score is not None else "the list marks no stems")
    values = {
        "boundary_precision": several.precision,
        "boundary_recall": several.recall,
        "boundary_f1": several.f1,
        "boundary_f1_macro": several.f1_macro,
        "exact": several.exact,
        "span_precision": several.span_precision,
        "span_recall": several.span_recall,
        "span_f1": several.span_f1,
        "boundary_violation": None if several.recall is None else several.fn / (several.tp + several.fn),
        "integrity": found.integrity_micro,
        "turbidity": found.turbidity.tokens_micro,
        "dilution": found.turbidity.dilution_micro,
        "muddiness": found.turbidity.muddiness_micro,
        "morphscore1": found.morphscore_v1_last.score,
    }
    return Value(values[what], None if values[what] is not None else "no such words")


def health_rows(tokenizers: Mapping[str, Subject], wanted: Collection[str] = ()) -> tuple[list[Row], dict[str, Health]]:
    """Counts of what is wrong with each vocabulary, and all that was found."""
    rows = []
    found = {tokenizer: health(subject) for tokenizer, subject in tokenizers.items()}
    reason = "this tokenizer has no such thing, or its model cannot be asked"
    for tokenizer, state in found.items():
        counts: dict[str, int | None] = {
            "vocab_size": state.vocab_size,
            "model_unreachable": None if state.model_unreachable is None else len(state.model_unreachable),
            "normalizer_unreachable": len(state.normalizer_unreachable),
            "pretokenizer_unreachable": len(state.unreachable_in_contexts),
            "unreachable": len(state.unreachable),
            "byte_tokens_unreachable": None
            if state.byte_tokens_unreachable is None
            else len(state.byte_tokens_unreachable),
            "continuation_unreachable": None
            if state.continuation_unreachable is None
            else len(state.continuation_unreachable),
            "byte_coverage": state.byte_values_with_own_token,
            "partial_utf8": state.utf8_classes.get("partial_utf8", 0),
            "never_valid_utf8": len(state.never_valid),
            "duplicates": len(state.duplicate_ids),
            "overlong": len(state.overlong),
            "control": len(state.control),
            "trailing_space": len(state.trailing_space),
            "strict_selfencode_fail": len(state.strict_selfencode_fail),
            "max_token_bytes": state.max_token_bytes,
        }
        names = [find(name).name.removeprefix("health.") for name in wanted] or list(counts)
        for name in names:
            value = None if counts[name] is None else float(counts[name] or 0)
            rows.append(
                Row.of(tokenizer, VOCABULARY, find(f"health.{name}"), Value(value, reason if value is None else None))
            )
    return rows, found


def fairness_rows(
    tokenizer: str,
    tokens: Mapping[str, int],
    sizes: Mapping[str, int],
    *,
    documents: int,
    reference: str,
    wanted: Collection[str] = (),
) -> tuple[list[Row], dict[str, object]]:
    """How unequal the costs of parallel texts are, over all of them, and the figures behind; `sizes` are in bytes.

    Undefined where a text has no tokens or there is one text only.
    """
    costs = {text: count / max(documents, 1) for text, count in tokens.items()}
    found = fairness(costs, reference=reference) if len(costs) > 1 and all(costs.values()) else None
    values: dict[str, float | None] = {
        "gini": None if found is None else found.gini,
        "gini_per_byte": None if found is None else gini([tokens[text] / sizes[text] for text in tokens]),
        "macro_premium": None if found is None else found.macro_premium,
        "max_over_min": None if found is None else found.max_over_min,
        "worst_premium": None if found is None else found.premiums[found.worst],
    }
    reason = "a text has no tokens, or fewer than two languages are covered"
    names = [find(name).name.removeprefix("fairness.") for name in wanted] or list(values)
    rows = [
        Row.of(tokenizer, ALL, find(f"fairness.{name}"), Value(values[name], reason if values[name] is None else None))
        for name in names
    ]
    if found is None:
        return rows, {}
    return rows, {"worst": found.worst, "lorenz": found.lorenz, "premiums": found.premiums}
