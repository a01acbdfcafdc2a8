"""One figure of an evaluation as PNG, PDF or SVG by matplotlib (extra `report`)."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tokkit.errors import MissingExtraError, UsageError
from tokkit.evaluate.lists import ALL, VOCABULARY
from tokkit.evaluate.results import Results, Row
from tokkit.report.svg import colour
from tokkit.report.text import escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMS: Final = ("png", "pdf", "svg")
_MANY_BARS: Final = 48
_PREFERRED: Final = ("premium", "fertility.ws", "fertility.uax29", "bytes_per_token")


def write_picture(results: Results, path: Path, *, metric: str | None = None, form: str = "png") -> None:
    """One metric by text and tokenizer; same bytes every time.

    Horizontal bars, with intervals where there are any; a map of coloured cells, greatest first, where bars would be
    too many to read. Without `metric` the first there is of premium, fertility and bytes per token.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: no such metric in the results, or no such form.
    """
    if form not in FORMS:
        raise UsageError(
            f"figure: must be one of {', '.join(FORMS)}, got `{form}`", hint="name the file so: figure.pdf"
        )
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = _chosen(results, metric)
    texts, tokenizers = (
        list(dict.fromkeys(row.text for row in rows)),
        list(dict.fromkeys(row.tokenizer for row in rows)),
    )
    is_map = len(texts) * len(tokenizers) > _MANY_BARS
    size = (3.5 + 0.62 * len(tokenizers), 1.6 + 0.19 * len(texts))
    if not is_map:
        size = (9, 1.2 + 0.22 * len(texts) * (len(tokenizers) + 0.6))
    # The salt makes the ids of an SVG the same every time.
    with matplotlib.rc_context({"svg.hashsalt": "tokkit"}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        (_map if is_map else _bars)(axes, rows, texts, tokenizers)
        if not is_map:
            place = (0.5, 1.02 + 0.4 / figure.get_figheight())
            axes.legend(loc="upper center", bbox_to_anchor=place, ncols=4, frameon=False)
        # Neither the time nor the version of the library goes into the file.
        metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None, "Producer": None}, "svg": {"Date": None}}
        figure.savefig(path, format=form, dpi=150 if not is_map else 72, metadata=metadata[form])


def check_form(form: str) -> None:
    """Raises UsageError for a form that figures are not written in, MissingExtraError without matplotlib."""
    from importlib.util import find_spec

    if form not in FORMS:
        raise UsageError(
            f"figure: must be one of {', '.join(FORMS)}, got `{form}`", hint="the end of its name says: figure.pdf"
        )
    if find_spec("matplotlib") is None:
        raise MissingExtraError("matplotlib is needed for figures", hint="pip install 'tokkit[report]'")


def _chosen(results: Results, metric: str | None) -> list[Row]:
    rows = [row for row in results.rows if row.text not in (ALL, VOCABULARY)] or list(results.rows)
    names = list(dict.fromkeys(row.name for row in rows))
    wanted = next((name for name in ([metric] if metric else [*_PREFERRED, *names]) if name in names), None)
    if wanted is None:
        raise UsageError(f"no such metric in the results, got `{metric}`")
    return [row for row in rows if row.name == wanted]


def _bars(axes: "Axes", rows: Sequence[Row], texts: Sequence[str], tokenizers: Sequence[str]) -> None:
    height = 1 / (len(tokenizers) + 0.6)
    for place, tokenizer in enumerate(tokenizers):
        own = [(row, row.value) for row in rows if row.tokenizer == tokenizer and row.value is not None]
        at = [texts.index(row.text) + place * height for row, _ in own]
        spread = [
            [max(value - (row.low if row.low is not None else value), 0) for row, value in own],
            [max((row.high if row.high is not None else value) - value, 0) for row, value in own],
        ]
        has_spread = any(row.low is not None for row, _ in own)
        values = [value for _, value in own]
        axes.barh(at, values, height, color=colour(place), label=_plain(tokenizer), xerr=spread if has_spread else None)
    axes.set_yticks([place + height * (len(tokenizers) - 1) / 2 for place in range(len(texts))], [*map(_plain, texts)])
    axes.invert_yaxis()
    axes.set_xlabel(f"{rows[0].metric}, {rows[0].unit}")


def _map(axes: "Axes", rows: Sequence[Row], texts: Sequence[str], tokenizers: Sequence[str]) -> None:
    """Cells in colours, logarithmic around 1 for premiums, with the numbers in them."""
    import numpy as np

    values = np.full((len(texts), len(tokenizers)), math.nan)
    for row in rows:
        if row.value is not None:
            values[texts.index(row.text), tokenizers.index(row.tokenizer)] = row.value
    order = np.argsort(-np.nan_to_num(values).sum(axis=1), kind="stable")
    values = values[order]
    is_premium = rows[0].name == "premium"
    with np.errstate(divide="ignore"):
        shown = np.log(values) if is_premium else values
    finite = np.abs(shown[np.isfinite(shown)])
    extreme = float(np.quantile(finite, 0.97)) or 1.0 if len(finite) else 1.0
    lowest = -extreme if is_premium else 0.0
    axes.imshow(shown, cmap="coolwarm" if is_premium else "YlGnBu", vmin=lowest, vmax=extreme, aspect="auto", alpha=0.8)
    for y, x in np.argwhere(np.isfinite(values)).tolist():
        axes.text(x, y, f"{values[y, x]:.3g}", ha="center", va="center", fontsize=7)
    axes.set_xticks(range(len(tokenizers)), [*map(_plain, tokenizers)], rotation=40, ha="left", fontsize=8)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(texts)), [_plain(texts[place]) for place in order], fontsize=7)
    axes.tick_params(length=0)
    axes.set_xlabel(f"{rows[0].metric}, {rows[0].unit}")


def _plain(text: str) -> str:
    """Text that matplotlib does not read as mathematics, which it finds between dollar signs."""
    return escape(text).replace("$", r"\$")
