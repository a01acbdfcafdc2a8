"""Reads data sets through the `datasets` library: local folders of `save_to_disk`, and the hub by streaming."""

import re
from collections.abc import Iterator
from typing import Any

from tokkit.corpus.batch import Batch, gather
from tokkit.corpus.jsonl import text_of
from tokkit.corpus.paths import HUB
from tokkit.corpus.report import CorpusReport
from tokkit.corpus.spec import SourceSpec
from tokkit.corpus.stream import is_offline
from tokkit.corpus.utf8 import encode
from tokkit.errors import InputError, NetworkError

_ID = re.compile(
    r"(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[\w.-]+))?(/(?P<config>[\w.-]+))?(:(?P<split>[\w\[\]%:+.-]+))?", re.ASCII
)


def read_dataset(spec: SourceSpec, report: CorpusReport, *, rank: int = 0, world_size: int = 1) -> Iterator[Batch]:
    """Batches of the column `spec.field`; with `world_size` > 1 every such row whose index leaves `rank`.

    No code of a data set is ever run. Splits of a folder are read in the order of their names.

    Raises:
        InputError: no such column. NetworkError: the hub cannot be reached, or offline is asked for.
    """
    parts = _hub_parts(spec) if spec.path.startswith(HUB) else _folder_parts(spec)
    return gather(_texts(parts, spec, report, rank, world_size), spec.weight)


def parse_id(path: str) -> tuple[str, str | None, str | None, str]:
    """(id, revision, config, split) of `hf://datasets/owner/name[@revision][/config][:split]`.

    The split is `train` when none is named.

    Raises:
        InputError: the path has another form.
    """
    match = _ID.fullmatch(path.removeprefix(HUB))
    if match is None:
        raise InputError(
            f"{path}: not a data set id", hint="the form is hf://datasets/owner/name[@revision][/config][:split]"
        )
    return match["id"], match["revision"], match["config"], match["split"] or "train"


def _texts(
    parts: "Iterator[tuple[str, Any]]", spec: SourceSpec, report: CorpusReport, rank: int, world_size: int
) -> Iterator[bytes]:
    for name, rows in parts:
        for index, row in enumerate(rows):
            if index % world_size != rank:
                continue
            where = f"{name}: row {index}"
            text = text_of(row, spec.field, where)
            if text is None:
                report.skipped[f"`{spec.field}` is null"] += 1
                continue
            encoded = encode(text, spec.invalid_utf8, where, report)
            if encoded is not None:
                yield encoded


def _folder_parts(spec: SourceSpec) -> "Iterator[tuple[str, Any]]":
    import datasets

    try:
        loaded = datasets.load_from_disk(spec.path)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{spec.path}: not a readable data set folder: {error}") from error
    if isinstance(loaded, datasets.Dataset):
        yield spec.path, _column_only(loaded, spec.field)
        return
    for split in sorted(loaded):
        yield f"{spec.path}:{split}", _column_only(loaded[split], spec.field)


def _hub_parts(spec: SourceSpec) -> "Iterator[tuple[str, Any]]":
    name, revision, config, split = parse_id(spec.path)
    if is_offline():
        raise NetworkError(
            f"{spec.path}: not opened while offline",
            hint="unset HF_HUB_OFFLINE, or save the data set with `save_to_disk` and give that folder",
        )
    import datasets

    try:
        loaded = datasets.load_dataset(
            name, config, split=split, revision=revision, streaming=True, trust_remote_code=False
        )
        yield spec.path, _watched(loaded, spec.path)
    except (OSError, ConnectionError) as error:
        raise _unreachable(spec.path, error) from error
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{spec.path}: {error}") from error


def _watched(rows: Any, path: str) -> Iterator[Any]:
    try:
        yield from rows
    except (OSError, ConnectionError) as error:
        raise _unreachable(path, error) from error


def _unreachable(path: str, error: Exception) -> NetworkError:
    # The library's message may hold a URL with a token: only its kind is passed on.
    return NetworkError(
        f"{path}: the hub cannot be reached or has no such data set ({type(error).__name__})",
        hint="check the id and the network; private data sets need HF_TOKEN",
    )


def _column_only(rows: Any, field: str) -> Any:
    return rows.select_columns([field]) if field in rows.column_names else rows
