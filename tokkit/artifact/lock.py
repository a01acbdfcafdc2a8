"""One writer a folder: a lock file beside it that names the process."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tokkit.errors import ResourceError


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Holds the lock file `.<name>.lock` beside `folder`; the kernel frees it when the process dies, however it dies.

    Raises:
        ResourceError: another process (named by its pid) is writing there, or the parent is missing or not writable.
    """
    path = folder.parent / f".{folder.name}.lock"
    descriptor = _acquire(path, folder)
    try:
        os.ftruncate(descriptor, 0)
        with contextlib.suppress(OSError):  # a full disk must not keep the caller from its own, clearer error
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path, folder: Path) -> int:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ResourceError(
                f"{folder}: cannot write: {error.strerror}", hint="check that the parent folder exists and is writable"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The holder before us may have unlinked the file between our open and our lock: then we hold nothing.
            if _same_file(path, descriptor):
                return descriptor
        except BlockingIOError:
            owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise ResourceError(
                f"{folder}: another process is writing there, pid {owner}", hint="wait for it, or give another folder"
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
