"""Tokenizers on the same documents: ratios with intervals, paired tests, a verdict that minds the effect."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.evaluate.across import LEAST_TEXTS, across
from tokkit.evaluate.lists import ALL
from tokkit.evaluate.results import aligned
from tokkit.evaluate.runner import evaluate
from tokkit.evaluate.statistics import (
    DRAWS,
    Column,
    draw_sums,
    holm,
    jackknife_error,
    paired_t,
    sign_test,
    wilcoxon,
)
from tokkit.metrics.base import Subject, find
from tokkit.metrics.evidence import Evidence
from tokkit.progress import Progress, silent


@dataclass(frozen=True)
class Pair:
    """`a` against `b` on one text by one metric. `ratio` is a's value over b's, with its 95 % bootstrap interval.

    p-values are two-sided; `p_adjusted` is Holm's over all pairs, texts and metrics of the comparison. A difference of
    less than the least effect that matters is `practically equal` however small its p.
    """

    a: str
    b: str
    text: str
    metric: str
    better: str
    value_a: float
    value_b: float
    ratio: float
    low: float
    high: float
    jackknife_error: float | None
    t: float | None
    p: float | None
    p_adjusted: float | None
    wilcoxon_p: float | None
    sign_p: float
    documents: int
    verdict: str


@dataclass(frozen=True)
class Rank:
    """The place of a tokenizer by a metric on a text, 1 the best, and the 95 % bootstrap interval of that place."""

    tokenizer: str
    text: str
    metric: str
    rank: int
    low: int
    high: int


def _place(rank: Rank) -> int:
    return rank.rank


@dataclass(frozen=True)
class Comparison:
    """All pairs and ranks."""

    pairs: tuple[Pair, ...]
    ranks: tuple[Rank, ...]
    min_effect: float
    manifest: Mapping[str, object]

    def to_json(self) -> str:
        """One JSON object with schema name and version."""
        document = {
            "schema": "tokkit.comparison",
            "version": 1,
            "min_effect": self.min_effect,
            "manifest": self.manifest,
            "pairs": [asdict(pair) for pair in self.pairs],
            "ranks": [asdict(rank) for rank in self.ranks],
        }
        return json.dumps(document, ensure_ascii=False, allow_nan=False)

    def cells(self) -> list[list[str]]:
        """A header and a line for each pair."""
        rows = [["text", "metric", "a", "b", "a's value", "b's value", "a / b [95 %]", "p (Holm)", "verdict"]]
        for pair in self.pairs:
            interval = f"{pair.ratio:.4f} [{pair.low:.4f}, {pair.high:.4f}]"
            shown = "-" if pair.p_adjusted is None else f"{pair.p_adjusted:.2g}"
            values = (f"{pair.value_a:,.4g}", f"{pair.value_b:,.4g}")
            rows.append([pair.text, pair.metric, pair.a, pair.b, *values, interval, shown, pair.verdict])
        return rows

    def table(self) -> str:
        """A plain-text table, safe on a terminal."""
        from tokkit.report.text import escape

        table = aligned([[escape(cell) for cell in row] for row in self.cells()], left=4)
        return "\n".join([table, *self._places()])

    def _places(self) -> list[str]:
        """A line for each text and metric with the places of three tokenizers or more, the best first."""
        from tokkit.report.text import escape

        by: dict[tuple[str, str], list[Rank]] = {}
        for rank in self.ranks:
            by.setdefault((rank.text, rank.metric), []).append(rank)
        lines = []
        for (text, metric), ranks in by.items():
            if len(ranks) > 2:
                found = (f"{escape(r.tokenizer)} {r.rank} [{r.low}, {r.high}]" for r in sorted(ranks, key=_place))
                lines.append(f"places on {escape(text)} by {metric} [95 %]: {', '.join(found)}")
        return ["", *lines] if lines else []


def compare(
    tokenizers: Mapping[str, Subject],
    texts: Mapping[str, Sequence[str]],
    metrics: Sequence[str] = ("fertility.ws",),
    *,
    min_effect: float = 0.01,
    draws: int = DRAWS,
    seed: int = 0,
    threads: int = 0,
    progress: Progress = silent,
) -> Comparison:
    """Compares every two tokenizers on every text by metrics that are ratios of sums.

    The unit is the document; both tokenizers are drawn with the same documents. With 31 documents a difference of 0.7 %
    can be `significant` because pairing removes nearly all variance: `min_effect` says what matters. Of three texts or
    more each pair is also compared over all texts, by the geometric mean of its ratios, with texts drawn as well as
    documents. The ratio of `tokens_per_document` is the normalised sequence length (NSL) of Dagan et al., 2024.

    Raises:
        UsageError: fewer than two tokenizers, fewer than two documents, or a metric that is no ratio of sums.
    """
    if len(tokenizers) < 2:
        raise UsageError(f"compare: needs two tokenizers or more, got {len(tokenizers)}")
    definitions = [find(name) for name in metrics]
    for metric in definitions:
        if metric.ratio is None:
            raise UsageError(
                f"compare: `{metric.id}` is no ratio of sums over documents",
                hint="choose fertility.ws, bytes_per_token",
            )
    results = evaluate(tokenizers, texts, metrics, threads=threads, progress=progress)
    pairs: list[Pair] = []
    ranks: list[Rank] = []
    quotients: dict[tuple[str, str, str], list[tuple[Pair, NDArray[np.float64]]]] = {}
    for text in texts:
        for metric in definitions:
            assert metric.ratio is not None
            columns: dict[str, tuple[Column, Column]] = {}
            for name in tokenizers:
                seen: Evidence = results.evidence[name, text]
                if results.value(name, text, metric.id):
                    columns[name] = (seen.column(metric.ratio[0]), seen.column(metric.ratio[1]))
            if len(columns) < 2:
                continue
            if len(next(iter(columns.values()))[0]) < 2:
                raise UsageError(f"compare: {text} is one document", hint="documents are the unit: give a line each")
            stacked = np.stack([column for pair in columns.values() for column in pair], axis=1).astype(np.float64)
            sums = draw_sums(stacked, draws, seed)
            with np.errstate(divide="ignore", invalid="ignore"):
                drawn = {name: sums[:, 2 * i] / sums[:, 2 * i + 1] for i, name in enumerate(columns)}
            for a, b in combinations(columns, 2):
                pair = _pair(a, b, text, metric.id, metric.better, columns, drawn)
                pairs.append(pair)
                quotients.setdefault((a, b, metric.id), []).append((pair, drawn[a] / drawn[b]))
            ranks += _ranks(text, metric.id, metric.better, columns, drawn)
    pairs += [_across(of_texts, seed) for of_texts in quotients.values() if len(of_texts) >= LEAST_TEXTS]
    adjusted = iter(holm([pair.p for pair in pairs if pair.p is not None]))
    final = tuple(pair if pair.p is None else _judged(pair, next(adjusted), min_effect) for pair in pairs)
    return Comparison(final, tuple(ranks), min_effect, results.manifest)


def _pair(
    a: str,
    b: str,
    text: str,
    metric: str,
    better: str,
    columns: Mapping[str, tuple[Column, Column]],
    drawn: Mapping[str, NDArray[np.float64]],
) -> Pair:
    (above_a, below_a), (above_b, below_b) = columns[a], columns[b]
    value_a, value_b = above_a.sum() / below_a.sum(), above_b.sum() / below_b.sum()
    quotients = drawn[a] / drawn[b]
    low, high = np.percentile(quotients[np.isfinite(quotients)], [2.5, 97.5])
    # Per document a / b is above_a below_b / (above_b below_a): integers, and just above_a / above_b where the text
    # alone makes the denominator.
    same_below = np.array_equal(below_a, below_b)
    same_above = np.array_equal(above_a, above_b)
    if same_below:
        left, right = above_a, above_b
    elif same_above:
        left, right = below_b, below_a
    else:
        left, right = above_a * below_b, above_b * below_a
    t = paired_t(left, right)
    ranks = wilcoxon(left, right)
    return Pair(
        a=a,
        b=b,
        text=text,
        metric=metric,
        better=better,
        value_a=float(value_a),
        value_b=float(value_b),
        ratio=float(value_a / value_b),
        low=float(low),
        high=float(high),
        jackknife_error=jackknife_error(left, right) if same_below or same_above else None,
        t=None if t is None else t.statistic,
        p=None if t is None else t.p,
        p_adjusted=None,
        wilcoxon_p=None if ranks is None else ranks.p,
        sign_p=sign_test(left, right).p,
        documents=len(above_a),
        verdict="the same" if np.array_equal(left, right) else "undecided",
    )


def _across(of_texts: list[tuple[Pair, NDArray[np.float64]]], seed: int) -> Pair:
    """The pair over all texts: values are geometric means, so that their ratio is that of the ratios."""
    first = of_texts[0][0]
    found = across([pair.ratio for pair, _ in of_texts], [drawn for _, drawn in of_texts], seed=seed)

    def mean(values: list[float]) -> float:
        return float(np.exp(np.mean(np.log(values))))

    return Pair(
        a=first.a,
        b=first.b,
        text=ALL,
        metric=first.metric,
        better=first.better,
        value_a=mean([pair.value_a for pair, _ in of_texts]),
        value_b=mean([pair.value_b for pair, _ in of_texts]),
        ratio=found.ratio,
        low=found.low,
        high=found.high,
        jackknife_error=None,
        t=found.t,
        p=found.p,
        p_adjusted=None,
        wilcoxon_p=None,
        sign_p=found.sign_p,
        documents=sum(pair.documents for pair, _ in of_texts),
        verdict="the same" if all(pair.verdict == "the same" for pair, _ in of_texts) else "undecided",
    )


def _judged(pair: Pair, p_adjusted: float, min_effect: float) -> Pair:
    low, high = 1 / (1 + min_effect), 1 + min_effect
    if low <= pair.low and pair.high <= high:
        verdict = "practically equal"
    elif p_adjusted < 0.05 and not pair.low <= 1 <= pair.high:
        smaller = pair.ratio < 1
        if pair.better == "neither":
            verdict = f"{pair.a if smaller else pair.b} is lower"
        else:
            verdict = f"{pair.a if smaller == (pair.better == 'lower') else pair.b} is better"
        if low < pair.ratio < high:
            verdict += ", hardly"
    else:
        verdict = "undecided"
    return Pair(**{**asdict(pair), "p_adjusted": p_adjusted, "verdict": verdict})


def _ranks(
    text: str,
    metric: str,
    better: str,
    columns: Mapping[str, tuple[Column, Column]],
    drawn: Mapping[str, NDArray[np.float64]],
) -> list[Rank]:
    sign = -1.0 if better == "higher" else 1.0
    names = list(columns)
    values = np.array([sign * above.sum() / below.sum() for above, below in columns.values()])
    table = np.stack([sign * drawn[name] for name in names], axis=1)
    places = 1 + (table[:, None, :] < table[:, :, None]).sum(axis=2)
    bounds = np.percentile(places, [2.5, 97.5], axis=0, method="closest_observation")
    return [
        Rank(name, text, metric, int(1 + (values < values[i]).sum()), int(bounds[0, i]), int(bounds[1, i]))
        for i, name in enumerate(names)
    ]
