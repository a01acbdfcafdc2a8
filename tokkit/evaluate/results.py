"""What an evaluation found: rows that become a table, JSON or a data frame."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tokkit.metrics.base import METRICS, Metric

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Row:
    """One number: a tokenizer on a text by a metric. `value` is None where it is undefined; `reason` says why."""

    tokenizer: str
    text: str
    metric: str
    value: float | None
    reason: str | None
    numerator: int | None
    denominator: int | None
    unit: str
    better: str
    aggregation: str

    @classmethod
    def of(cls, tokenizer: str, text: str, metric: Metric) -> "Row":
        """The row of an accumulator that has seen the whole text."""
        found = metric.value()
        return cls(
            tokenizer=tokenizer,
            text=text,
            metric=metric.name,
            value=found.value,
            reason=found.reason,
            numerator=found.numerator,
            denominator=found.denominator,
            unit=metric.unit,
            better=metric.better,
            aggregation=metric.aggregation,
        )

    def shown(self) -> str:
        """The value as a table shows it."""
        if self.value is None:
            return "-"
        return f"{self.value:,.{METRICS.get(self.metric).decimals}f}"


@dataclass(frozen=True)
class Results:
    """All rows, in the order of tokenizers, texts and metrics given."""

    rows: tuple[Row, ...]

    def value(self, tokenizer: str, text: str, metric: str) -> float | None:
        """The number of that name; None where it is undefined.

        Raises:
            KeyError: no such row.
        """
        for row in self.rows:
            if (row.tokenizer, row.text, row.metric) == (tokenizer, text, metric):
                return row.value
        raise KeyError((tokenizer, text, metric))

    def to_json(self) -> str:
        """One JSON object with schema name and version; undefined numbers are null."""
        document = {"schema": "tokkit.evaluation", "version": 1, "rows": [asdict(row) for row in self.rows]}
        return json.dumps(document, ensure_ascii=False, allow_nan=False)

    def to_pandas(self) -> "pd.DataFrame":
        """A data frame with one line a row."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows], columns=list(Row.__dataclass_fields__))

    def table(self) -> str:
        """A plain-text table: one line for each text and tokenizer, one column a metric."""
        metrics = list(dict.fromkeys(row.metric for row in self.rows))
        lines: dict[tuple[str, str], dict[str, str]] = {}
        for row in self.rows:
            lines.setdefault((row.text, row.tokenizer), {})[row.metric] = row.shown()
        texts = dict.fromkeys(row.text for row in self.rows)
        tokenizers = list(dict.fromkeys(row.tokenizer for row in self.rows))
        cells = [["text", "tokenizer", *metrics]]
        for text in texts:
            for tokenizer in tokenizers:
                shown = lines.get((text, tokenizer), {})
                cells.append([text, tokenizer, *(shown.get(metric, "") for metric in metrics)])
        return _aligned(cells)


def _aligned(cells: list[list[str]]) -> str:
    """Columns padded to their widest cell; the first two to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(row: Iterable[str]) -> str:
        padded = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])
