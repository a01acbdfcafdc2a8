"""What a language pays: token premiums on parallel text, and how unequal they are.

Only parallel text can be compared across languages: premiums from unrelated texts or from characters per token say
little (a tokenizer at 1.3 looks like 3.8).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tokkit.errors import InputError
from tokkit.metrics import columns  # noqa: F401 - registers the columns that are read here
from tokkit.metrics.base import METRICS, Metric, Value
from tokkit.metrics.evidence import Column, Evidence


def gini(costs: Sequence[float]) -> float | None:
    """Gini coefficient of costs: sum_ij |c_i - c_j| / (2 n^2 mean); None for fewer than two or where all are 0.

    Of n costs it is at most (n - 1) / n.

    >>> gini([1.0, 1.0, 1.0])
    0.0
    """
    values = np.sort(np.asarray(costs, np.float64))
    n = len(values)
    if n < 2 or values.sum() <= 0:
        return None
    # Sorted, the double sum is 2 sum_i (2 i - n + 1) c_i with i from 0.
    return float(2 * ((2 * np.arange(n) - n + 1) @ values) / (2 * n * n * values.mean())) + 0.0


def lorenz(costs: Sequence[float]) -> list[float]:
    """Cumulative share of the cost, cheapest first; starts with 0 and ends with 1."""
    values = np.sort(np.asarray(costs, np.float64))
    return [0.0, *(float(share) for share in np.cumsum(values) / values.sum())]


@dataclass(frozen=True)
class Fairness:
    """Costs of languages by one tokenizer, in tokens per document of parallel text."""

    costs: dict[str, float]
    gini: float | None
    lorenz: list[float]
    max_over_min: float
    worst: str
    macro_premium: float
    premiums: dict[str, float]


def fairness(costs: dict[str, float], *, reference: str) -> Fairness:
    """Inequality of costs over languages, the reference included with the premium 1.

    Raises:
        InputError: no such reference, or a language of no cost.
    """
    if reference not in costs:
        raise InputError(f"fairness: the reference is not among the languages, got `{reference}`")
    nothing = [language for language, cost in costs.items() if not cost > 0]
    if nothing:
        raise InputError(f"fairness: {nothing[0]} has no tokens")
    premiums = {language: cost / costs[reference] for language, cost in costs.items()}
    worst = max(sorted(costs), key=lambda language: costs[language])
    values = list(costs.values())
    return Fairness(
        costs=dict(costs),
        gini=gini(values),
        lorenz=lorenz(values),
        max_over_min=max(values) / min(values),
        worst=worst,
        macro_premium=sum(premiums.values()) / len(premiums),
        premiums=premiums,
    )


def _paired(evidence: Evidence) -> tuple[Column, Column] | str:
    if evidence.reference is None:
        return "no reference text: name one on parallel text"
    own, other = evidence.column("tokens"), evidence.reference.column("tokens")
    if len(own) != len(other):
        return f"not aligned with the reference: {len(own)} documents, not {len(other)}"
    kept = (own > 0) & (other > 0)
    return (own[kept], other[kept]) if kept.any() else "no document has tokens in both languages"


def _premium(name: str, aggregation: str, formula: str, compute: Callable[[Column, Column], float]) -> None:
    def value(evidence: Evidence) -> Value:
        pair = _paired(evidence)
        return Value(None, pair) if isinstance(pair, str) else Value(compute(*pair))

    METRICS.register(name)(
        Metric(
            name=name,
            unit="times the reference",
            better="lower",
            summary="tokens of this language for those of the reference, on parallel text",
            formula=formula,
            caveat="cost, latency and context, not quality; a byte or character tokenizer is the floor to compare with",
            compute=value,
            columns=("tokens",),
            source="Petrov et al., NeurIPS 2023; Ahia et al., EMNLP 2023",
            aggregation=aggregation,
        )
    )


_premium(
    "premium",
    "ratio_of_sums",
    "sum_d len_l(d) / sum_d len_ref(d)",
    lambda own, other: float(own.sum() / other.sum()),
)
_premium(
    "premium.document_mean",
    "mean_of_ratios",
    "mean_d len_l(d) / len_ref(d)",
    lambda own, other: float(np.mean(own / other)),
)
_premium(
    "premium.document_geometric",
    "geometric_mean_of_ratios",
    "exp mean_d log(len_l(d) / len_ref(d))",
    lambda own, other: float(np.exp(np.mean(np.log(own / other)))),
)
