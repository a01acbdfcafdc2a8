"""JSON from a stranger: bounded in size and depth, no duplicate keys, and every value asked for its type."""

import json
import os
from pathlib import Path
from typing import Final

from tokkit.errors import InputError, TokenizerError

SIZE_LIMIT: Final = 256 * 2**20
DEPTH_LIMIT: Final = 64

Json = dict[str, object] | list[object] | str | int | float | bool | None


def read_bytes(path: Path) -> bytes:
    """The bytes of a file of at most 256 MiB.

    Raises:
        InputError: the file cannot be read.
        TokenizerError: it is larger.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            # A pipe or a growing file tells no true size.
            content = b"" if size > SIZE_LIMIT else file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if max(size, len(content)) > SIZE_LIMIT:
        raise TokenizerError(f"{path}: larger than 256 MiB", hint="this is not the file of a tokenizer")
    return content


def read_object(path: Path) -> dict[str, object]:
    """The object that a JSON file holds.

    Raises:
        InputError: the file cannot be read.
        TokenizerError: not JSON, too large, nested too deep, a key twice, or not an object.
    """
    content = read_bytes(path)
    try:
        value = json.loads(content, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise TokenizerError(f"{path}: nested deeper than {DEPTH_LIMIT} levels") from error
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path}: not UTF-8 at byte {error.start}") from error
    except ValueError as error:
        raise TokenizerError(f"{path}: bad JSON: {error}", hint="the file may be cut short") from error
    _check_depth(value, path)
    if not isinstance(value, dict):
        raise TokenizerError(f"{path}: must hold a JSON object, got {type(value).__name__}")
    return value


def obj(value: object, where: str) -> dict[str, object]:
    """`value`, which must be an object."""
    if not isinstance(value, dict):
        raise TokenizerError(f"{where}: must be an object, got {_short(value)}")
    return value


def array(value: object, where: str) -> list[object]:
    """`value`, which must be a list."""
    if not isinstance(value, list):
        raise TokenizerError(f"{where}: must be a list, got {_short(value)}")
    return value


def text(value: object, where: str) -> str:
    """`value`, which must be a string without lone surrogates."""
    if not isinstance(value, str):
        raise TokenizerError(f"{where}: must be a string, got {_short(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise TokenizerError(f"{where}: lone surrogate in {_short(value)}") from error
    return value


def number(value: object, where: str, *, limit: int) -> int:
    """`value`, which must be an integer with 0 <= value < limit."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TokenizerError(f"{where}: must be an integer, got {_short(value)}")
    if not 0 <= value < limit:
        raise TokenizerError(f"{where}: must lie in 0..{limit - 1}, got {_short(value)}")
    return value


def _short(value: object) -> str:
    shown = ascii(value) if not isinstance(value, int) or abs(value) < 10**40 else "a huge number"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {_short(key)} occurs twice")
            seen.add(key)
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: object, path: Path) -> None:
    level = [value]
    for _ in range(DEPTH_LIMIT):
        below: list[object] = []
        for item in level:
            children = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
            below.extend(child for child in children if isinstance(child, (dict, list)))
        if not below:
            return
        level = below
    raise TokenizerError(f"{path}: nested deeper than {DEPTH_LIMIT} levels")
