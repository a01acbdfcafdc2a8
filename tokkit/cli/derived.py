"""What a command line says of the fields of a `Config`: one definition of name, type, range, description, default."""

import enum
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined


def described(config: type[BaseModel]) -> list[dict[str, Any]]:
    """What an option shows of each field: `field`, `kind` (`flag`, a metavar or a list of choices), `multiple`, `help`.

    Fields whose type is no scalar, choice or list of scalars (nested tables) are for recipes only.
    """
    return [row for name, field in config.model_fields.items() if (row := _row(name, field)) is not None]


def given(options: Mapping[str, Any], section: str) -> dict[str, Any]:
    """The values of `section` that the user gave, by field name; what wasn't given is left to the Config's default."""
    prefix = f"{section}__"
    return {
        name.removeprefix(prefix): list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if name.startswith(prefix) and value is not None and value != ()
    }


def _row(name: str, field: FieldInfo) -> dict[str, Any] | None:
    shape = _shape(field.annotation)
    if shape is None:
        return None
    kind, is_multiple = shape
    text = (field.description or "").strip()
    notes = [note for note in (_range(field), _default(field), "repeatable" if is_multiple else "") if note]
    text = f"{text[:1].upper()}{text[1:]}" + (f"  [{'; '.join(notes)}]" if notes else "")
    shown = list(kind) if isinstance(kind, tuple) else _METAVARS[kind]
    return {"field": name, "kind": shown, "multiple": is_multiple, "help": text}


_METAVARS: dict[Any, str] = {bool: "flag", int: "N", float: "X", str: "TEXT", Path: "PATH"}


def _shape(annotation: Any) -> tuple[Any, bool] | None:
    """(type or tuple of choices, is a list), or None when a command line cannot hold it."""
    members = [member for member in _members(annotation) if member is not type(None)]
    if not members:
        return None
    if all(get_origin(member) is Literal for member in members):
        return tuple(str(choice) for member in members for choice in get_args(member)), False
    if len(members) > 1:
        # `int | Literal["auto"]` and the like: text here, checked by the Config.
        return (
            (str, False)
            if all(_scalar(member) is not None or get_origin(member) is Literal for member in members)
            else None
        )
    member = members[0]
    if get_origin(member) in (tuple, list, frozenset, set):
        arguments = [argument for argument in get_args(member) if argument is not Ellipsis]
        inner = _shape(arguments[0]) if len(set(map(str, arguments))) == 1 else None
        return (inner[0], True) if inner is not None and not inner[1] else None
    kind = _scalar(member)
    return None if kind is None else (kind, False)


def _members(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    elif hasattr(annotation, "__metadata__"):
        yield from _members(get_args(annotation)[0])
    else:
        yield annotation


def _scalar(member: Any) -> Any:
    if not isinstance(member, type):
        return None
    if issubclass(member, enum.Enum):
        return tuple(str(choice.value) for choice in member)
    return next((kind for kind in (bool, int, float, str, Path) if issubclass(member, kind)), None)


def _range(field: FieldInfo) -> str:
    bounds = {type(mark): mark for mark in field.metadata}
    low, above = bounds.get(annotated_types.Ge), bounds.get(annotated_types.Gt)
    high, below = bounds.get(annotated_types.Le), bounds.get(annotated_types.Lt)
    parts = [
        f"at least {_number(low.ge)}" if low else f"more than {_number(above.gt)}" if above else "",
        f"at most {_number(high.le)}" if high else f"less than {_number(below.lt)}" if below else "",
    ]
    return ", ".join(part for part in parts if part)


def _number(bound: Any) -> str:
    return (
        f"2^{bound.bit_length() - 1}"
        if isinstance(bound, int) and bound > 65536 and not bound & (bound - 1)
        else str(bound)
    )


def _default(field: FieldInfo) -> str:
    default = field.default
    if field.is_required() or default is PydanticUndefined or default is None or default == () or default == "":
        return "required" if field.is_required() else ""
    if isinstance(default, bool):
        return "default: on" if default else "default: off"
    shown = default.value if isinstance(default, enum.Enum) else default
    return f"default: {', '.join(map(str, shown)) if isinstance(shown, (tuple, list)) else shown}"
