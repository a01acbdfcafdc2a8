"""The results as one HTML page that can be mailed: own SVG, no URL, nothing from outside, everything escaped."""

from collections.abc import Mapping, Sequence
from html import escape as html_escape
from typing import Final

import numpy as np

from tokkit.evaluate.lists import ALL, MOST_UNKNOWN, VOCABULARY
from tokkit.evaluate.results import Results, Row
from tokkit.evaluate.warn import unknown_share
from tokkit.metrics.base import Subject, find
from tokkit.metrics.letters import LETTERS_LOST
from tokkit.metrics.lexicon import Lexicon
from tokkit.report import figures
from tokkit.report.assets import SCRIPT, STYLE, policy
from tokkit.report.boundaries import boundaries, is_trained, worst_words
from tokkit.report.makeup import makeup
from tokkit.report.svg import colour, safe

COUNTERS: Final = ("ids", "words")
"""What an evaluation should tally beside its metrics, so that the page has all of its parts."""

_BARS: Final = ("fertility.ws", "fertility.uax29", "fertility.char", "bytes_per_token")
_HATCHED: Final = (
    "Hatched: more than a tenth of the text is unknown to the tokenizer or lost by it. What is lost costs no tokens, "
    "so such a number is faked."
)
_LEFT_OUT: Final = (
    "A text of which a tokenizer loses more than a tenth is left out of its means, but for those of what is lost."
)
_LOSSES: Final = ("unk_char_rate", LETTERS_LOST)
_FILTER_FROM: Final = 24
_TALL_FROM: Final = 30


def page(
    results: Results,
    *,
    title: str = "Tokenizers measured",
    tokenizers: Mapping[str, Subject] | None = None,
    samples: Mapping[str, str] | None = None,
) -> str:
    """One self-contained page: figures, sortable tables, warnings, definitions, token boundaries of samples, the words
    that cost most.

    A Content-Security-Policy allows the page's own script by its digest and nothing else. Names, texts and tokens are
    escaped; tokens that cannot be seen are spelled.
    """
    sections = {
        "Summary": _summary(results),
        **_figures(results),
        "Makeup of the vocabularies": _composition(tokenizers or {}),
        "All numbers": _tables(results),
        "Token boundaries": boundaries(tokenizers or {}, samples or {}),
        "Words that cost most": worst_words(results.evidence),
        "What the numbers are": _definitions(results),
        "What was measured": _manifest(results),
    }
    shown = {name: parts for name, parts in sections.items() if parts}
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{safe(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{safe(title)}</h1>",
        f"<p class=soft>{_extent(results)}</p>",
        "<nav>" + "".join(f'<a href="#s{n}">{safe(name)}</a>' for n, name in enumerate(shown)) + "</nav>",
        _warnings(results),
    ]
    for place, (name, lines) in enumerate(shown.items()):
        parts += [f'<h2 id="s{place}">{safe(name)}</h2>', *lines]
    return "\n".join([*(part for part in parts if part), f"<script>{SCRIPT}</script></body></html>"]) + "\n"


def _extent(results: Results) -> str:
    texts = [row.text for row in results.rows if row.text not in (ALL, VOCABULARY)]
    n_tokenizers, n_texts = len({row.tokenizer for row in results.rows}), len(set(texts))
    return (
        f"{n_tokenizers} tokenizer{'s' * (n_tokenizers != 1)}, {n_texts} text{'s' * (n_texts != 1)}, "
        f"{len({row.metric for row in results.rows})} metrics; tokkit {safe(str(results.manifest.get('tokkit', '')))}"
    )


def _warnings(results: Results) -> str:
    if not results.warnings:
        return ""
    lines = "".join(f"<li>{safe(line)}</li>" for line in results.warnings)
    few = len(results.warnings) <= 6
    many = f"<details><summary>{len(results.warnings)} warnings</summary><ul class=warn>{lines}</ul></details>"
    return f"<ul class=warn>{lines}</ul>" if few else many


def _figures(results: Results) -> dict[str, list[str]]:
    by_metric: dict[str, list[Row]] = {}
    for row in results.rows:
        if row.text not in (ALL, VOCABULARY):
            by_metric.setdefault(row.name, []).append(row)
    wanted = [name for name in by_metric if name in _BARS or (name.endswith("bits_per_byte") and "unigram" not in name)]
    sections = {}
    if "premium" in by_metric:
        faked = _faked(results)
        note = "<p class=soft>Times the tokens of the reference for the same text, dearest first; blue is cheaper."
        note += f" {_HATCHED}</p>" if faked else "</p>"
        sections["Premiums"] = [note, _wide(figures.heat_map(by_metric["premium"], faked))]
    for name in wanted or [name for name in by_metric if name != "premium"][:1]:
        rows = by_metric[name]
        has_whiskers = any(row.low is not None for row in rows)
        note = f"<p class=soft>{safe(rows[0].unit)}; better: {safe(rows[0].better)}"
        note += ". Whiskers: 95 % intervals over documents.</p>" if has_whiskers else ".</p>"
        sections[name] = [note, _legend(rows), _wide(figures.bars(rows))]
    return sections | _curves(results)


def _faked(results: Results) -> set[tuple[str, str]]:
    """(tokenizer, text) where so much of the text is unknown or lost that its low counts say nothing."""
    found = {
        (row.tokenizer, row.text) for row in results.rows if row.name in _LOSSES and (row.value or 0.0) > MOST_UNKNOWN
    }
    return found | {pair for pair, seen in results.evidence.items() if unknown_share(seen) > MOST_UNKNOWN}


def _curves(results: Results) -> dict[str, list[str]]:
    counts = {pair: seen.counts for pair, seen in results.evidence.items() if seen.has_counts}
    if not counts:
        return {}
    tokenizers, texts = dict.fromkeys(name for name, _ in counts), dict.fromkeys(text for _, text in counts)
    if len(tokenizers) > 1:
        curves = {
            name: np.sum([counts[name, text] for text in texts if (name, text) in counts], axis=0)
            for name in tokenizers
        }
        note = "<p class=soft>Each tokenizer over all texts together.</p>"
    else:
        curves, note = {text: own for (_, text), own in counts.items()}, ""
    return {
        "Rank and frequency of ids": [note, _wide(figures.rank_frequency({n: c[c > 0] for n, c in curves.items()}))]
    }


def _composition(tokenizers: Mapping[str, Subject]) -> list[str]:
    found = {}
    for name, subject in tokenizers.items():
        if is_trained(subject):
            lexicon = Lexicon(subject)
            special = set(lexicon.specials.values())
            tokens = (lexicon.token_bytes(token) for token in range(lexicon.size) if token not in special)
            found[name] = makeup(token for token in tokens if token)
    note = "<p class=soft>Tokens by the script of their first letter, or by what else they are.</p>"
    return [note, _wide(figures.composition(found))] if found else []


def _legend(rows: Sequence[Row]) -> str:
    swatches = (
        f'<span><svg width="12" height="12" role="presentation"><rect width="12" height="12" fill="{colour(place)}"/>'
        f"</svg> {safe(name)}</span>"
        for place, name in enumerate(dict.fromkeys(row.tokenizer for row in rows))
    )
    return f"<p class=legend>{''.join(swatches)}</p>"


def _wide(figure: str) -> str:
    return f"<div class=scroll>{figure}</div>"


def _summary(results: Results) -> list[str]:
    """One line a tokenizer: its vocabulary, and the mean of each metric over the texts, which all weigh the same."""
    texts = dict.fromkeys(row.text for row in results.rows if row.text not in (ALL, VOCABULARY))
    if len(texts) < 2:
        return []
    metrics = list(dict.fromkeys(row.metric for row in results.rows if row.text in texts))
    values: dict[tuple[str, str], list[Row]] = {}
    faked = _faked(results)
    for row in results.rows:
        # How much is unknown or lost is told of all texts.
        is_counted = (row.tokenizer, row.text) not in faked or row.name in _LOSSES
        if row.text in texts and row.value is not None and is_counted:
            values.setdefault((row.tokenizer, row.metric), []).append(row)
    sizes = results.manifest.get("subjects")
    lines = []
    for name in dict.fromkeys(row.tokenizer for row in results.rows):
        facts = sizes.get(name) if isinstance(sizes, Mapping) else None
        size = facts.get("vocab_size") if isinstance(facts, Mapping) else None
        cells = [_number(size, "" if size is None else f"{size:,}")]
        for metric in metrics:
            own = values.get((name, metric), [])
            mean = sum(row.value or 0.0 for row in own) / len(own) if own else None
            hint = f"over {len(own)} of {len(texts)} texts"
            cells.append(_number(mean, "-" if mean is None else f"{mean:,.{own[0].decimals}f}", hint))
        lines.append(([name], cells))
    note = "<p class=soft>Means over the texts, each of the same weight. Click a heading to sort."
    note += f" {_LEFT_OUT}</p>" if faked else "</p>"
    return [note, *_table(["tokenizer"], ["vocabulary", *metrics], lines)]


def _tables(results: Results) -> list[str]:
    """Every row; metrics that have the same texts share a table."""
    texts_of: dict[str, dict[str, None]] = {}
    lines: dict[tuple[str, str], dict[str, Row]] = {}
    for row in results.rows:
        texts_of.setdefault(row.metric, {})[row.text] = None
        lines.setdefault((row.text, row.tokenizer), {})[row.metric] = row
    tokenizers = list(dict.fromkeys(row.tokenizer for row in results.rows))
    groups: dict[tuple[str, ...], list[str]] = {}
    for metric, texts in texts_of.items():
        groups.setdefault(tuple(texts), []).append(metric)
    out = ["<p class=soft>Click a heading to sort. - means undefined; hover for the reason.</p>"]
    for group, metrics in groups.items():
        body = []
        for text in group:
            for tokenizer in tokenizers:
                found = lines.get((text, tokenizer), {})
                body.append(([text, tokenizer], [_cell(found.get(metric)) for metric in metrics]))
        out += _table(["text", "tokenizer"], metrics, body)
    return out


def _cell(row: Row | None) -> str:
    if row is None:
        return _number(None, "")
    return _number(row.value, row.shown(), row.reason or "")


def _number(value: float | None, shown: str, hint: str = "") -> str:
    title = f' title="{safe(hint)}"' if hint else ""
    return f'<td data-v="{"" if value is None else repr(value)}"{title}>{safe(shown)}</td>'


def _table(
    left: Sequence[str], heads: Sequence[str], lines: Sequence[tuple[Sequence[str], Sequence[str]]]
) -> list[str]:
    """A sortable table: columns of names, then columns of cells that are HTML already."""
    headings = [*(("l", head) for head in left), *(("", head) for head in heads)]
    box = '<input class=filter type=search placeholder="filter: names" aria-label="show only rows with these names">'
    return [
        f"<div>{box if len(lines) >= _FILTER_FROM else ''}",
        f'<div class="scroll{" tall" if len(lines) >= _TALL_FROM else ""}"><table class=sort><thead><tr>',
        *(f'<th class="{kind}" scope="col"><button>{safe(head)}</button></th>' for kind, head in headings),
        "</tr></thead><tbody>",
        *(
            "<tr>" + "".join(f'<td class="l">{safe(name)}</td>' for name in names) + "".join(cells) + "</tr>"
            for names, cells in lines
        ),
        "</tbody></table></div></div>",
    ]


def _definitions(results: Results) -> list[str]:
    from tokkit.errors import UsageError

    out = ["<dl>"]
    for metric in dict.fromkeys(row.metric for row in results.rows):
        try:
            definition = find(metric)
        except UsageError:
            continue
        formula = f"<code>{safe(definition.formula)}</code>"
        note = f"Does not tell: {safe(definition.caveat)}. {safe(definition.source)}"
        out.append(f"<dt><b>{safe(metric)}</b></dt><dd>{safe(definition.summary)}: {formula}.")
        out.append(f"<span class=soft>{note}</span></dd>")
    return [*out, "</dl>"] if len(out) > 1 else []


def _manifest(results: Results) -> list[str]:
    import json

    shown = json.dumps(results.manifest, ensure_ascii=False, indent=1)
    return [f"<details><summary>Versions, sizes and digests</summary><pre>{html_escape(shown)}</pre></details>"]
