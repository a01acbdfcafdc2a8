"""Gates: limits that numbers must keep, given as expressions or as an earlier result; a broken one ends with exit 1."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tokkit.errors import UsageError
from tokkit.evaluate.comparable import check_comparable
from tokkit.evaluate.results import Results, Row
from tokkit.metrics.base import find

_GATE: Final = re.compile(r"\s*([\w.-]+(?:@\d+)?)\s*(?:\[([^\]]*)\])?\s*(<=|>=|<|>)\s*([-+0-9.eE]+)\s*")


@dataclass(frozen=True)
class Gate:
    """A limit on a metric, on one text or on all."""

    metric: str
    text: str | None
    operator: str
    limit: float

    def __str__(self) -> str:
        return f"{self.metric}{'' if self.text is None else f'[{self.text}]'}{self.operator}{self.limit:g}"

    def holds(self, value: float) -> bool:
        """Whether a value keeps the limit."""
        kept = {
            "<=": value <= self.limit,
            ">=": value >= self.limit,
            "<": value < self.limit,
            ">": value > self.limit,
        }
        return kept[self.operator]


def parse_gate(text: str) -> Gate:
    """`fertility.uax29[tur]<=2.1`; without brackets the limit is for every text.

    Raises:
        UsageError: no gate, or an unknown metric.
    """
    match = _GATE.fullmatch(text)
    if match is None:
        raise UsageError(f"gate: must be METRIC[TEXT]<=NUMBER, got `{text}`", hint="for example fertility.ws[tr]<=2.1")
    try:
        limit = float(match[4])
    except ValueError:
        raise UsageError(f"gate: `{match[4]}` is no number, in `{text}`") from None
    return Gate(find(match[1]).name, match[2], match[3], limit)


def broken_gates(results: Results, gates: Sequence[Gate]) -> list[str]:
    """What every gate that does not hold says; a number that is undefined, or not there, does not hold.

    Raises:
        UsageError: a gate on a metric or text that was not measured.
    """
    broken = []
    for gate in gates:
        rows = [row for row in results.rows if row.name == gate.metric and gate.text in (None, row.text)]
        if not rows:
            raise UsageError(f"gate `{gate}`: nothing of that was measured", hint="add --metric and --on for it")
        for row in rows:
            if row.value is None:
                broken.append(f"{gate}: {row.tokenizer} on {row.text} has no value ({row.reason})")
            elif not gate.holds(row.value):
                broken.append(f"{gate}: {row.tokenizer} on {row.text} has {row.value:.6g}")
    return broken


def parse_share(text: str) -> float:
    """`1%` or `0.01`.

    Raises:
        UsageError: no share, or a negative one.
    """
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 10:
        raise UsageError(f"must be a share such as 1% or 0.01, got `{text}`")
    return share


def regressions(results: Results, baseline: Results, *, max_regress: float) -> list[str]:
    """The numbers that are worse than the baseline's by more than a share of them.

    A tokenizer is compared with the one of its name, or with the only one. Metrics that are better neither high nor low
    are passed over; a number that became undefined counts as worse.

    Raises:
        UsageError: the two are of different texts or of different versions of a metric, or have nothing in common.
    """
    check_comparable(results, baseline, where="--baseline")
    names = list(dict.fromkeys(row.tokenizer for row in baseline.rows))
    known = {(row.tokenizer, row.text, row.metric): row for row in baseline.rows}
    worse, compared = [], 0
    for row in results.rows:
        old = known.get((row.tokenizer if row.tokenizer in names else names[0], row.text, row.metric))
        if (
            old is None
            or old.value is None
            or row.better == "neither"
            or (row.tokenizer not in names and len(names) > 1)
        ):
            continue
        compared += 1
        loss = _loss(row, old)
        if loss is None or loss > max_regress:
            now = "undefined" if row.value is None else f"{row.value:.6g}"
            share = "" if loss is None else f", {loss:.2%} worse"
            worse.append(f"{row.metric}: {row.tokenizer} on {row.text} has {now}, the baseline {old.value:.6g}{share}")
    if not compared:
        raise UsageError(
            "baseline: has no number in common with these", hint="measure the same metrics on the same texts"
        )
    return worse


def _loss(row: Row, old: Row) -> float | None:
    if row.value is None or old.value is None:
        return None
    change = row.value - old.value if row.better == "lower" else old.value - row.value
    if change <= 0:
        return 0.0
    return change / abs(old.value) if old.value else float("inf")
