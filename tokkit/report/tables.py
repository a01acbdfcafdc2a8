"""Tables for other programs: CSV, Markdown, LaTeX. Names and reasons come from files: each format escapes them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from tokkit.evaluate.results import Results, Row
from tokkit.report.text import escape

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_LATEX: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
    }
)
# Everything that Markdown renderers or the HTML in them could take for markup.
_MARKDOWN: Final = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_{}[]()#+!|~$"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)


def csv_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a quote in front of what begins like one; controls escaped."""
    shown = escape(text)
    return "'" + shown if text.startswith(_FORMULA) or shown.startswith(_FORMULA) else shown


def to_csv(results: Results) -> str:
    """One line a row, a header; numbers as they are, empty where undefined."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Row.__dataclass_fields__)
    for row in results.rows:
        writer.writerow([csv_cell(value) if isinstance(value, str) else value for value in asdict(row).values()])
    return out.getvalue()


def to_markdown(cells: Sequence[Sequence[str]], *, left: int = 2) -> str:
    """A pipe table; the first `left` columns to the left."""
    header, *body = [[escape(cell).translate(_MARKDOWN) for cell in row] for row in cells]
    rule = ["---" if column < left else "---:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *body])


def to_latex(cells: Sequence[Sequence[str]], *, left: int = 2) -> str:
    """A `tabular` with the rules of the package booktabs."""
    rows = [" & ".join(escape(cell).translate(_LATEX) for cell in row) + r" \\" for row in cells]
    columns = "".join("l" if column < left else "r" for column in range(len(cells[0])))
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            rows[0],
            r"\midrule",
            *rows[1:],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )
