"""What the compiled encoder and the carried loader run for a log that does more than merge: rows of ids.

Tokens that left the vocabulary have ids after it (`extended_ids`), so that a row is whole without internal ids.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokenizerError
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.vocab import extended_ids, output_ids

MERGE: Final = 0
SPLIT: Final = 1
JOIN: Final = 6
Row = tuple[int, int, tuple[int, ...]]
"""(`MERGE`, `SPLIT` or `JOIN`; token made or taken apart; its parts or pieces)."""


@dataclass(frozen=True)
class Program:
    """`merges` (left, right, token) by rank, uint32 [k, 3], then the splits of `rows`; or all of it in `rows`.

    Merges in `rows` after those splits are for words that were taken apart, by rank too. Without `merges` the rows are
    replayed in order (merges and splits), or are joins, of which the first that applies anywhere goes before all
    others.
    """

    merges: NDArray[np.uint32]
    rows: tuple[Row, ...]

    def flat(self) -> NDArray[np.uint32]:
        """The rows end to end, each (kind, token, number of parts, parts)."""
        numbers = [number for kind, token, parts in self.rows for number in (kind, token, len(parts), *parts)]
        return np.array(numbers, np.uint32)


def parse_rows(flat: NDArray[np.uint32]) -> Iterator[Row]:
    """The rows of `Program.flat`."""
    numbers, at = flat.tolist(), 0
    while at < len(numbers):
        kind, token, n = numbers[at : at + 3]
        yield kind, token, tuple(numbers[at + 3 : at + 3 + n])
        at += 3 + n


def is_plain(model: Model) -> bool:
    """Whether merges by rank are all that the log says."""
    return not bool(np.isin(model.events.kind, (Kind.SPLIT, Kind.FLAG, Kind.UNFLAG, Kind.KNOCKOUT)).any())


def exact_program(model: Model) -> Program:
    """The encoder that a log means: replay (splits), merging and taking apart (flags), or joins (knockouts).

    Where the model's config says `remerge`, words that were taken apart are merged again, by the merges of tokens that
    stay.

    Raises:
        TokenizerError: a log with splits and flags, or with knockouts and either.
    """
    kinds = {Kind(int(kind)) for kind in np.unique(model.events.kind)} - {Kind.MERGE, Kind.ADMIT, Kind.UNFLAG}
    if len(kinds) > 1:
        names = ", ".join(sorted(kind.name.lower() for kind in kinds))
        raise TokenizerError(f"the log has {names} events, which have no common meaning")
    ids = extended_ids(output_ids(model))
    nothing = np.zeros((0, 3), np.uint32)
    if kinds == {Kind.SPLIT}:
        return Program(nothing, tuple(_replay_rows(model, ids)))
    if kinds == {Kind.KNOCKOUT}:
        return Program(nothing, tuple(_join_rows(model, ids)))
    merges = np.ascontiguousarray(ids[model.events.merges()].reshape(-1, 3), np.uint32)
    splits = [
        (SPLIT, int(ids[token]), tuple(int(ids[piece]) for piece in pieces)) for token, pieces in demolished(model)
    ]
    again = _remerge_rows(model, ids) if splits and model.config.get("remerge", False) else ()
    return Program(merges, (*splits, *again))


def demolished(model: Model) -> list[tuple[int, tuple[int, ...]]]:
    """(token, pieces) of every token that merging makes and the vocabulary lacks, in internal ids.

    The pieces are those of the first derivation, down to the first tokens of the vocabulary.
    """
    parents = first_parents(model)
    pieces: dict[int, tuple[int, ...]] = {}
    for token, parts in parents.items():  # parts come before what is made of them
        if not model.present[token]:
            pieces[token] = tuple(piece for part in parts for piece in pieces.get(part, (part,)))
    return list(pieces.items())


def first_parents(model: Model) -> dict[int, tuple[int, int]]:
    """Token -> the pair that made it first, in the order of the log."""
    parents: dict[int, tuple[int, int]] = {}
    for left, right, token in model.events.merges().tolist():
        parents.setdefault(token, (left, right))
    return parents


def ghost_merges(model: Model) -> NDArray[np.uint32]:
    """The merges of the log in internal ids, each pair where it first stands; uint32 [n, 3]."""
    seen: set[tuple[int, int]] = set()
    rows = []
    for left, right, token in model.events.merges().tolist():
        if (left, right) not in seen:
            seen.add((left, right))
            rows.append((left, right, token))
    return np.array(rows, np.uint32).reshape(-1, 3)


def _replay_rows(model: Model, ids: NDArray[np.uint32]) -> Iterator[Row]:
    for event in model.events:
        if event.kind == Kind.MERGE:
            yield MERGE, int(ids[event.token]), (int(ids[event.left]), int(ids[event.right]))
        elif event.kind == Kind.SPLIT:
            yield SPLIT, int(ids[event.token]), tuple(int(ids[piece]) for piece in event.pieces)


def _join_rows(model: Model, ids: NDArray[np.uint32]) -> Iterator[Row]:
    pieces = dict(demolished(model))
    for left, right, token in model.events.merges().tolist():
        if token not in pieces:
            parts = (*pieces.get(left, (left,)), *pieces.get(right, (right,)))
            yield JOIN, int(ids[token]), tuple(int(ids[part]) for part in parts)


def _remerge_rows(model: Model, ids: NDArray[np.uint32]) -> Iterator[Row]:
    present = model.present
    for left, right, token in model.events.merges().tolist():
        if present[left] and present[right] and present[token]:
            yield MERGE, int(ids[token]), (int(ids[left]), int(ids[right]))
