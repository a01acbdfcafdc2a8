"""What a language pays: token premiums on parallel text, and how unequal they are.

Only parallel text can be compared across languages: premiums from unrelated texts or from characters per token say
little (a tokenizer at 1.3 looks like 3.8).
"""

import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tokkit.errors import InputError
from tokkit.metrics import columns  # noqa: F401 - registers the columns that are read here
from tokkit.metrics.base import METRICS, Better, Metric, Value
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


@dataclass(frozen=True)
class Price:
    """What a million tokens of a tokenizer's model cost, by the user's own table."""

    per_million: float
    currency: str


def load_prices(path: Path) -> dict[str, Price]:
    """Reads a TOML table of prices: `currency = "USD"` and `[per_million_tokens]` with a price for each tokenizer.

    Raises:
        InputError: no such file, no TOML, or a price that is no number of at least 0.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no TOML: {error}") from error
    prices, hint = table.get("per_million_tokens"), 'currency = "USD" and [per_million_tokens] with NAME = PRICE'
    if not isinstance(prices, dict) or not prices or set(table) - {"currency", "per_million_tokens"}:
        raise InputError(f"{path}: must have currency and [per_million_tokens], got {sorted(table)}", hint=hint)
    for name, price in prices.items():
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
            raise InputError(f"{path}: {name}: a price must be a number of at least 0, got {price!r}", hint=hint)
    currency = str(table.get("currency", "currency of the table"))
    return {name: Price(float(price), currency) for name, price in prices.items()}


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


def _floor(column: str) -> Callable[[Evidence], Value]:
    def value(evidence: Evidence) -> Value:
        if isinstance(pair := _paired(evidence), str):
            return Value(None, pair)
        assert evidence.reference is not None
        own, other = (one.n_bytes if column == "bytes" else one.n_characters for one in (evidence, evidence.reference))
        return Value(own / other, None, own, other) if other else Value(None, "the reference is empty")

    value.__module__ = __name__
    return value


def _shrinkage(evidence: Evidence) -> Value:
    pair = _paired(evidence)
    return Value(None, pair) if isinstance(pair, str) else Value(float(pair[1].sum() / pair[0].sum()))


def _cost(evidence: Evidence, *, reference: bool) -> Value:
    price = evidence.price
    if price is None:
        return Value(None, "no price is given for this tokenizer: --prices TABLE")
    if not reference:
        return Value(evidence.total("tokens") * price.per_million / 1e6)
    pair = _paired(evidence)
    return (
        Value(None, pair) if isinstance(pair, str) else Value(float(pair[0].sum() / pair[1].sum()) * price.per_million)
    )


_SENSE: Final[dict[str, Better]] = {
    "premium.bytes": "neither",
    "premium.characters": "neither",
    "context_shrinkage": "higher",
}
for _name, _unit, _summary, _formula, _caveat, _columns, _compute in (
    (
        "premium.bytes",
        "times the reference",
        "what a tokenizer of bytes would pay: the floor without a vocabulary",
        "B_l / B_ref",
        "a property of the text, the same for every tokenizer",
        ("tokens",),
        _floor("bytes"),
    ),
    (
        "premium.characters",
        "times the reference",
        "what a tokenizer of code points would pay",
        "C_l / C_ref",
        "a property of the text, the same for every tokenizer",
        ("tokens",),
        _floor("chars"),
    ),
    (
        "context_shrinkage",
        "share of the reference",
        "how much of what fits into a context in the reference language fits in this one",
        "1 / premium",
        "the premium, said of the context instead of the bill",
        ("tokens",),
        _shrinkage,
    ),
    (
        "cost.text",
        "currency of the price table",
        "what the tokens of this text cost by the user's own prices",
        "N x price of a million tokens / 10^6",
        "prices change: tokkit ships none",
        ("tokens",),
        lambda evidence: _cost(evidence, reference=False),
    ),
    (
        "cost.reference_million",
        "currency of the price table",
        "what it costs to say here what takes a million tokens in the reference language",
        "premium x price of a million tokens",
        "prices change: tokkit ships none",
        ("tokens",),
        lambda evidence: _cost(evidence, reference=True),
    ),
):
    METRICS.register(_name)(
        Metric(
            name=_name,
            unit=_unit,
            better=_SENSE.get(_name, "lower"),
            summary=_summary,
            formula=_formula,
            caveat=_caveat,
            compute=_compute,
            columns=_columns,
            source="Petrov et al., NeurIPS 2023; Ahia et al., EMNLP 2023",
            aggregation="sum" if _name == "cost.text" else "ratio_of_sums",
            decimals=6 if _name == "cost.text" else 3,
        )
    )
