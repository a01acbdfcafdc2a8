"""Outputs appear whole or not at all: a temporary sibling, fsync, rename."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tokkit.errors import ResourceError, UsageError


def refuse_overwrite(path: Path, *, overwrite: bool) -> None:
    """Raises UsageError when `path` exists and may not be replaced."""
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: exists already", hint="give another path, or --overwrite to replace it")


@contextlib.contextmanager
def atomic_file(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary sibling of `path` to write; renames it to `path` when the block ends well.

    On any failure the temporary is removed and what stood at `path` is untouched.

    Raises:
        UsageError: `path` exists and `overwrite` is false.
        ResourceError: the disk is full, or the folder is missing or not writable.
    """
    refuse_overwrite(path, overwrite=overwrite)
    with _as_resource_error(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
    temporary = Path(name)
    try:
        with _as_resource_error(path):
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary sibling folder to fill; renames it to `path` when the block ends well.

    A folder that is replaced stays whole until the new one is complete.

    Raises:
        UsageError: `path` exists and `overwrite` is false.
        ResourceError: the disk is full, or the parent is missing or not writable.
    """
    refuse_overwrite(path, overwrite=overwrite)
    with _as_resource_error(path):
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        with _as_resource_error(path):
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            for file in temporary.rglob("*"):
                _sync(file)
            _swap_in(temporary, path)
            _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap_in(temporary: Path, path: Path) -> None:
    if not path.exists():
        os.rename(temporary, path)
        return
    retired = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent)) / path.name
    os.rename(path, retired)
    try:
        os.rename(temporary, path)
    except OSError:
        os.rename(retired, path)
        raise
    finally:
        shutil.rmtree(retired.parent, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _as_resource_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, (ResourceError, ConnectionError)):
            raise
        raise ResourceError(
            f"{path}: cannot write: {error.strerror or error}",
            hint="check free space and permissions; what stood there before is unchanged",
        ) from error
