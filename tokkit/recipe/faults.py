"""Faults of a recipe or an option set: each with its key path, the value got and, where it is clear, the way out."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokkit.errors import TokkitError, UsageError


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `where` is a key path, a file or an option."""

    where: str
    what: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class RecipeError(UsageError):
    """All faults of one recipe; `faults` has them one by one."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults), hint=faults[0].hint if len(faults) == 1 else None)
        self.faults = tuple(faults)


def unknown_key(where: str, key: str, value: object, known: Collection[str]) -> Fault:
    """The fault of a key that nothing reads."""
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "one of: " + ", ".join(sorted(known))
    return Fault(_path(where, key), f"unknown option, got {shown(value)}", hint)


def shown(value: object) -> str:
    """A value as the user would write it, cut to 60 characters."""
    if value is True or value is False:
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def faults_of(error: Any, where: str, model: Any = None) -> list[Fault]:
    """The faults in a pydantic ValidationError, key paths below `where`; `model` gives the known keys."""
    return [_fault(item, where, model) for item in error.errors(include_url=False)]


def _fault(item: Mapping[str, Any], where: str, model: Any) -> Fault:
    location = [str(part) for part in item["loc"]]
    value = item.get("input")
    if item["type"] == "extra_forbidden":
        return unknown_key(_path(where, *location[:-1]), location[-1], value, _fields(model, location[:-1]))
    path = _path(where, *location)
    cause = (item.get("ctx") or {}).get("error")
    if isinstance(cause, TokkitError):
        return Fault(path, cause.message, cause.hint)
    if item["type"] == "missing":
        return Fault(path, "is missing", "it has no default: give it a value")
    what = _wording(item)
    hint = None
    if item["type"] in ("literal_error", "enum") and isinstance(value, str):
        choices = [choice.strip("'\"") for choice in str(item["ctx"]["expected"]).replace(" or ", ", ").split(", ")]
        near = difflib.get_close_matches(value, choices, n=1)
        hint = f"did you mean `{near[0]}`?" if near else None
    got = "" if cause is not None and shown(value) in what else f", got {shown(value)}"
    return Fault(path, what + got, hint)


_WORDS = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number of reasonable size",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def _wording(item: Mapping[str, Any]) -> str:
    kind = item["type"]
    if kind in _BOUNDS:
        word, name = _BOUNDS[kind]
        bound = item["ctx"][name]
        return f"must be {word} {int(bound) if isinstance(bound, float) and bound.is_integer() else bound}"
    if kind in ("literal_error", "enum"):
        return "must be one of " + str(item["ctx"]["expected"]).replace("'", "`")
    message = str(item["msg"]).removeprefix("Value error, ")
    return _WORDS.get(kind, message[:1].lower() + message[1:])


def _fields(model: Any, location: Sequence[str]) -> list[str]:
    """The keys that the model at `location` below `model` knows."""
    for part in location:
        field = getattr(model, "model_fields", {}).get(part)
        model = None if field is None else field.annotation
    return sorted(getattr(model, "model_fields", {}))


def _path(*parts: str) -> str:
    return ".".join(part for part in parts if part)
