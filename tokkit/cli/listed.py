"""The options of every Config as plain data, so that `--help` need import neither pydantic nor numpy.

`listed.json` holds them; `python -m tokkit.cli.listed` writes it anew, and a test holds it equal to the Configs. Only
help reads it: a command that does something asks the Config itself. What it lacks, as a plug-in's method, is imported.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pydantic import BaseModel

# Set by the options that all verbs share, not by an option of their own.
SHARED_FIELDS = frozenset({"threads", "memory_mb", "seed", "offline"})
_NAME = "listed.json"
_CONFIGS = (
    "tokkit.corpus.spec:SourceSpec",
    "tokkit.counts.count:CountConfig",
    "tokkit.extrinsic.config:Reading",
    "tokkit.extrinsic.proxy_config:Proxy",
    "tokkit.hyper.options:EncoderConfig",
    "tokkit.hyper.options:TuneConfig",
    "tokkit.trainers.adapt:AdaptConfig",
    "tokkit.trainers.extend:ExtendConfig",
    "tokkit.trainers.prune:PruneConfig",
    "tokkit.transplant.config:TransplantConfig",
)
_REGISTRIES = ("tokkit.trainers.base:TRAINERS", "tokkit.transplant.base:METHODS")


class DerivedOption(click.Option):
    """An option made from a field; `heading` is where the help shows it."""

    heading: str


def options_of(
    place: str, section: str, arguments: Sequence[str], *, heading: str, skip: Collection[str] = SHARED_FIELDS
) -> list[click.Option]:
    """One option per field of the Config at `place` that a command line can hold; its value is `<section>__<field>`.

    `place` is `module:Class`, or `module:REGISTRY/name` for the Config of a registered thing.

    Raises:
        UsageError: the registry has no such name.
    """
    listed = _listed() if {"--help", "-h"} & set(arguments) else {}
    if place not in listed:
        from tokkit.cli.derived import described

        rows = described(config_at(place))
    else:
        rows = listed[place]
    return [_option(row, section, heading) for row in rows if row["field"] not in skip]


def value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """What stands after the last `flag`, which decides on further options before click parses any."""
    found = None
    for index, argument in enumerate(arguments):
        if argument == flag and index + 1 < len(arguments):
            found = arguments[index + 1]
        elif argument.startswith(flag + "="):
            found = argument[len(flag) + 1 :]
    return found


def names(registry: str) -> list[str]:
    """What comes with tokkit in the registry at `module:REGISTRY`, sorted; imports nothing."""
    return [place.removeprefix(f"{registry}/") for place in _listed() if place.startswith(f"{registry}/")]


def config_at(place: str) -> "type[BaseModel]":
    """The Config itself, whose module is imported."""
    module, _, name = place.partition(":")
    holder, _, entry = name.partition("/")
    found = getattr(import_module(module), holder)
    config: type[BaseModel] = found.get(entry).Config if entry else found
    return config


def places() -> Iterator[str]:
    """All places that the file lists."""
    yield from _CONFIGS
    for place in _REGISTRIES:
        module, _, name = place.partition(":")
        for entry in getattr(import_module(module), name).builtins():
            yield f"{place}/{entry}"


def listing() -> str:
    """What `listed.json` must hold."""
    from tokkit.cli.derived import described

    rows = {place: described(config_at(place)) for place in places()}
    return json.dumps(rows, indent=0, ensure_ascii=False) + "\n"


@cache
def _listed() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(files("tokkit.cli").joinpath(_NAME).read_text(encoding="utf-8"))
    return found


def _option(row: dict[str, Any], section: str, heading: str) -> DerivedOption:
    flag, kind = "--" + row["field"].replace("_", "-"), row["kind"]
    destination = f"{section}__{row['field']}"
    if kind == "flag":
        made = DerivedOption([f"{flag}/--no-{flag[2:]}", destination], default=None, help=row["help"])
    else:
        made = DerivedOption(
            [flag, destination],
            type=click.Choice(kind) if isinstance(kind, list) else _TYPES[kind],
            multiple=row["multiple"],
            default=None,
            metavar=None if isinstance(kind, list) else kind,
            help=row["help"],
        )
    made.heading = heading
    return made


# By the word that the help shows.
_TYPES: "dict[str, click.ParamType[Any]]" = {
    "N": click.INT,
    "X": click.FLOAT,
    "TEXT": click.STRING,
    "PATH": click.Path(path_type=str),
}

if __name__ == "__main__":
    Path(__file__).with_name(_NAME).write_text(listing(), encoding="utf-8")
