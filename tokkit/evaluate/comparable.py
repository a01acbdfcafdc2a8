"""Whether two results can be compared at all: the same texts, definitions, lists and forms; and what differs then."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tokkit.errors import UsageError
from tokkit.evaluate.results import Results, Row, aligned

# Words and graphemes are those of the Unicode version of the `regex` package.
_OF_UNICODE: Final = ("fertility.uax29", "fertility.char", "tokens_per_grapheme")
_FLAGS: Final = ("normalize", "unit")


def check_comparable(results: Results, other: Results, *, where: str) -> None:
    """Refuses what does not measure the same; `where` names `other`.

    Raises:
        UsageError: another text under the same name, another version of a metric, word list, Unicode form or unit.
    """
    for key, what, way_out in (
        ("texts", "text", "measure the same file, or drop it"),
        ("word_lists", "word list", "numbers of different lists cannot be compared"),
        ("morpheme_lists", "morpheme list", "numbers of different lists cannot be compared"),
    ):
        ours, theirs = _digests(results, key), _digests(other, key)
        for name in sorted(ours.keys() & theirs.keys()):
            if ours[name] != theirs[name]:
                raise UsageError(f"{where}: `{name}` is another {what} there", hint=way_out)
    versions, known = ({row.name: row.metric for row in one.rows} for one in (results, other))
    shared = sorted(versions.keys() & known.keys())
    for name in shared:
        if versions[name] != known[name]:
            raise UsageError(f"{where}: has {known[name]}, this is {versions[name]}", hint="measure it again")
    if any(name in _OF_UNICODE for name in shared) and results.manifest.get("regex") != other.manifest.get("regex"):
        found = (other.manifest.get("regex"), results.manifest.get("regex"))
        raise UsageError(
            f"{where}: made with regex {found[0]}, this with {found[1]}: words and graphemes may differ",
            hint="measure it again, or leave out fertility.uax29, fertility.char and tokens_per_grapheme",
        )
    for flag in _FLAGS:
        if results.manifest.get(flag) != other.manifest.get(flag):
            got = (other.manifest.get(flag), results.manifest.get(flag))
            raise UsageError(f"{where}: measured with {flag} {got[0]}, this with {got[1]}", hint="measure it again")


def changes(results: Results, same: Results) -> list[str]:
    """What of `same` does not come out again: numbers that differ, are missing, or are of another tokenizer.

    Raises:
        UsageError: the two cannot be compared.
    """
    check_comparable(results, same, where="--verify")
    new, old = (_digests(one, "subjects") for one in (results, same))
    found = [
        f"{name}: is another tokenizer file than that of the results"
        for name in sorted(new.keys() & old.keys())
        if None not in (new[name], old[name]) and new[name] != old[name]
    ]
    rows = {(row.tokenizer, row.text, row.metric): row for row in results.rows}
    for row in same.rows:
        if row.name.startswith("speed."):
            continue
        again = rows.get((row.tokenizer, row.text, row.metric))
        if again is None:
            found.append(f"{row.metric}: {row.tokenizer} on {row.text} was not measured again")
        elif not _equal(row.value, again.value):
            found.append(f"{row.metric}: {row.tokenizer} on {row.text} has {again.value}, the results say {row.value}")
    return found


@dataclass(frozen=True)
class Change:
    """A number of two results: what it was and is, and `ratio` of the second to the first."""

    text: str
    metric: str
    a: str
    b: str
    before: Row
    after: Row

    @property
    def ratio(self) -> float | None:
        """None where a value is undefined or the first is 0."""
        old, new = self.before.value, self.after.value
        return None if old is None or new is None or old == 0 else new / old

    @property
    def verdict(self) -> str:
        """By the intervals, where both have one: no test, since the documents are not in the files."""
        old, new = self.before, self.after
        if _equal(old.value, new.value):
            return "the same"
        if old.low is None or old.high is None or new.low is None or new.high is None:
            return "-"
        return "intervals apart" if old.high < new.low or new.high < old.low else "intervals overlap"


def changes_between(first: Results, second: Results, *, names: tuple[str, str]) -> list[Change]:
    """The numbers that both have, of tokenizers of the same name, or of the only one of each.

    Raises:
        UsageError: the two cannot be compared, or have nothing in common.
    """
    check_comparable(second, first, where=names[0])
    of_first, of_second = (list(dict.fromkeys(row.tokenizer for row in one.rows)) for one in (first, second))
    alone = len(of_first) == len(of_second) == 1
    known = {(row.tokenizer, row.text, row.metric): row for row in first.rows}
    found = []
    for row in second.rows:
        old = known.get((of_first[0] if alone else row.tokenizer, row.text, row.metric))
        if old is not None:
            ends = [f"{name}:{one.tokenizer}" for name, one in zip(names, (old, row), strict=True)]
            found.append(Change(row.text, row.metric, ends[0], ends[1], old, row))
    if not found:
        raise UsageError(
            f"{names[0]} and {names[1]} have no number in common",
            hint="they need tokenizers of the same name (or one each), the same texts and metrics",
        )
    return found


def table_of(found: list[Change]) -> list[list[str]]:
    """A header and a line for each change."""
    rows = [["text", "metric", "a", "b", "a's value", "b's value", "b / a", "verdict"]]
    for one in found:
        ratio = "-" if one.ratio is None else f"{one.ratio:.4f}"
        rows.append([one.text, one.metric, one.a, one.b, one.before.shown(), one.after.shown(), ratio, one.verdict])
    return rows


def plain(found: list[Change]) -> str:
    """The table as plain text, safe on a terminal."""
    from tokkit.report.text import escape

    return aligned([[escape(cell) for cell in row] for row in table_of(found)], left=4)


def _equal(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def _digests(results: Results, key: str) -> dict[str, object]:
    entries = results.manifest.get(key)
    if not isinstance(entries, Mapping):
        return {}
    return {str(name): entry.get("sha256") for name, entry in entries.items() if isinstance(entry, Mapping)}
