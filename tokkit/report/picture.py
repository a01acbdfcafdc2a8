"""One figure of an evaluation as PNG, PDF or SVG by matplotlib (extra `report`)."""

from pathlib import Path

from tokkit.errors import MissingExtraError, UsageError
from tokkit.evaluate.results import Results
from tokkit.report.figures import colour
from tokkit.report.text import escape


def write_picture(results: Results, path: Path, *, metric: str | None = None, form: str = "png") -> None:
    """Horizontal bars of a metric by text and tokenizer, with intervals where there are any; same bytes every time.

    Raises:
        MissingExtraError: matplotlib is not installed. UsageError: no such metric in the results.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib is needed for figures", hint="pip install 'tokkit[report]'") from error
    names = list(dict.fromkeys(row.name for row in results.rows))
    preferred = [metric] if metric else ["fertility.ws", "fertility.uax29", "bytes_per_token", *names]
    chosen = next((name for name in preferred if name in names), None)
    if chosen is None:
        raise UsageError(f"no such metric in the results, got `{metric}`")
    rows = [row for row in results.rows if row.name == chosen]
    tokenizers = list(dict.fromkeys(row.tokenizer for row in rows))
    texts = list(dict.fromkeys(row.text for row in rows))
    figure = Figure(figsize=(9, 1.2 + 0.22 * len(texts) * (len(tokenizers) + 0.6)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    height = 1 / (len(tokenizers) + 0.6)
    for place, tokenizer in enumerate(tokenizers):
        own = [row for row in rows if row.tokenizer == tokenizer and row.value is not None]
        at = [texts.index(row.text) + place * height for row in own]
        values = [row.value or 0.0 for row in own]
        spread = [
            [
                max(value - (row.low if row.low is not None else value), 0)
                for row, value in zip(own, values, strict=True)
            ],
            [
                max((row.high if row.high is not None else value) - value, 0)
                for row, value in zip(own, values, strict=True)
            ],
        ]
        has_spread = any(row.low is not None for row in own)
        axes.barh(at, values, height, color=colour(place), label=_plain(tokenizer), xerr=spread if has_spread else None)
    axes.set_yticks([place + height * (len(tokenizers) - 1) / 2 for place in range(len(texts))], map(_plain, texts))
    axes.invert_yaxis()
    axes.set_xlabel(f"{rows[0].metric}, {rows[0].unit}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.02 + 0.4 / figure.get_figheight()), ncols=4, frameon=False)
    figure.savefig(path, format=form, dpi=150, metadata={"Software": None} if form == "png" else None)


def _plain(text: str) -> str:
    """Text that matplotlib does not read as mathematics, which it finds between dollar signs."""
    return escape(text).replace("$", r"\$")
