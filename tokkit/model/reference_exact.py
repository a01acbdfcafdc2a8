"""Slow, obvious twin of the `exact` encoders: event logs, scaffolds and joins, row by row over the whole word."""

from collections.abc import Sequence
from itertools import pairwise

from tokkit.model.program import JOIN, MERGE, SPLIT, Row, parse_rows
from tokkit.model.tables import EncoderTables


def exact_word(ids: list[int], tables: EncoderTables) -> list[int]:
    """What the atoms `ids` of one pretoken become by `tables.log` and `tables.merges`."""
    rows = list(parse_rows(tables.log))
    if any(kind == JOIN for kind, _, _ in rows):
        return _join(ids, rows)
    if len(tables.merges) == 0:
        for kind, token, parts in rows:
            ids = _replaced(ids, parts, (token,)) if kind == MERGE else _replaced(ids, (token,), parts)
        return ids
    ids = _by_rank(ids, [(left, right, token) for left, right, token in tables.merges.tolist()])
    for kind, token, parts in rows:
        if kind == SPLIT:
            ids = _replaced(ids, (token,), parts)
    return _by_rank(ids, [(*parts, token) for kind, token, parts in rows if kind == MERGE])


def _by_rank(ids: list[int], merges: Sequence[tuple[int, ...]]) -> list[int]:
    """What ids become by merges (left, right, token), the lowest rank first and everywhere."""
    ranks = {merge[:2]: rank for rank, merge in enumerate(merges)}
    while applicable := [ranks[pair] for pair in pairwise(ids) if pair in ranks]:
        left, right, token = merges[min(applicable)]
        ids = _replaced(ids, (left, right), (token,))
    return ids


def _join(ids: list[int], rows: list[Row]) -> list[int]:
    """Joins the first row that stands anywhere, at all its places, until none stands."""
    while True:
        standing = next((row for row in rows if _replaced(ids, row[2], (row[1],)) != ids), None)
        if standing is None:
            return ids
        ids = _replaced(ids, standing[2], (standing[1],))


def _replaced(ids: list[int], old: tuple[int, ...], new: tuple[int, ...]) -> list[int]:
    """Every `old` in a row becomes `new`, from left to right."""
    replaced: list[int] = []
    at = 0
    while at < len(ids):
        if tuple(ids[at : at + len(old)]) == old:
            replaced.extend(new)
            at += len(old)
        else:
            replaced.append(ids[at])
            at += 1
    return replaced
