"""A transplant as one HTML page: what was copied, what new rows are made of, what they lie next to, what is odd."""

from collections.abc import Sequence
from html import escape as html_escape
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tokkit.load import load_tokenizer
from tokkit.load.json_file import read_object
from tokkit.report.assets import STYLE, policy
from tokkit.report.svg import colour, opening, rule, safe, words
from tokkit.report.text import quoted
from tokkit.transplant.checkpoint import open_checkpoint
from tokkit.transplant.provenance import NAME, read_provenance
from tokkit.transplant.vocabulary import read_vocabulary

_SHOWN = 24
_NEIGHBOURS = 3


def transplant_page(folder: Path, base: Path, *, text: str | None = None) -> str:
    """The page of a transplanted model in `folder`, made from `base`; with a text the share of it that is new.

    Nothing from outside, no script: the policy in the page forbids both. Tokens and names are escaped.

    Raises:
        InputError, TokenizerError: `folder` is no result of a transplant, or `base` cannot be read.
    """
    facts = read_object(folder / "transplant.json")
    kept = read_provenance(folder / NAME)
    name = next(iter(kept.operators))
    rows = pq.read_table(folder / NAME, filters=[("tensor", "=", name)])
    origins = np.array(rows.column("origin").to_pylist())
    new = np.flatnonzero(origins == "new")
    tokens: list[bytes | None] = rows.column("token").to_pylist()
    counts = _counts(folder, text, len(origins))
    shown = _chosen(new, counts)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy(has_script=False)}">',
        f"<title>Transplant</title><style>{STYLE}</style></head><body>",
        f"<h1>Transplant: {safe(str(facts['method']))}</h1>",
        _warnings(facts.get("warnings")),
        _facts(facts),
        _occurrences(counts, new),
        "<h2>Lengths of the rows</h2><p>In deviations from the mean of the copied rows.</p>",
        _lengths(rows.column("norm_z").to_numpy(), origins),
        "<h2>New rows</h2><p>"
        + ("The commonest in the text." if counts is not None else "Some, evenly spread.")
        + "</p>",
        _rows(folder, base, name, rows, shown, tokens),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _token(token: bytes | None) -> str:
    return html_escape(quoted(token), quote=True) if token is not None else "none"


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """Cells are HTML already; the first `left` columns to the left."""
    kind = ["l" if place < left else "" for place in range(len(heads))]
    out = ["<div class=scroll><table><thead><tr>"]
    out += [f'<th class="{k}">{safe(head)}</th>' for k, head in zip(kind, heads, strict=True)] + ["</tr></thead>"]
    for line in lines:
        out.append(
            "<tr>" + "".join(f'<td class="{k}">{cell}</td>' for k, cell in zip(kind, line, strict=True)) + "</tr>"
        )
    return "".join([*out, "</table></div>"])


def _warnings(lines: object) -> str:
    if not isinstance(lines, list) or not lines:
        return ""
    return "<ul class=warn>" + "".join(f"<li>{safe(str(line))}</li>" for line in lines) + "</ul>"


def _facts(facts: dict[str, object]) -> str:
    origins, methods = facts["origins"], facts["methods"]
    assert isinstance(origins, dict)
    assert isinstance(methods, dict)
    lines = [["rows before", f"{facts['base_rows']:,}"], ["rows now", f"{facts['rows']:,}"]]
    lines += [["copied", f"{facts['matched']:,}"]]
    lines += [[safe(key.replace("_", " ")), f"{count:,}"] for key, count in origins.items() if count]
    made = [
        [safe(tensor), safe(method), f"{count:,}"]
        for tensor, found in methods.items()
        for method, count in found.items()
    ]
    return (
        "<h2>Rows</h2>" + _table(["ids", "number"], lines) + "<p></p>" + _table(["tensor", "made by", "rows"], made, 2)
    )


def _counts(folder: Path, text: str | None, rows: int) -> NDArray[np.int64] | None:
    if text is None:
        return None
    ids = np.asarray(load_tokenizer(folder).encode(text), np.int64)
    return np.bincount(ids, minlength=rows)[:rows]


def _chosen(new: NDArray[np.int64], counts: NDArray[np.int64] | None) -> list[int]:
    if counts is not None:
        order = np.argsort(-counts[new], kind="stable")[:_SHOWN]
        return [int(number) for number in new[order] if counts[number]]
    return [int(new[place]) for place in np.unique(np.linspace(0, len(new) - 1, min(_SHOWN, len(new))).astype(int))]


def _occurrences(counts: NDArray[np.int64] | None, new: NDArray[np.int64]) -> str:
    if counts is None:
        return ""
    total, fresh = int(counts.sum()), int(counts[new].sum())
    share = f"{fresh:,} of {total:,} tokens of the text ({fresh / max(1, total):.1%}) have new rows"
    used = int((counts[new] > 0).sum())
    return f"<h2>On the text</h2><p>{share}; {used:,} of {len(new):,} new rows occur at all.</p>"


def _lengths(norm_z: NDArray[np.float64], origins: NDArray[np.str_]) -> str:
    """Two outlines over the same bins, each scaled to its own highest bin."""
    edges = np.linspace(-6, 6, 49)
    is_new = origins == "new"
    left, width, height = 40, 640, 160
    out = [opening(740, height + 30, "lengths of copied and new rows")]
    for tick in range(-6, 7, 2):
        x = left + (tick + 6) / 12 * width
        out += [rule(x, 0, x, height), words(x, height + 18, str(tick), anchor="middle")]
    for place, (values, name) in enumerate(((norm_z[~is_new], "copied"), (norm_z[is_new], "new"))):
        bins = np.histogram(np.clip(values, -6, 6), edges)[0]
        points = " ".join(
            f"{left + (edge + 6) / 12 * width:.1f},{height - count / max(1, bins.max()) * (height - 10):.1f}"
            for edge, count in zip((edges[:-1] + edges[1:]) / 2, bins, strict=True)
        )
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour(place)}" stroke-width="2"/>')
        out.append(words(left, 16 + 18 * place, f"{name}: {len(values):,}", more=f' style="fill:{colour(place)}"'))
    return "".join([*out, "</svg>"])


def _rows(
    folder: Path, base: Path, name: str, rows: "pq.Table", shown: Sequence[int], tokens: Sequence[bytes | None]
) -> str:
    known = read_vocabulary(base).by_id
    near = _neighbours(open_checkpoint(folder).read(name), shown)
    lines = []
    for number, others in zip(shown, near, strict=True):
        row = rows.slice(number, 1).to_pylist()[0]
        parts = sorted(zip(row["base_ids"], row["weights"], strict=True), key=lambda part: -abs(part[1]))
        made = [f"{weight:.2f} {_token(known[at].data if at in known else None)}" for at, weight in parts[:6]]
        more = f" and {len(parts) - 6} more" if len(parts) > 6 else ""
        missed = "" if row["residual"] is None else f"{row['residual']:.3f}"
        beside = ", ".join(f"{_token(tokens[at])} {alike:.2f}" for at, alike in others)
        figures = [missed, f"{row['weights_l1']:.2f}", f"{row['norm_z']:+.1f}"]
        lines.append([_token(tokens[number]), safe(str(row["method"])), " + ".join(made) + more, beside, *figures])
    heads = ["token", "method", "made of", "nearest rows", "residual", "sum of |weights|", "length"]
    return _table(heads, lines, 4)


def _neighbours(table: NDArray[np.generic], shown: Sequence[int]) -> list[list[tuple[int, float]]]:
    """(id, cosine) of the rows nearest to each; the table is read in blocks."""
    chosen = table[list(shown)].astype(np.float32)
    chosen /= np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-30)
    alike = np.zeros((len(shown), len(table)), np.float32)
    for start in range(0, len(table), 8192):
        block = table[start : start + 8192].astype(np.float32)
        block /= np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-30)
        alike[:, start : start + len(block)] = chosen @ block.T
    alike[np.arange(len(shown)), list(shown)] = -2
    order = np.argsort(-alike, axis=1, kind="stable")[:, :_NEIGHBOURS]
    return [[(int(at), float(row[at])) for at in best] for row, best in zip(alike, order, strict=True)]


def read_text(path: Path) -> str:
    """The documents of a text file, joined.

    Raises:
        InputError: missing, unreadable or not UTF-8.
    """
    from tokkit.recipe.evaluation import read_texts

    return "\n".join(read_texts([str(path)]))
