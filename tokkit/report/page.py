"""The results as one HTML page that can be mailed: own SVG, no URL, nothing from outside, everything escaped."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape as html_escape
from itertools import pairwise

from tokkit.evaluate.results import Results, Row
from tokkit.metrics.base import Subject, find
from tokkit.report import figures
from tokkit.report.text import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6675; --rule: #d9dee5; --paper: #fff; --mark: #f4f6f9 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa5b3; --rule: #333c48; --paper: #14181e; --mark: #1d232b } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 72rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem } p, li { max-width: 52rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
.scroll { overflow-x: auto } th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap } th { background: var(--mark) } th.l, td.l { text-align: left }
th button { all: unset; cursor: pointer; font-weight: 600 } th button:focus-visible { outline: 2px solid #3b7dd8 }
.soft { color: var(--soft) } svg { max-width: 100%; height: auto } svg text { fill: var(--ink); font: 12px system-ui }
svg .soft { fill: var(--soft) } svg .rule { stroke: var(--rule) } .swatch { display: inline-block; width: .8em;
  height: .8em; margin-right: .3em } .warn { border-left: 4px solid #d99a1c; padding-left: .8rem }
.tokens { line-height: 2.1; overflow-wrap: anywhere } .tokens span { padding: .12em 0; border-radius: .2em;
  white-space: pre-wrap } .tokens .a { background: #3b7dd833 } .tokens .b { background: #d99a1c33 }
.tokens .ring { outline: 2px solid #c4472f }
"""
_SCRIPT = """
for (const table of document.querySelectorAll('table.sort')) {
  table.querySelectorAll('th button').forEach((button, column) => button.addEventListener('click', () => {
    const up = button.parentElement.getAttribute('aria-sort') !== 'ascending';
    table.querySelectorAll('th').forEach(head => head.removeAttribute('aria-sort'));
    button.parentElement.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const key = row => { const cell = row.cells[column], value = cell.dataset.v;
      return value === undefined ? cell.textContent : value === '' ? NaN : Number(value); };
    const compare = (a, b) => { const x = key(a), y = key(b);
      if (typeof x === 'number') { if (isNaN(x)) return isNaN(y) ? 0 : 1; if (isNaN(y)) return -1;
        return up ? x - y : y - x; }
      return up ? x.localeCompare(y) : y.localeCompare(x); };
    const body = table.tBodies[0]; [...body.rows].sort(compare).forEach(row => body.append(row));
  }));
}
"""
_SAMPLE_CHARACTERS = 600


def page(
    results: Results,
    *,
    title: str = "Tokenizers measured",
    tokenizers: Mapping[str, Subject] | None = None,
    samples: Mapping[str, str] | None = None,
) -> str:
    """One self-contained page: figures, the sortable table, warnings, definitions, and token boundaries of samples.

    A Content-Security-Policy allows the page's own script by its digest and nothing else. Names, texts and tokens are
    escaped; tokens that cannot be seen are spelled.
    """
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_safe(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_safe(title)}</h1>",
        _warnings(results),
        *_figures(results),
        "<h2>All numbers</h2><p class=soft>Click a heading to sort. - means undefined; hover for the reason.</p>",
        _table(results),
        *_boundaries(tokenizers or {}, samples or {}),
        _definitions(results),
        _manifest(results),
        f"<script>{_SCRIPT}</script></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _safe(text: str) -> str:
    return html_escape(escape(text), quote=True)


def _warnings(results: Results) -> str:
    if not results.warnings:
        return ""
    return "<ul class=warn>" + "".join(f"<li>{_safe(line)}</li>" for line in results.warnings) + "</ul>"


def _figures(results: Results) -> list[str]:
    parts = []
    by_metric: dict[str, list[Row]] = {}
    for row in results.rows:
        by_metric.setdefault(row.name, []).append(row)
    for name in ("fertility.ws", "fertility.uax29", "bytes_per_token"):
        if name in by_metric:
            parts += [f"<h2>{_safe(by_metric[name][0].metric)}: {_safe(by_metric[name][0].unit)}</h2>"]
            parts += [_legend(by_metric[name]), figures.bars(by_metric[name])]
    if "premium" in by_metric:
        parts += ["<h2>premium: times the tokens of the reference</h2>", figures.heat_map(by_metric["premium"])]
    curves = {
        f"{tokenizer} · {text}": seen.used for (tokenizer, text), seen in results.evidence.items() if seen.has_counts
    }
    if curves:
        parts += ["<h2>Rank and frequency of ids</h2>", figures.rank_frequency(curves)]
    return parts


def _legend(rows: Sequence[Row]) -> str:
    names = dict.fromkeys(row.tokenizer for row in rows)
    swatches = (
        f'<svg width="12" height="12" role="presentation"><rect width="12" height="12" fill="{figures.colour(place)}"/>'
        f"</svg> {_safe(name)}"
        for place, name in enumerate(names)
    )
    return "<p>" + " &emsp; ".join(swatches) + "</p>"


def _table(results: Results) -> str:
    metrics = list(dict.fromkeys(row.metric for row in results.rows))
    lines: dict[tuple[str, str], dict[str, Row]] = {}
    for row in results.rows:
        lines.setdefault((row.text, row.tokenizer), {})[row.metric] = row
    heads = [("text", "l"), ("tokenizer", "l"), *((metric, "") for metric in metrics)]
    out = ["<div class=scroll><table class=sort><thead><tr>"]
    out += [f'<th class="{kind}" scope="col"><button>{_safe(head)}</button></th>' for head, kind in heads]
    out.append("</tr></thead><tbody>")
    for (text, tokenizer), found in lines.items():
        cells = [f'<td class="l">{_safe(text)}</td><td class="l">{_safe(tokenizer)}</td>']
        for metric in metrics:
            shown = found.get(metric)
            value = "" if shown is None or shown.value is None else repr(shown.value)
            hint = f' title="{_safe(shown.reason)}"' if shown is not None and shown.reason else ""
            cells.append(f'<td data-v="{value}"{hint}>{_safe("" if shown is None else shown.shown())}</td>')
        out.append("<tr>" + "".join(cells) + "</tr>")
    return "\n".join([*out, "</tbody></table></div>"])


def _boundaries(tokenizers: Mapping[str, Subject], samples: Mapping[str, str]) -> list[str]:
    """The same text by each tokenizer; a ring is on tokens whose span the first tokenizer does not have."""
    parts = []
    for name, text in samples.items():
        shown = text[:_SAMPLE_CHARACTERS]
        parts.append(f"<h2>Token boundaries: {_safe(name)}</h2>")
        if len(tokenizers) > 1:
            parts.append("<p class=soft>Ringed: tokens that the first tokenizer does not cut so.</p>")
        first: set[tuple[int, int]] | None = None
        for tokenizer, subject in tokenizers.items():
            spans = _char_spans(subject, shown)
            first = set(spans) if first is None else first
            rings = ("" if span in first else " ring" for span in spans)
            marks = "".join(
                f'<span class="{"ab"[place % 2]}{ring}">{_visible(shown[slice(*span)])}</span>'
                for place, (span, ring) in enumerate(zip(spans, rings, strict=True))
            )
            parts.append(f"<h3>{_safe(tokenizer)}: {len(spans)} spans</h3><p class=tokens>{marks}</p>")
    return parts


def _char_spans(subject: Subject, text: str) -> list[tuple[int, int]]:
    """Spans in characters that follow each other; tokens within one character are one span."""
    import numpy as np

    from tokkit.metrics.batch import Batch, byte_positions

    batch = Batch.of(subject, [text])
    if batch.measured(0) != text:
        return [(0, len(text))]
    place = byte_positions(text.encode())
    ends = np.unique(np.searchsorted(place, batch.spans(0)[1], "left"))
    edges = [0, *(int(end) for end in ends if 0 < end < len(text)), len(text)]
    return list(pairwise(edges))


def _visible(piece: str) -> str:
    return html_escape(escape(piece).replace(" ", "\u00b7").replace("\\n", "\u21b5\u200b"), quote=True)


def _definitions(results: Results) -> str:
    from tokkit.errors import UsageError

    out = ["<h2>What the numbers are</h2><dl>"]
    for metric in dict.fromkeys(row.metric for row in results.rows):
        try:
            definition = find(metric)
        except UsageError:
            continue
        formula = f"<code>{_safe(definition.formula)}</code>"
        note = f"Does not tell: {_safe(definition.caveat)}. {_safe(definition.source)}"
        out.append(f"<dt><b>{_safe(metric)}</b></dt><dd>{_safe(definition.summary)}: {formula}.")
        out.append(f"<span class=soft>{note}</span></dd>")
    return "\n".join([*out, "</dl>"])


def _manifest(results: Results) -> str:
    import json

    shown = json.dumps(results.manifest, ensure_ascii=False, indent=1)
    return f"<details><summary>What was measured</summary><pre>{html_escape(shown)}</pre></details>"
