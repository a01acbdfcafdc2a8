"""Reads a recipe: TOML, `extends`, `--set`, `[vars]`; yields a plain table and the faults met on the way."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokkit.recipe.faults import Fault, RecipeError
from tokkit.recipe.find import find_recipe

Table = dict[str, Any]
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_MAX_EXTENDS = 16
_MAX_BYTES = 4 << 20


@dataclass
class Loaded:
    """A recipe as a plain table, after extends, overrides and variables; `faults` are those found so far."""

    name: str
    table: Table
    faults: list[Fault] = field(default_factory=list)


def load(name_or_path: str, overrides: Sequence[str] = ()) -> Loaded:
    """The table of a recipe file, or of a recipe that ships with tokkit.

    Raises:
        RecipeError: there is no such file, or it is no TOML, or `extends` goes in circles.
    """
    path = find_recipe(name_or_path)
    loaded = Loaded(name=_stem(path), table=_read(path, ()))
    return finish(loaded, overrides)


def finish(loaded: Loaded, overrides: Sequence[str]) -> Loaded:
    """Applies `--set` and then the variables to a table that is read or built."""
    for override in overrides:
        fault = _override(loaded.table, override)
        loaded.faults += [fault] if fault else []
    variables = loaded.table.pop("vars", {})
    if not isinstance(variables, dict):
        loaded.faults.append(Fault("vars", "must be a table of names and values"))
        variables = {}
    loaded.table = _substitute(loaded.table, variables, "", loaded.faults)
    return loaded


def parse_value(text: str) -> Any:
    """The value in `--set key=value`: TOML if it is TOML, else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text


def _stem(path: Path) -> str:
    return path.name.removesuffix(".toml").removesuffix(".lock")


def _read(path: Path, seen: tuple[Path, ...]) -> Table:
    if path in seen or len(seen) > _MAX_EXTENDS:
        chain = " -> ".join(str(step) for step in (*seen, path))
        raise RecipeError([Fault(str(path), f"`extends` goes in circles: {chain}")])
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RecipeError([Fault(str(path), f"is no recipe: larger than {_MAX_BYTES} bytes")])
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError([Fault(str(path), f"is not TOML: {error}")]) from None
    except RecursionError:
        raise RecipeError([Fault(str(path), "is nested too deeply")]) from None
    except OSError as error:
        raise RecipeError([Fault(str(path), f"cannot be read: {error.strerror}")]) from None
    # Here, not after merging: `${here}` means the folder of the file that says it.
    table = {key: _replace_here(value, path.parent) for key, value in table.items()}
    base = table.pop("extends", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise RecipeError([Fault("extends", f"must be the name of a recipe, got {base!r}")])
    return _merge(_read(find_recipe(base, beside=path.parent), (*seen, path)), table)


def _replace_here(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {key: _replace_here(inner, folder) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replace_here(inner, folder) for inner in value]
    return value.replace("${here}", str(folder)) if isinstance(value, str) else value


def _merge(base: Table, table: Mapping[str, Any]) -> Table:
    """Tables merge key by key; anything else in `table` replaces what `base` has."""
    merged = dict(base)
    for key, value in table.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _override(table: Table, text: str) -> Fault | None:
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key or not all(key.split(".")):
        return Fault(f"--set {text}", "must be KEY=VALUE", "for example --set train.vocab_size=8000")
    parts = key.split(".")
    here: Any = table
    for depth, part in enumerate(parts[:-1]):
        here = _step_into(here, part)
        if here is None:
            return Fault(f"--set {key}", f"`{'.'.join(parts[: depth + 1])}` is no table")
    if isinstance(here, list):
        if not parts[-1].isdigit() or int(parts[-1]) >= len(here):
            return Fault(f"--set {key}", f"has {len(here)} entries, numbered from 0, got `{parts[-1]}`")
        here[int(parts[-1])] = parse_value(value.strip())
    elif isinstance(here, dict):
        here[parts[-1]] = parse_value(value.strip())
    else:
        return Fault(f"--set {key}", f"`{'.'.join(parts[:-1])}` is no table")
    return None


def _step_into(here: Any, part: str) -> Any:
    if isinstance(here, dict):
        return here.setdefault(part, {})
    if isinstance(here, list) and part.isdigit() and int(part) < len(here):
        return here[int(part)]
    return None


def _substitute(value: Any, variables: Table, where: str, faults: list[Fault]) -> Any:
    if isinstance(value, dict):
        return {
            key: _substitute(inner, variables, f"{where}.{key}".lstrip("."), faults) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_substitute(inner, variables, f"{where}.{index}", faults) for index, inner in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    unknown = sorted(set(_VARIABLE.findall(value)) - set(variables))
    if unknown:
        known = ", ".join(f"`{name}`" for name in sorted(variables)) or "none"
        faults += [Fault(where, f"unknown variable, got `${{{name}}}`", f"[vars] has: {known}") for name in unknown]
        return value
    whole = _VARIABLE.fullmatch(value)
    # A string that is nothing but a variable takes its type: vocab_size = "${size}".
    return variables[whole[1]] if whole else _VARIABLE.sub(lambda match: str(variables[match[1]]), value)
