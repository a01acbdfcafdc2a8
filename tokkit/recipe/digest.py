"""Digests of inputs and of steps: what decides whether a finished step still stands."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit import __version__
from tokkit.errors import InputError
from tokkit.progress import Progress, silent

_CHUNK = 1 << 22


@dataclass(frozen=True)
class FileDigest:
    """A file as it was read: the path as given, its size and its SHA-256."""

    path: str
    size_bytes: int
    sha256: str


def digest_files(paths: Sequence[Path], progress: Progress = silent) -> list[FileDigest]:
    """Size and SHA-256 of each file, in the order given.

    Always reads the content: a digest remembered by size and time would let a changed file pass.

    Raises:
        InputError: a file is missing or cannot be read.
    """
    total = sum(_size(path) for path in paths)
    done, digests = 0, []
    for path in paths:
        state, size = hashlib.sha256(), 0
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    state.update(chunk)
                    size += len(chunk)
                    progress("digest", done + size, total)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}", hint="check the path") from None
        done += size
        digests.append(FileDigest(str(path), size, state.hexdigest()))
    return digests


def step_key(step: str, facts: Mapping[str, Any]) -> str:
    """SHA-256 of a step's name, all that decides its result, and the version of tokkit; hex."""
    text = json.dumps(
        {"step": step, "tokkit": __version__, "facts": facts},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}", hint="check the path") from None
