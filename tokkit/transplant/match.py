"""Which token of one tokenizer is which of another: by bytes, specials by content, role or an explicit map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.transplant.vocabulary import CanonicalToken, Vocabulary

_FEW = 8
MISSING = -1
"""In a table of ids: no counterpart."""


class Origin(IntEnum):
    """Where the row of a target id comes from."""

    HOLE = 0  # no token has this id
    MAP = 1  # the user said so
    SPECIAL_CONTENT = 2
    SPECIAL_ROLE = 3
    EXACT = 4
    BYTE_ALIAS = 5  # a byte-fallback token on either side
    NEW = 6
    NEW_SPECIAL = 7


@dataclass(frozen=True)
class Matches:
    """`source` int64 [target rows]: the source id of each target id or MISSING; `origin` uint8 [target rows]."""

    source: NDArray[np.int64]
    origin: NDArray[np.uint8]
    warnings: tuple[str, ...] = ()

    def ids(self, *origins: Origin) -> NDArray[np.int64]:
        """Target ids of these origins, ascending."""
        return np.flatnonzero(np.isin(self.origin, [int(origin) for origin in origins]))

    def counts(self) -> dict[str, int]:
        """How many ids have each origin."""
        return {origin.name.lower(): int((self.origin == origin).sum()) for origin in Origin}


def text_pairs(target: Vocabulary, source: Vocabulary) -> list[tuple[int, int]]:
    """(target id, source id) of the text tokens that stand for the same bytes, by ascending target id."""
    table = source.by_data
    return [(token.id, table[token.data]) for token in target.tokens if token.kind == "text" and token.data in table]


def match(target: Vocabulary, source: Vocabulary, *, overrides: Mapping[str, str] | None = None) -> Matches:
    """Assigns a source id to as many target ids as are certain.

    Order: `overrides` (target token -> source token, by content or id) > special by content > special by role,
    one to one, earlier role first > text by bytes.

    Raises:
        UsageError: an override names a token that is not there.
    """
    rows = target.n_rows
    found = np.full(rows, MISSING, np.int64)
    origin = np.full(rows, int(Origin.HOLE), np.uint8)
    for token in target.tokens:
        origin[token.id] = int(Origin.NEW if token.kind == "text" else Origin.NEW_SPECIAL)
    for target_id, source_id in text_pairs(target, source):
        is_alias = 0 in (target.by_id[target_id].precedence, source.by_id[source_id].precedence)
        found[target_id], origin[target_id] = source_id, int(Origin.BYTE_ALIAS if is_alias else Origin.EXACT)
    _specials(target, source, found, origin)
    for left, right in (overrides or {}).items():
        target_id, source_id = _named(target, left, "target"), _named(source, right, "base")
        found[target_id], origin[target_id] = source_id, int(Origin.MAP)
    lost = [target.by_id[int(number)].token for number in np.flatnonzero(origin == Origin.NEW_SPECIAL)]
    return Matches(found, origin, tuple(_warnings(target, source, lost)))


def _specials(target: Vocabulary, source: Vocabulary, found: NDArray[np.int64], origin: NDArray[np.uint8]) -> None:
    """Assigns specials, each source of a role at most once."""
    used: set[int] = set()
    # A special may be ordinary text to the other side (`<tool_call>`): content decides, the kind doesn't.
    contents = {token.token: token.id for token in source.tokens if _is_literal(token)} | source.specials
    for text, target_id in target.specials.items():
        if text in contents:
            found[target_id], origin[target_id] = contents[text], int(Origin.SPECIAL_CONTENT)
            used.add(contents[text])
    by_role = sorted(target.roles.items(), key=lambda item: _ROLE_ORDER.get(item[0], len(_ROLE_ORDER)))
    for role, target_id in by_role:
        source_id = source.roles.get(role)
        if source_id is None or found[target_id] != MISSING or source_id in used:
            continue
        found[target_id], origin[target_id] = source_id, int(Origin.SPECIAL_ROLE)
        used.add(source_id)


_ROLE_ORDER = {name: place for place, name in enumerate(("bos", "eos", "pad", "unk", "mask", "cls", "sep"))}


def _is_literal(token: CanonicalToken) -> bool:
    return token.data == token.token.encode() and token.token.startswith("<") and token.token.endswith(">")


def _named(vocabulary: Vocabulary, name: str, side: str) -> int:
    by_text = {token.token: token.id for token in reversed(vocabulary.tokens)}
    if name in by_text:
        return by_text[name]
    if name.encode() in vocabulary.by_data:
        return vocabulary.by_data[name.encode()]
    if name.isdigit() and int(name) in vocabulary.by_id:
        return int(name)
    raise UsageError(f"--map: the {side} tokenizer has no token {name!r}", hint="write a token's text or its id")


def _warnings(target: Vocabulary, source: Vocabulary, lost: Sequence[str]) -> list[str]:
    found: list[str] = []
    if lost:
        shown = ", ".join(lost[:_FEW]) + (" …" if len(lost) > _FEW else "")
        found.append(f"{len(lost):,} special tokens have no counterpart, rows are the mean of the base's: {shown}")
    if sorted(target.normalizer) != sorted(source.normalizer):
        before, now = (" + ".join(names) or "none" for names in (source.normalizer, target.normalizer))
        found.append(f"normalizers differ: {before} before, {now} now; tokens match as normalised text")
    if "wordpiece" in (target.family, source.family) and target.family != source.family:
        found.append("WordPiece marks no spaces: its matches are approximate")
    if "bos" in target.roles and "bos" not in source.roles:
        found.append("the base has no bos token: the model never saw one, its new row may act as an attention sink")
    return found
