"""Whether tokens respect the leaves of Python's syntax: names, numbers, operators, strings, comments.

Python's own parser says what is Python and its own tokenizer where the leaves are, so that no grammar needs to be
installed. Documents that do not parse are left out, and those of one line.
"""

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.metrics.base import Better, ratio
from tokkit.metrics.batch import Batch, byte_positions, overlaps
from tokkit.metrics.evidence import COLUMNS, Column

_OPEN: Final = frozenset([tokenize.NAME, tokenize.NUMBER, tokenize.OP])
_CLOSED: Final = frozenset([tokenize.STRING, tokenize.COMMENT])
# From Python 3.12 on the parts of an f-string are tokens: taken together, so that versions agree.
_F_START: Final = getattr(tokenize, "FSTRING_START", -1)
_F_END: Final = getattr(tokenize, "FSTRING_END", -1)
_NAMES: Final = (
    *("leaf_pairs", "parted_leaf_pairs", "leaf_cuts", "cuts_between_leaves", "open_leaves", "whole_leaves"),
)


@dataclass(frozen=True)
class Leaves:
    """Start and end of each leaf in the UTF-8 of a text, int64 [n_leaves] each, in order.

    `is_open` says that the leaf is a name, a number or an operator; a string or a comment holds text of its own, and
    cuts inside of it are neither good nor bad.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    is_open: NDArray[np.bool_]


def python_leaves(text: str) -> Leaves | None:
    """The leaves of a text; None where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
        found = _tokens(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    lines = np.cumsum([0, *(len(line) for line in io.StringIO(text, newline="\n"))])
    place = byte_positions(text.encode())
    spans = [(lines[top - 1] + left, lines[bottom - 1] + right) for (top, left), (bottom, right), _ in found]
    table = place[np.minimum(np.array(spans, np.int64).reshape(-1, 2), len(place) - 1)]
    return Leaves(table[:, 0], table[:, 1], np.array([is_open for _, _, is_open in found], bool))


def _tokens(text: str) -> list[tuple[tuple[int, int], tuple[int, int], bool]]:
    found = []
    depth, begin = 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(text, newline="\n").readline):
        if token.type == _F_START:
            begin = begin if depth else token.start
            depth += 1
        elif token.type == _F_END:
            depth -= 1
            if not depth:
                found.append((begin, token.end, False))
        elif not depth and token.type in _OPEN | _CLOSED:
            found.append((token.start, token.end, token.type in _OPEN))
    return found


def _row(batch: Batch, index: int) -> list[int]:
    text = batch.texts[index]
    # A line of prose may well be a name or an expression; a file has a line feed.
    leaves = python_leaves(text) if "\n" in text else None
    if leaves is None or not len(leaves.low):
        return [0] * len(_NAMES)
    starts, ends = batch.spans(index)
    filled = ends > starts
    starts, ends = starts[filled], ends[filled]
    edges = np.unique(np.concatenate([starts, ends]))
    # A cut anywhere in the white space between two leaves parts them: most tokenizers give a space to what follows.
    parted = np.searchsorted(edges, leaves.high[:-1], "left") < np.searchsorted(edges, leaves.low[1:], "right")
    cuts = edges[(edges > leaves.low[0]) & (edges < leaves.high[-1])]
    around = np.searchsorted(leaves.low, cuts, "right") - 1
    is_inside = (cuts > leaves.low[around]) & (cuts < leaves.high[around])
    counted = ~is_inside | leaves.is_open[around]
    alone = overlaps(starts, ends, leaves.low, leaves.high) == 1
    token = np.minimum(np.searchsorted(ends, leaves.low, "right"), max(len(ends) - 1, 0))
    of_token = overlaps(leaves.low, leaves.high, starts, ends)
    whole = leaves.is_open & alone
    whole[whole] = of_token[token[whole]] == 1
    return [
        *(len(parted), int(parted.sum()), int(counted.sum()), int((~is_inside).sum())),
        *(int(leaves.is_open.sum()), int(whole.sum())),
    ]


def _rows(batch: Batch) -> dict[str, Column]:
    cache: dict[str, Column] | None = batch.__dict__.get("_syntax")
    if cache is None:
        table = np.array([_row(batch, index) for index in range(len(batch.texts))], np.int64).reshape(-1, len(_NAMES))
        cache = batch.__dict__["_syntax"] = dict(zip(_NAMES, table.T, strict=True))
    return cache


def _register(name: str) -> None:
    COLUMNS[name] = lambda batch: _rows(batch)[name]


for _name in _NAMES:
    _register(_name)

_ROWS: Final[tuple[tuple[str, str, str, str, Better, str, str, str], ...]] = (
    (
        "boundary_recall",
        "parted_leaf_pairs",
        "leaf_pairs",
        "share of boundaries",
        "higher",
        "boundaries between leaves of the syntax (names, operators ...) where a token ends, in Python files",
        "neighbouring leaves with a cut between them / neighbouring leaves",
        "a cut in the white space between them counts; `):` as one token lowers it and saves a token",
    ),
    (
        "boundary_precision",
        "cuts_between_leaves",
        "leaf_cuts",
        "share of cuts",
        "higher",
        "cuts that lie between leaves of the syntax, not inside of a name, a number or an operator, in Python files",
        "cuts between leaves / cuts outside of strings and comments",
        "read it with the recall: a tokenizer of lines never cuts a name",
    ),
    (
        "whole",
        "whole_leaves",
        "open_leaves",
        "share of leaves",
        "higher",
        "names, numbers and operators that are one token which holds no other leaf, in Python files",
        "leaves with one overlapping token, and that with no other leaf / leaves that are no string or comment",
        "white space in front may belong to the token; common keywords weigh most",
    ),
)
for _what, _above, _below, _unit, _better, _summary, _formula, _caveat in _ROWS:
    ratio(
        f"python_leaves.{_what}",
        _above,
        _below,
        undefined="no document is Python: give whole files, with --whole or as rows",
        unit=_unit,
        better=_better,
        summary=_summary,
        formula=_formula,
        caveat=f"{_caveat}; documents without a line feed are left out",
        source="after TokEval's alignment with leaves of the AST",
    )
