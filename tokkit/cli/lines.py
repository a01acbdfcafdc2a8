"""Lines of text from files and stdin as they arrive, checked to be UTF-8."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from tokkit.errors import InputError

_CHUNK = 1 << 20


def batches_of_lines(paths: Sequence[str]) -> Iterator[list[str]]:
    """Lines without their line feed (a CR stays), in batches as they can be read; `-` or no path is stdin.

    A pipe's lines come when its writer flushes them, so that `tail -f log | tokkit encode T -` answers at once.

    Raises:
        InputError: a file cannot be read, or a line is not UTF-8 (file:line:byte).
    """
    for path in paths or ("-",):
        number = 0
        for lines in _chunks(path):
            yield [_decoded(line, path, number + index + 1) for index, line in enumerate(lines)]
            number += len(lines)


def whole_texts(paths: Sequence[str]) -> Iterator[list[str]]:
    """Each file, or stdin, as one text.

    Raises:
        InputError: a file cannot be read, or is not UTF-8.
    """
    for path in paths or ("-",):
        lines = b"\n".join(line for batch in _chunks(path, keep_end=True) for line in batch)
        yield [_decoded(lines, path, 1)]


def _chunks(path: str, *, keep_end: bool = False) -> Iterator[list[bytes]]:
    with _open(path) as file:
        rest: list[bytes] = []
        while chunk := file.read1(_CHUNK):  # type: ignore[attr-defined]  # buffered readers have it, IO[bytes] hides it
            first, *others = chunk.split(b"\n")
            rest.append(first)
            if others:
                yield [b"".join(rest), *others[:-1]]
                rest = [others[-1]]
        last = b"".join(rest)
        if last or keep_end:
            yield [last]


def _open(path: str) -> IO[bytes]:
    if path == "-":
        return sys.stdin.buffer
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}", hint="check the path, or - for stdin") from None


def _decoded(line: bytes, path: str, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        name = "stdin" if path == "-" else path
        raise InputError(
            f"{name}:{number}:{error.start + 1}: not UTF-8, got byte 0x{line[error.start]:02x}",
            hint="convert the text to UTF-8 first",
        ) from None
