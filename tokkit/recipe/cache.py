"""Counts of earlier runs, by step key.

They lie in the user's cache folder and not beside the output, because the same counts serve many outputs: eight
vocabulary sizes of one corpus count it once. `TOKKIT_CACHE` names another folder; the value `off` turns it off.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.atomic import atomic_file
from tokkit.errors import ResourceError

if TYPE_CHECKING:
    from tokkit.counts import CountTable


@dataclass(frozen=True)
class CountRecord:
    """What is known of a finished count without loading it; `share` of the documents were read."""

    key: str
    digest: str
    distinct: int
    total: int
    warnings: list[str] = field(default_factory=list)
    share: float = 1.0


def cache_folder() -> Path | None:
    """Where finished steps are kept; None when that is turned off."""
    named = os.environ.get("TOKKIT_CACHE", "")
    if named == "off":
        return None
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tokkit"


def find_counts(key: str) -> tuple[CountRecord, Path] | None:
    """The record and the table file of a finished count; None when there is none that can be read."""
    folder = cache_folder()
    if folder is None:
        return None
    table = folder / "counts" / f"{key}.parquet"
    try:
        record = CountRecord(**json.loads(table.with_suffix(".json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return (record, table) if table.is_file() and record.key == key else None


def keep_counts(key: str, counts: "CountTable", warnings: list[str], *, share: float = 1.0) -> None:
    """Files a table under its step key; the record is written last, so that half a table is never found.

    `warnings` are those of reading, to be told again by later runs.

    Raises:
        ResourceError: the folder cannot be written.
    """
    folder = cache_folder()
    if folder is None:
        return
    record = CountRecord(key, counts.digest, len(counts), counts.total, warnings, share)
    table = folder / "counts" / f"{key}.parquet"
    try:
        table.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(f"{table.parent}: cannot be made: {error.strerror}") from error
    counts.save(table, overwrite=True)
    with atomic_file(table.with_suffix(".json"), overwrite=True) as temporary:
        temporary.write_text(json.dumps(asdict(record)), encoding="utf-8")
