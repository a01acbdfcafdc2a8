"""The history of one token in the log: when it was made, consumed, removed, restored, and why."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tokkit.errors import InputError
from tokkit.model.events import Event, Kind
from tokkit.model.model import Model
from tokkit.model.program import first_parents
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids
from tokkit.report.text import quoted


@dataclass(frozen=True)
class Step:
    """One event that made, removed or restored the token.

    what: made, made again, restored, removed, flagged, unflagged, knocked out. count: what the event logged (pairs for
    merges, uses of the token else). why: one sentence. parts: the tokens it was made of or fell into, internal ids.
    """

    event: int
    what: str
    count: int
    why: str
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Explanation:
    """A token, its place and its history. `children` are (event, token) of the merges that used it."""

    token: int
    id: int | None
    spelled: bytes
    kind: str
    parents: tuple[int, int] | None
    steps: tuple[Step, ...]
    children: tuple[tuple[int, int], ...]
    n_events: int

    @property
    def is_present(self) -> bool:
        """Whether the token is in the final vocabulary."""
        return self.id is not None


def find_token(model: Model, spelled: bytes) -> int:
    """Internal id of the token with these bytes, present ones first.

    Raises:
        InputError: no such token was ever made.
    """
    found = [token for token, known in enumerate(model.tokens) if known == spelled]
    if not found:
        raise InputError(f"no token {spelled!r} was ever made", hint="a token often begins with a space")
    return max(found, key=lambda token: (bool(model.present[token]), -token))


def find_id(model: Model, number: int) -> int:
    """Internal id of an output id.

    Raises:
        InputError: no such id.
    """
    found = np.flatnonzero(output_ids(model) == number)
    if number >= NOT_IN_VOCAB or not len(found):
        raise InputError(f"id {number} is not in the vocabulary")
    return int(found[0])


def explain(model: Model, token: int) -> Explanation:
    """The history of the token with this internal id; time is linear in the log."""
    number = int(output_ids(model)[token])
    users = zip(model.events.left.tolist(), model.events.right.tolist(), model.events.token.tolist(), strict=True)
    is_merge = model.events.kind == Kind.MERGE
    return Explanation(
        token=token,
        id=None if number == NOT_IN_VOCAB else number,
        spelled=model.tokens[token],
        kind=_kind(model, token),
        parents=first_parents(model).get(token),
        steps=tuple(_steps(model, token)),
        children=tuple(
            (at, made) for at, (left, right, made) in enumerate(users) if is_merge[at] and token in (left, right)
        ),
        n_events=len(model.events),
    )


def _kind(model: Model, token: int) -> str:
    if token < model.n_specials:
        return "special token"
    if token < model.first_atom:
        return "byte token"
    return "atom" if token < model.first_made else "made by training"


def _steps(model: Model, token: int) -> Iterator[Step]:
    is_present = token < model.first_made
    is_known = is_present
    for at in np.flatnonzero(model.events.token == token).tolist():
        event = model.events[at]
        if event.kind in (Kind.MERGE, Kind.ADMIT):
            what = "made again" if is_present else "restored" if is_known else "made"
            parts = (event.left, event.right) if event.kind == Kind.MERGE else ()
            yield Step(at, what, event.count, _why_made(event, what), parts)
            is_present = is_known = True
        elif event.kind == Kind.UNFLAG:
            why = f"with {event.count:,} uses it came before every pair and every other flagged token"
            yield Step(at, "unflagged", event.count, why, ())
            is_present = True
        else:
            name = {Kind.SPLIT: "removed", Kind.FLAG: "flagged", Kind.KNOCKOUT: "knocked out"}[event.kind]
            yield Step(at, name, event.count, _why_gone(model, at, event), event.pieces)
            is_present = False


def _why_made(event: Event, what: str) -> str:
    if event.kind == Kind.ADMIT:
        return "taken into the vocabulary without a merge"
    again = {"made again": ", by another pair", "restored": ", after it was removed"}.get(what, "")
    return f"its parts stood side by side {event.count:,} times, more often than any other pair{again}"


def _why_gone(model: Model, at: int, event: Event) -> str:
    if event.kind == Kind.KNOCKOUT:
        return f"making it joined over reference boundaries too often (made {event.count:,} times in the reference)"
    if event.kind == Kind.FLAG:
        heads = (model.events[place] for place in range(at + 1, len(model.events)))
        head = next((later.count for later in heads if later.kind != Kind.FLAG), None)
        if head is None:
            return f"only {event.count:,} uses were left"
        return f"only {event.count:,} uses were left, and what came next had {head:,}"
    merge = next(model.events[place] for place in range(at - 1, -1, -1) if model.events[place].kind == Kind.MERGE)
    rest, child = event.count, model.tokens[merge.token]
    uses = "at most " if merge.left == merge.right else ""
    share = merge.count / (rest + merge.count)
    return f"{uses}{merge.count:,} of its uses went into {quoted(child)}, {rest:,} were left: {share:.1%} intersection"
