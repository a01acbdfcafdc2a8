"""What figures written by hand as SVG share: colours, ticks, escaped text. The same bytes every time, no library."""

import math
from html import escape as html_escape
from typing import Final

from tokkit.report.text import escape

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart; without their yellow and black.
_COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#7f7f7f", "#8c564b")
_DASHES: Final = ("", "7 3", "2 3", "10 3 2 3")
WIDTH: Final = 860
LABEL: Final = 150


def colour(place: int) -> str:
    """The colour of a series."""
    return _COLOURS[place % len(_COLOURS)]


def dash(place: int) -> str:
    """The dashes of a line, which tell series of one colour apart."""
    return _DASHES[place // len(_COLOURS) % len(_DASHES)]


def opening(width: float, height: float, label: str) -> str:
    """The start tag of a figure; `label` is what a screen reader says."""
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="{safe(label)}" xmlns="http://www.w3.org/2000/svg">'
    )


def words(x: float, y: float, text: str, *, anchor: str = "start", more: str = "") -> str:
    """A line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{safe(text)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    """A thin line behind the data."""
    return f'<line class="rule" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ccc"/>'


def ticks(top: float) -> list[float]:
    """Round numbers from 0 to `top`, nine at most."""
    power = math.floor(math.log10(top))
    base = float(10**power)
    step = next(base * factor for factor in (0.1, 0.2, 0.5, 1, 2) if top / (base * factor) <= 8)
    return [round(step * place, 12) for place in range(int(top / step) + 1)]


def short(text: str, most: int = 20) -> str:
    """The beginning of a long name."""
    return text if len(text) <= most else text[: most - 1] + "…"


def safe(text: str) -> str:
    """Text for an element or an attribute: markup escaped, what cannot be seen spelled."""
    return html_escape(escape(text), quote=True)
