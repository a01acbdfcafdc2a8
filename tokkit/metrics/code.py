"""How source text is cut: identifiers, operators, indentation; by regular expressions, whatever the language."""

import re
from typing import Final

import numpy as np

from tokkit.metrics.base import ratio
from tokkit.metrics.batch import Batch, byte_positions, overlaps
from tokkit.metrics.evidence import COLUMNS, Column

_IDENTIFIER: Final = re.compile(r"[^\W\d]\w*")
_COMPOUND: Final = (
    *("<<=", ">>=", "===", "!==", "**=", "//=", "...", "->", "=>", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/="),
    *("%=", "&=", "|=", "^=", ":=", "**", "//", "<<", ">>", "&&", "||", "++", "--", "::", "??"),
)
_OPERATOR: Final = re.compile("|".join(map(re.escape, _COMPOUND)) + r"|[-+*/%=<>&|^~!]")
_INDENT: Final = re.compile(r"(?m)^[ \t]+(?=\S)")
_NAMES: Final = (
    *("identifiers", "identifier_tokens", "operators", "isolated_operators", "compounds", "kept_compounds"),
    *("indents", "indent_tokens", "indent_steps", "monotonic_steps"),
)


def _rows(batch: Batch) -> dict[str, Column]:
    cache: dict[str, Column] | None = batch.__dict__.get("_code")
    if cache is None:
        table = np.array([_row(batch, index) for index in range(len(batch.texts))], np.int64).reshape(-1, len(_NAMES))
        cache = batch.__dict__["_code"] = dict(zip(_NAMES, table.T, strict=True))
    return cache


def _row(batch: Batch, index: int) -> list[int]:
    text = batch.texts[index]
    place = byte_positions(text.encode())
    starts, ends = batch.spans(index)

    def tokens_of(pattern: re.Pattern[str]) -> tuple[list[str], Column, Column, Column]:
        matches = list(pattern.finditer(text))
        spans = np.array([match.span() for match in matches], np.int64).reshape(-1, 2)
        low, high = place[spans[:, 0]], place[spans[:, 1]]
        return [match[0] for match in matches], low, high, overlaps(starts, ends, low, high)

    names, _, _, of_names = tokens_of(_IDENTIFIER)
    signs, low, high, of_signs = tokens_of(_OPERATOR)
    # A token that touches a sign must end with it; spaces in front are no neighbours.
    filled = ends > starts
    first = np.searchsorted(ends[filled], low, "right")
    last = np.searchsorted(starts[filled], high, "left") - 1
    data = text.encode()
    isolated = 0
    for begin, end, one, other in zip(low, high, first, last, strict=True):
        if one <= other:
            outer = data[starts[filled][one] : begin]
            isolated += not outer.strip(b" \t\n") and ends[filled][other] == end
    several = np.array([len(sign) > 1 for sign in signs], bool)
    indents, _, _, of_indents = tokens_of(_INDENT)
    widths = np.array([len(indent.expandtabs(8)) for indent in indents], np.int64)
    deeper = np.flatnonzero(np.diff(widths) != 0)
    steps = np.sign(np.diff(widths)[deeper]) * np.diff(of_indents)[deeper]
    return [
        *(len(names), int(of_names.sum()), len(signs), int(isolated)),
        *(int(several.sum()), int((of_signs[several] == 1).sum()) if len(signs) else 0),
        *(len(indents), int(of_indents.sum()), len(deeper), int((steps >= 0).sum())),
    ]


def _register(name: str) -> None:
    COLUMNS[name] = lambda batch: _rows(batch)[name]


for _name in _NAMES:
    _register(_name)

ratio(
    "identifier.tokens",
    "identifier_tokens",
    "identifiers",
    undefined="no identifiers",
    unit="tokens",
    better="lower",
    summary="tokens that overlap an identifier, in the text (fragmentation)",
    formula="tokens that overlap [letter or _][letters, digits, _]* / such runs",
    caveat="comments and strings have identifiers too: words count as such",
)
ratio(
    "operator.isolation",
    "isolated_operators",
    "operators",
    undefined="no operators",
    unit="share of operators",
    better="neither",
    summary="operators whose tokens hold nothing else but white space in front",
    formula="operators not glued to their neighbours / operators",
    caveat="glued operators save tokens and hide structure",
    source="after TokEval",
)
ratio(
    "operator.compound_kept",
    "kept_compounds",
    "compounds",
    undefined="no operator of several characters",
    unit="share of operators",
    better="higher",
    summary="operators of several characters (`!=`, `->`, `<<=`) that lie in one token",
    formula="compound operators with 1 overlapping token / compound operators",
    caveat="the list is of common languages; in prose `--` and `...` count",
    source="after TokEval",
)
ratio(
    "indentation.tokens",
    "indent_tokens",
    "indents",
    undefined="no indented line",
    unit="tokens",
    better="lower",
    summary="tokens that an indentation takes",
    formula="tokens that overlap leading white space / indented lines",
    caveat="documents of one line must keep their leading white space to be counted",
)
ratio(
    "indentation.monotonic",
    "monotonic_steps",
    "indent_steps",
    undefined="no two indented lines of one document differ",
    unit="share of steps",
    better="higher",
    summary="changes of depth between indented lines that take no fewer tokens when deeper, and no more when shallower",
    formula="steps with sign(width change) x (token change) >= 0 / steps",
    caveat="needs documents of several lines: give whole files (jsonl, parquet)",
    source="after TokEval",
)
