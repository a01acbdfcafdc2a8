"""Figures as SVG written by hand: the same bytes every time, no library, no URL."""

import math
from collections.abc import Mapping, Sequence
from html import escape as html_escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.evaluate.results import Row
from tokkit.report.text import escape

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart; without their yellow and black.
_COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#7f7f7f", "#8c564b")
_WIDTH: Final = 860
_LABEL: Final = 150


def colour(place: int) -> str:
    """The colour of a series."""
    return _COLOURS[place % len(_COLOURS)]


def bars(rows: Sequence[Row]) -> str:
    """Horizontal bars from zero, grouped by text, one bar for each tokenizer, whiskers where there are intervals."""
    names = list(dict.fromkeys(row.tokenizer for row in rows))
    texts = list(dict.fromkeys(row.text for row in rows))
    shown = [row for row in rows if row.value is not None]
    top = max([*(row.high or row.value or 0.0 for row in shown), 1e-12])
    bar, gap = 14, 10
    group = bar * len(names) + gap
    height = group * len(texts) + 34
    scale = (_WIDTH - _LABEL - 60) / top
    out = [_open(height, f"{rows[0].metric}: bars by text and tokenizer")]
    for tick in _ticks(top):
        x = _LABEL + tick * scale
        out.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{height - 24}" stroke="#ccc"/>')
        out.append(f'<text class="soft" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{tick:g}</text>')
    for row in shown:
        assert row.value is not None
        y = 6 + texts.index(row.text) * group + names.index(row.tokenizer) * bar
        title = _text(f"{row.tokenizer} on {row.text}: {row.shown()}")
        out.append(
            f'<rect x="{_LABEL}" y="{y}" width="{max(row.value, 0) * scale:.1f}" height="{bar - 2}" '
            f'fill="{colour(names.index(row.tokenizer))}"><title>{title}</title></rect>'
        )
        end = _LABEL + (row.high or row.value) * scale
        out.append(
            f'<text x="{end + 5:.1f}" y="{y + bar - 4}" font-size="10">{_text(f"{row.value:.{row.decimals}f}")}</text>'
        )
        if row.low is not None and row.high is not None:
            middle = y + bar / 2 - 1
            low, high = _LABEL + row.low * scale, _LABEL + row.high * scale
            out.append(
                f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8" '
                'stroke="currentColor" fill="none"/>'
            )
    for place, text in enumerate(texts):
        centre = 6 + place * group + group / 2
        out.append(f'<text x="{_LABEL - 8}" y="{centre:.0f}" text-anchor="end">{_text(_short(text))}</text>')
    return "".join([*out, "</svg>"])


def heat_map(rows: Sequence[Row]) -> str:
    """Texts by tokenizers, dearest first; white is 1, red above, blue below, logarithmic, the number in the cell."""
    names = list(dict.fromkeys(row.tokenizer for row in rows))
    totals: dict[str, float] = {}
    for row in rows:
        totals[row.text] = totals.get(row.text, 0.0) + (row.value or 0.0)
    texts = sorted(totals, key=lambda text: -totals[text])
    wide, high, head = max(70, min(130, (_WIDTH - _LABEL) // max(len(names), 1))), 20, 26
    out = [_open(head + high * len(texts) + 6, "premium by text and tokenizer")]
    for place, name in enumerate(names):
        x = _LABEL + place * wide + wide / 2
        out.append(f'<text x="{x:.0f}" y="16" text-anchor="middle">{_text(_short(name, wide // 8))}</text>')
    for place, text in enumerate(texts):
        y = head + place * high + 14
        out.append(f'<text x="{_LABEL - 8}" y="{y}" text-anchor="end">{_text(_short(text))}</text>')
    extreme = max([*(abs(math.log(row.value)) for row in rows if row.value), math.log(2)])
    for row in rows:
        x, y = _LABEL + names.index(row.tokenizer) * wide, head + texts.index(row.text) * high
        if not row.value:
            continue
        depth = math.log(row.value) / extreme
        red, blue = (255, int(255 * (1 - depth))) if depth >= 0 else (int(255 * (1 + depth)), 255)
        green = int(255 * (1 - 0.75 * abs(depth)))
        title = _text(f"{row.tokenizer} on {row.text}: {row.value:.3f}")
        out.append(
            f'<rect x="{x}" y="{y}" width="{wide - 1}" height="{high - 1}" fill="rgb({red},{green},{blue})">'
            f'<title>{title}</title></rect><text x="{x + wide / 2:.0f}" y="{y + 14}" text-anchor="middle" '
            f'style="fill:#111">{row.value:.2f}</text>'
        )
    return "".join([*out, "</svg>"])


def rank_frequency(curves: Mapping[str, NDArray[np.int64]]) -> str:
    """Counts of ids over their rank, both logarithmic, one line for each series; at most eight are drawn."""
    chosen = list(curves.items())[: len(_COLOURS)]
    height, left, right = 320, 60, 240
    longest = max([10, *(len(counts) for _, counts in chosen)])
    greatest = max([10, *(int(counts.max(initial=1)) for _, counts in chosen)])
    across = (_WIDTH - left - right) / math.log10(longest)
    down = (height - 40) / math.log10(greatest)
    out = [_open(height, "rank and frequency of ids, logarithmic")]
    for power in range(int(math.log10(longest)) + 1):
        x = left + power * across
        out.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="6" y2="{height - 30}" stroke="#ccc"/>')
        out.append(f'<text class="soft" x="{x:.1f}" y="{height - 14}" text-anchor="middle">{10**power:,}</text>')
    for power in range(int(math.log10(greatest)) + 1):
        y = height - 30 - power * down
        out.append(f'<line class="rule" x1="{left}" x2="{_WIDTH - right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>')
        out.append(f'<text class="soft" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10**power:,}</text>')
    for place, (name, counts) in enumerate(chosen):
        ordered = np.sort(counts)[::-1]
        ranks = np.unique(np.geomspace(1, max(len(ordered), 1), 120).astype(np.int64))
        heights = height - 30 - np.log10(np.maximum(ordered[ranks - 1], 1)) * down
        points = " ".join(
            f"{left + math.log10(rank) * across:.1f},{y:.1f}"
            for rank, y in zip(ranks.tolist(), heights.tolist(), strict=True)
        )
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour(place)}" stroke-width="1.8"/>')
        y = 18 + place * 18
        out.append(f'<rect x="{_WIDTH - right + 14}" y="{y - 9}" width="10" height="10" fill="{colour(place)}"/>')
        out.append(f'<text x="{_WIDTH - right + 30}" y="{y}">{_text(_short(name, 28))}</text>')
    return "".join([*out, "</svg>"])


def _open(height: float, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}" role="img" '
        f'aria-label="{_text(label)}" xmlns="http://www.w3.org/2000/svg">'
    )


def _ticks(top: float) -> list[float]:
    power = math.floor(math.log10(top))
    base = float(10**power)
    step = next(base * factor for factor in (0.1, 0.2, 0.5, 1, 2) if top / (base * factor) <= 8)
    return [round(step * place, 12) for place in range(int(top / step) + 1)]


def _short(text: str, most: int = 20) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _text(text: str) -> str:
    return html_escape(escape(text), quote=True)
