"""The figures of the page: bars with intervals, the map of premiums, rank and frequency, makeup of vocabularies."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.evaluate.results import Row
from tokkit.report.svg import LABEL, WIDTH, colour, dash, opening, rule, safe, short, ticks, words

_MANY_BARS: Final = 48
_SCRIPTS: Final = 9
HATCHED: Final = ' class="hatched"'


def bars(rows: Sequence[Row]) -> str:
    """A metric as bars from zero with whiskers where there are intervals: groups by text, or a grid if they are many.

    A bar that would make all others too short to compare ends in an arrow; its number is beside it.
    """
    names, texts = _names(rows), list(dict.fromkeys(row.text for row in rows))
    return _grid(rows, names, texts) if len(names) * len(texts) > _MANY_BARS else _groups(rows, names, texts)


def _groups(rows: Sequence[Row], names: Sequence[str], texts: Sequence[str]) -> str:
    bar, gap = 14, 10
    group = bar * len(names) + gap
    height = group * len(texts) + 34
    top = _top(rows)
    room = WIDTH - LABEL - 60
    out = [opening(WIDTH, height, f"{rows[0].metric}: bars by text and tokenizer")]
    for tick in ticks(top):
        x = LABEL + tick * room / top
        out += [rule(x, 4, x, height - 24), words(x, height - 8, f"{tick:g}", anchor="middle", more=' class="soft"')]
    for row in rows:
        place = names.index(row.tokenizer)
        y = 6 + texts.index(row.text) * group + place * bar
        out.append(_bar(row, LABEL, y, bar - 2, room, top, colour(place)))
    for place, text in enumerate(texts):
        out.append(words(LABEL - 8, 10 + place * group + group / 2, short(text), anchor="end"))
    return "".join([*out, "</svg>"])


def _grid(rows: Sequence[Row], names: Sequence[str], texts: Sequence[str]) -> str:
    """One line a text, one column a tokenizer, one scale for all."""
    wide, high, head = max(74.0, min(130.0, (WIDTH - LABEL) / len(names))), 18, _head(names, 74)
    top = _top(rows)
    out = [opening(LABEL + wide * len(names) + 40, head + high * len(texts) + 8, f"{rows[0].metric}: bars")]
    out += _columns(names, wide, head, left=0.0)
    for place, text in enumerate(texts):
        y = head + place * high
        out += [rule(0, y, LABEL + wide * len(names), y), words(LABEL - 8, y + 13, short(text), anchor="end")]
    for row in rows:
        place = names.index(row.tokenizer)
        x, y = LABEL + place * wide, head + texts.index(row.text) * high + 4
        out.append(_bar(row, x, y, high - 7, wide - 36, top, colour(place)))
    return "".join([*out, "</svg>"])


def _bar(row: Row, x: float, y: float, high: float, room: float, top: float, fill: str) -> str:
    if row.value is None:
        title = f"<title>{safe(row.reason or '')}</title>"
        return f'<text class="soft" x="{x + 4:.1f}" y="{y + high - 1:.1f}" font-size="10">{title}-</text>'
    scale = room / top
    is_cut = row.value > top
    length = min(max(row.value, 0.0), top) * scale
    out = [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{length:.1f}" height="{high:.1f}" fill="{fill}">'
        f"<title>{safe(f'{row.tokenizer} on {row.text}: {row.shown()}')}</title></rect>"
    ]
    end = x + length
    middle = y + high / 2
    if is_cut:
        out.append(f'<path d="M{end:.1f} {y:.1f}l6 {high / 2:.1f}l-6 {high / 2:.1f}z" fill="{fill}"/>')
        end += 6
    elif row.low is not None and row.high is not None:
        low, end = x + max(row.low, 0.0) * scale, x + min(row.high, top) * scale
        out.append(
            f'<path class="whisker" d="M{low:.1f} {middle:.1f}H{end:.1f}M{low:.1f} {middle - 3:.1f}v6M{end:.1f} '
            f'{middle - 3:.1f}v6" stroke="currentColor" fill="none"/>'
        )
    shown = f"{row.value:,.{row.decimals}f}" if room > 2 * LABEL else _brief(row.value)
    return "".join([*out, words(end + 4, middle + 3.5, shown, more=' font-size="10"')])


def _brief(value: float) -> str:
    """About three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _top(rows: Sequence[Row]) -> float:
    """The end of the scale: the greatest number, unless it would squeeze nine tenths of the others."""
    ends = sorted(row.value if row.high is None else row.high for row in rows if row.value is not None)
    if not ends:
        return 1.0
    return max(min(ends[-1], 2.5 * ends[int(0.9 * (len(ends) - 1))]), 1e-12)


def heat_map(rows: Sequence[Row], faked: Collection[tuple[str, str]] = ()) -> str:
    """Texts by tokenizers, dearest first; white is 1, red above, blue below, logarithmic, the number in the cell.

    Cells of `faked` (tokenizer, text) are hatched without a colour, and count neither for the order nor for the scale.
    """
    names = _names(rows)
    honest = [row for row in rows if (row.tokenizer, row.text) not in faked]
    totals: dict[str, list[float]] = {row.text: [] for row in rows}
    for row in honest:
        totals[row.text].append(row.value or 0.0)
    texts = sorted(totals, key=lambda text: -sum(totals[text]) / max(len(totals[text]), 1))
    wide, high, head = max(58.0, min(130.0, (WIDTH - LABEL) / len(names))), 20, _head(names, 58)
    out = [opening(LABEL + wide * len(names) + 40, head + high * len(texts) + 6, "premium by text and tokenizer")]
    out += _columns(names, wide, head, left=wide / 2)
    for place, text in enumerate(texts):
        out.append(words(LABEL - 8, head + place * high + 14, short(text), anchor="end"))
    depths = sorted(abs(math.log(row.value)) for row in honest if row.value)
    # A few cells far beyond the rest, as of a tokenizer that drops what it does not know, would bleach all others.
    extreme = max(depths[int(0.97 * (len(depths) - 1))] if depths else 0.0, math.log(2))
    for row in rows:
        x, y = LABEL + names.index(row.tokenizer) * wide, head + texts.index(row.text) * high
        title = f"{row.tokenizer} on {row.text}: {row.reason if row.value is None else f'{row.value:.3f}'}"
        fill = _heat(max(-1.0, min(1.0, math.log(row.value) / extreme))) if row.value else "none"
        shown = "-" if row.value is None else f"{row.value:.2f}"
        is_faked = (row.tokenizer, row.text) in faked
        if is_faked:
            title, fill = f"{title}: faked, the text is lost", "none"
        ink = ' style="fill:#111"' if row.value and not is_faked else ' class="soft"'
        out.append(
            f'<rect x="{x:.1f}" y="{y}" width="{wide - 1:.1f}" height="{high - 1}" fill="{fill}"'
            f"{HATCHED if is_faked else ''}><title>{safe(title)}</title></rect>"
            f"{_hatch(x, y, wide - 1, high - 1) if is_faked else ''}"
            f"{words(x + wide / 2, y + 14, shown, anchor='middle', more=ink)}"
        )
    return "".join([*out, "</svg>"])


def _hatch(x: float, y: float, wide: float, high: float) -> str:
    """Lines aslant over a cell, none over its edge."""
    lines = "".join(f"M{x + left:.1f} {y + high:.1f}l{high:.1f} -{high:.1f}" for left in range(0, int(wide - high), 8))
    return f'<path class="rule" d="{lines}" stroke="#ccc" fill="none"/>'


def _heat(depth: float) -> str:
    """White at 0, orange red at 1, blue at -1: dark text is readable on all of them."""
    far = (214, 72, 38) if depth >= 0 else (62, 130, 200)
    return "rgb(" + ",".join(str(round(255 + (end - 255) * abs(depth))) for end in far) + ")"


def rank_frequency(curves: Mapping[str, NDArray[np.int64]]) -> str:
    """Counts of ids over their rank, both logarithmic, one line for each series."""
    height, left, right = max(320, 40 + 18 * len(curves)), 60, 240
    longest = max([10, *map(len, curves.values())])
    greatest = max([10, *(int(counts.max(initial=1)) for counts in curves.values())])
    across = (WIDTH - left - right) / math.log10(longest)
    down = (height - 50) / math.log10(greatest)
    out = [opening(WIDTH, height, "rank and frequency of ids, logarithmic")]
    for power in range(int(math.log10(longest)) + 1):
        x = left + power * across
        out.append(rule(x, 10, x, height - 40))
        out.append(words(x, height - 24, f"{10**power:,}", anchor="middle", more=' class="soft"'))
    for power in range(int(math.log10(greatest)) + 1):
        y = height - 40 - power * down
        out.append(rule(left, y, WIDTH - right, y))
        out.append(words(left - 6, y + 4, f"{10**power:,}", anchor="end", more=' class="soft"'))
    out.append(words((left + WIDTH - right) / 2, height - 6, "rank of the id", anchor="middle", more=' class="soft"'))
    for place, (name, counts) in enumerate(curves.items()):
        ordered = np.sort(counts)[::-1]
        ranks = np.unique(np.geomspace(1, max(len(ordered), 1), 120).astype(np.int64))
        heights = height - 40 - np.log10(np.maximum(ordered[ranks - 1], 1)) * down
        points = " ".join(
            f"{left + math.log10(rank) * across:.1f},{y:.1f}"
            for rank, y in zip(ranks.tolist(), heights.tolist(), strict=True)
        )
        stroke = f'stroke="{colour(place)}" stroke-width="1.8" stroke-dasharray="{dash(place)}"'
        out.append(f'<polyline points="{points}" fill="none" {stroke}><title>{safe(name)}</title></polyline>')
        y, x = 18 + place * 18, WIDTH - right + 14
        out.append(f'<path d="M{x} {y - 4}h20" {stroke}/>{words(x + 26, y, short(name, 28))}')
    return "".join([*out, "</svg>"])


def composition(makeups: Mapping[str, Mapping[str, int]]) -> str:
    """Vocabularies as bars of one length, cut by the script or kind of their tokens; the rarest are one part."""
    shares: dict[str, float] = {}
    for makeup in makeups.values():
        total = max(sum(makeup.values()), 1)
        for kind, n in makeup.items():
            shares[kind] = shares.get(kind, 0.0) + n / total
    kinds = sorted(shares, key=lambda kind: (-shares[kind], kind))
    shown, rest = kinds[: _SCRIPTS if len(kinds) > _SCRIPTS + 1 else len(kinds)], kinds[_SCRIPTS:]
    labels = [*shown, f"{len(rest)} others"] if len(kinds) > len(shown) else shown
    bar, room = 20, WIDTH - LABEL - 10
    head = 20 * math.ceil(len(labels) / 4) + 12
    out = [opening(WIDTH, head + (bar + 6) * len(makeups), "makeup of the vocabularies by script")]
    for place, label in enumerate(labels):
        x, y = LABEL + place % 4 * room / 4, 14 + place // 4 * 20
        out.append(
            f'<rect x="{x:.1f}" y="{y - 10}" width="12" height="12" {_pattern(place)}/>{words(x + 18, y, label)}'
        )
    for line, (name, makeup) in enumerate(makeups.items()):
        y, x = head + line * (bar + 6), float(LABEL)
        total = max(sum(makeup.values()), 1)
        out.append(words(LABEL - 8, y + 14, short(name), anchor="end"))
        numbers = [makeup.get(kind, 0) for kind in shown]
        for place, (label, n) in enumerate(zip(labels, [*numbers, total - sum(numbers)], strict=False)):
            wide = room * n / total
            title = f"{name}, {label}: {n:,} tokens, {n / total:.1%}"
            out.append(
                f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{bar}" {_pattern(place)}>'
                f"<title>{safe(title)}</title></rect>"
            )
            if wide > 34:
                out.append(words(x + wide / 2, y + 14, f"{n / total:.0%}", anchor="middle", more=' style="fill:#111"'))
            x += wide
    return "".join([*out, "</svg>"])


def _pattern(place: int) -> str:
    """A fill for the n-th part of a bar: a colour, or one half as strong."""
    return f'fill="{colour(place)}" fill-opacity="{0.85 if place < 8 else 0.4}"'


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.tokenizer for row in rows))


def _head(names: Sequence[str], least: float) -> int:
    """The height of the headings of columns: aslant where they would touch."""
    return 26 if _fits(names, max(least, (WIDTH - LABEL) / len(names))) else 90


def _fits(names: Sequence[str], wide: float) -> bool:
    return max(map(len, names)) * 7 <= wide


def _columns(names: Sequence[str], wide: float, head: int, *, left: float) -> list[str]:
    """The names of tokenizers over their columns."""
    out = []
    for place, name in enumerate(names):
        x = LABEL + place * wide + left
        if head == 26:
            out.append(words(x, 16, name, anchor="middle" if left else "start"))
        else:
            turn = f' transform="rotate(-35 {x + 6:.1f} {head - 8})"'
            out.append(words(x + 6, head - 8, short(name, 18), more=turn))
    return out
