"""The whole new table as one operator over the base's rows: copies, method, fallbacks, padding."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tokkit.transplant.base import Method, Pieces, Problem, Rows
from tokkit.transplant.compose import Compose
from tokkit.transplant.match import MISSING, Matches, Origin
from tokkit.transplant.sparse import Csr, Row
from tokkit.transplant.vocabulary import Vocabulary

COPY = "copy"
_BLOCK = 4096


@dataclass(frozen=True)
class Operator:
    """Row i is a copy of `weights`' one base row where `method[i]` is "copy", else `weights @ base + constants`.

    `constant_rows` are the rows that have constants; `residual` is NaN where it means nothing.
    """

    weights: Csr
    constant_rows: NDArray[np.int64]
    constants: NDArray[np.float32]
    method: tuple[str, ...]
    residual: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    def copies(self) -> NDArray[np.int64]:
        """Rows that are copied bit for bit."""
        return np.array([row for row, name in enumerate(self.method) if name == COPY], np.int64)

    def rows(self, base: NDArray[np.generic]) -> NDArray[np.generic]:
        """The new table in the type of `base`, made block by block."""
        made = np.zeros((len(self.weights), base.shape[1]), base.dtype)
        at = np.full(len(made), -1, np.int64)
        at[self.constant_rows] = np.arange(len(self.constant_rows))
        copies = self.copies()
        made[copies] = base[self.weights.indices[self.weights.indptr[copies]]]
        others = np.setdiff1d(np.arange(len(made)), copies)
        for start in range(0, len(others), _BLOCK):
            places = others[start : start + _BLOCK]
            block = self.weights.take(places).apply(base)
            has = at[places] >= 0
            if has.any():
                block[has] += self.constants[at[places[has]]]
            made[places] = block.astype(base.dtype)
        return made

    def vector(self, base: NDArray[np.generic]) -> NDArray[np.generic]:
        """A bias over the new rows: copies as they are, the first piece's for mixtures, else the mean."""
        flat = base.reshape(-1)
        made = np.full(len(self.weights), flat.astype(np.float64).mean(), np.float64).astype(base.dtype)
        filled = np.flatnonzero(np.diff(self.weights.indptr))
        made[filled] = flat[self.weights.indices[self.weights.indptr[filled]]]
        return made.reshape(*base.shape[:-1], len(made))


@dataclass(frozen=True)
class Assignment:
    """What each row of the new table is, the same for all tables of a model."""

    base: Vocabulary
    target: Vocabulary
    matches: Matches
    n_rows: int
    base_rows: int

    def new_text(self) -> NDArray[np.int64]:
        """Ids of new text tokens: what a method works on."""
        return self.matches.ids(Origin.NEW)

    def anchors(self, keep: Callable[[int], bool] = lambda _: True) -> NDArray[np.int64]:
        """Target ids of text tokens that both have, one for each base id, ascending."""
        found = [
            int(number)
            for number in self.matches.ids(Origin.EXACT, Origin.BYTE_ALIAS)
            if self.target.by_data.get(self.target.by_id[int(number)].data) == number and keep(int(number))
        ]
        return np.array(found, np.int64)


def without_rows(matches: Matches, target: Vocabulary, base_rows: int) -> Matches:
    """The same without sources that have no row: some models have token ids beyond their table."""
    beyond = matches.source >= base_rows
    if not beyond.any():
        return matches
    source, origin = matches.source.copy(), matches.origin.copy()
    source[beyond] = MISSING
    for number in np.flatnonzero(beyond).tolist():
        origin[number] = int(Origin.NEW if target.by_id[number].kind == "text" else Origin.NEW_SPECIAL)
    note = f"{int(beyond.sum())} matched ids lie beyond the base model's {base_rows} rows and count as new"
    return Matches(source, origin, (*matches.warnings, note))


def build(assignment: Assignment, problem: Problem, method: Method, name: str) -> Operator:
    """The operator of one matrix; `problem` wants the rows of `assignment.new_text()` in that order."""
    matches, n_rows = assignment.matches, assignment.n_rows
    entries: list[Row] = [(np.zeros(0, np.int64), np.zeros(0))] * n_rows
    labels, residual = [""] * n_rows, np.full(n_rows, np.nan)
    constants: dict[int, NDArray[np.float64]] = {}
    one = np.ones(1)
    for row in np.flatnonzero(matches.source != MISSING).tolist():
        entries[row], labels[row] = (matches.source[row : row + 1], one), COPY
    notes: list[str] = []
    ids = assignment.new_text()
    if len(ids):
        made = method.solve(problem)
        notes += made.notes
        left = _take(made, ids, np.arange(len(ids)), name, entries, labels, residual, constants)
        if len(left) and problem.pieces is not None:
            rest = Compose(Compose.Config()).solve(_part(problem, left))
            places = left
            left = places[
                _take(rest, ids[places], np.arange(len(places)), "compose", entries, labels, residual, constants)
            ]
        for place in left.tolist():
            labels[int(ids[place])], constants[int(ids[place])] = "mean", problem.mean
    _specials(assignment, entries, labels)
    _padding(assignment, problem, entries, labels, constants)
    keys = np.array(sorted(constants), np.int64)
    table = np.array([constants[int(key)] for key in keys], np.float32) if len(keys) else np.zeros((0, 0), np.float32)
    return Operator(Csr.of_rows(entries), keys, table, tuple(labels), residual, tuple(notes))


def _take(
    made: Rows,
    ids: NDArray[np.int64],
    places: NDArray[np.int64],
    label: str,
    entries: list[Row],
    labels: list[str],
    residual: NDArray[np.float64],
    constants: dict[int, NDArray[np.float64]],
) -> NDArray[np.int64]:
    """Files the rows that the method served; returns the places of the others."""
    served = np.ones(len(made.weights), bool) if made.served is None else made.served
    for place in np.flatnonzero(served).tolist():
        row = int(ids[place])
        entries[row] = made.weights.row(place)
        labels[row] = label if made.labels is None else made.labels[place]
        if made.constant is not None:
            constants[row] = made.constant[place]
        if made.residual is not None:
            residual[row] = made.residual[place]
    return places[~served]


def _part(problem: Problem, places: NDArray[np.int64]) -> Problem:
    """The problem of some of the new tokens, for a method that needs pieces only."""
    whole = problem.spelled()
    part = Pieces([whole.segments[int(at)] for at in places], [whole.lengths[int(at)] for at in places])
    return replace(problem, texts=tuple(problem.texts[int(place)] for place in places), pieces=lambda: part)


def _specials(
    assignment: Assignment,
    entries: list[Row],
    labels: list[str],
) -> None:
    """A special token without counterpart is the mean of the base's specials: never zero, never a donor's."""
    known = np.array(sorted(n for n in assignment.base.specials.values() if n < assignment.base_rows), np.int64)
    if not len(known):
        known = np.arange(min(assignment.base_rows, assignment.base.n_rows), dtype=np.int64)[:256]
    for row in assignment.matches.ids(Origin.NEW_SPECIAL).tolist():
        entries[row], labels[row] = (known, np.full(len(known), 1 / len(known))), "mean of specials"


def _padding(
    assignment: Assignment,
    problem: Problem,
    entries: list[Row],
    labels: list[str],
    constants: dict[int, NDArray[np.float64]],
) -> None:
    """Holes and rows to fill up are the base's own unused row, or the mean: a zero logit would beat negative ones."""
    known = assignment.base.by_id
    unused = [row for row in range(assignment.base_rows) if row not in known and problem.base[row].any()]
    holes = assignment.matches.ids(Origin.HOLE).tolist()
    for row in [*holes, *range(len(assignment.matches.source), assignment.n_rows)]:
        labels[row] = "padding"
        if unused:
            entries[row] = (np.array(unused[:1], np.int64), np.ones(1))
        else:
            constants[row] = problem.mean
