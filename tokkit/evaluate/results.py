"""What an evaluation found: rows that become a table, JSON or a data frame."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from tokkit.errors import InputError
from tokkit.metrics.base import Metric, Value

if TYPE_CHECKING:
    import pandas as pd

    from tokkit.metrics.evidence import Evidence

SCHEMA: Final = "tokkit.evaluation"
VERSION: Final = 2


_WIDEST: Final = 200


@dataclass(frozen=True)
class Row:
    """One number: a tokenizer on a text by a metric (`fertility.ws@1`).

    `value` is None where it is undefined; `reason` says why. `low` and `high` are the ends of its 95 % interval.
    """

    tokenizer: str
    text: str
    metric: str
    value: float | None
    reason: str | None
    low: float | None
    high: float | None
    numerator: int | None
    denominator: int | None
    unit: str
    better: str
    aggregation: str
    decimals: int

    @classmethod
    def of(
        cls, tokenizer: str, text: str, metric: Metric, found: Value, bounds: tuple[float, float] | None = None
    ) -> "Row":
        """The row of a metric's value."""
        low, high = bounds or (None, None)
        return cls(
            tokenizer=tokenizer,
            text=text,
            metric=metric.id,
            value=found.value,
            reason=found.reason,
            low=low if found.value is not None else None,
            high=high if found.value is not None else None,
            numerator=found.numerator,
            denominator=found.denominator,
            unit=metric.unit,
            better=metric.better,
            aggregation=metric.aggregation,
            decimals=metric.decimals,
        )

    @property
    def name(self) -> str:
        """The metric without its version."""
        return self.metric.partition("@")[0]

    def shown(self) -> str:
        """The value as a table shows it."""
        if self.value is None:
            return "-"
        shown = f"{self.value:,.{self.decimals}f}"
        if self.low is None or self.high is None:
            return shown
        return f"{shown} [{self.low:,.{self.decimals}f}, {self.high:,.{self.decimals}f}]"


@dataclass(frozen=True)
class Results:
    """All rows, in the order of tokenizers, texts and metrics given; warnings; and what was measured with what.

    `details` has what is no number in a row: findings on vocabularies, Lorenz curves, words. `evidence` keeps the
    integers per document of this process; it is not written anywhere.
    """

    rows: tuple[Row, ...]
    warnings: tuple[str, ...] = ()
    manifest: Mapping[str, object] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
    evidence: "Mapping[tuple[str, str], Evidence]" = field(default_factory=dict, compare=False, repr=False)

    def row(self, tokenizer: str, text: str, metric: str) -> Row:
        """The row of a metric, given by name or by id.

        Raises:
            KeyError: no such row.
        """
        for row in self.rows:
            if (row.tokenizer, row.text) == (tokenizer, text) and metric in (row.metric, row.name):
                return row
        raise KeyError((tokenizer, text, metric))

    def value(self, tokenizer: str, text: str, metric: str) -> float | None:
        """The number of that name or id; None where it is undefined.

        Raises:
            KeyError: no such row.
        """
        return self.row(tokenizer, text, metric).value

    def to_json(self) -> str:
        """One JSON object with schema name and version; undefined numbers are null."""
        document = {
            "schema": SCHEMA,
            "version": VERSION,
            "manifest": self.manifest,
            "warnings": self.warnings,
            "details": self.details,
            "rows": [asdict(row) for row in self.rows],
        }
        return json.dumps(document, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str, where: str) -> "Results":
        """Reads what `to_json` wrote; `where` names the file in errors.

        Raises:
            InputError: not such a file, or of another version.
        """
        try:
            document = json.loads(text)
            found = (document["schema"], document["version"])
            rows = tuple(Row(**row) for row in document["rows"]) if found == (SCHEMA, VERSION) else ()
            facts = [dict(document.get(key) or {}) if rows else {} for key in ("manifest", "details")]
            results = cls(rows, tuple(document["warnings"]) if rows else (), *facts)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{where}: no results of `tokkit eval --json`: {error}") from error
        if found != (SCHEMA, VERSION):
            raise InputError(
                f"{where}: must be {SCHEMA} version {VERSION}, got {found[0]} version {found[1]}",
                hint="make it again with `tokkit eval --json`",
            )
        for row in rows:
            if not (row.value is None or isinstance(row.value, (int, float))) or not isinstance(row.metric, str):
                raise InputError(f"{where}: not a number, got {row.value!r}")
        return results

    def to_pandas(self) -> "pd.DataFrame":
        """A data frame with one line a row."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows], columns=list(Row.__dataclass_fields__))

    def cells(self) -> list[list[str]]:
        """A header and one line for each text and tokenizer, one column a metric."""
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
        return cells

    def table(self) -> str:
        """A plain-text table of `cells`, safe on a terminal; one line a metric where it would be far too wide."""
        from tokkit.report.text import escape

        cells = [[escape(cell) for cell in row] for row in self.cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        if sum(widths) <= _WIDEST or len(cells) > len(cells[0]):
            return aligned(cells, left=2)
        columns = [["metric", *cells[0][2:]], *([f"{row[1]} on {row[0]}", *row[2:]] for row in cells[1:])]
        return aligned([list(line) for line in zip(*columns, strict=True)], left=1)


def aligned(cells: list[list[str]], *, left: int) -> str:
    """Columns padded to their widest cell; the first `left` to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(row: Iterable[str]) -> str:
        padded = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])
