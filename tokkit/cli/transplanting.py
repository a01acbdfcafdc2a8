"""A model that follows its tokenizer: what `prune --model` and `extend --model` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tokkit.cli.verb import Talk

F = TypeVar("F", bound=Callable[..., Any])


def model_option(function: F) -> F:
    """--model."""
    text = "Also give this model the new tokenizer; the result is OUT/model."
    return click.option("--model", "pretrained", metavar="DIR", help=text)(function)


def follow(talk: Talk, pretrained: str | None, tokenizer: Path, *, threads: int) -> None:
    """Transplants `pretrained` to the tokenizer just made, into a folder in its folder; tokens kept keep their rows."""
    if pretrained is None:
        return
    from tokkit.transplant.run import transplant

    with talk.display() as display:
        report = transplant(pretrained, tokenizer, tokenizer / "model", threads=threads, progress=display)
    talk.warn(list(report.warnings))
    talk.say(report.table())


def check_model(pretrained: str | None) -> None:
    """Raises what opening the model would raise, before the hours of work that come first."""
    if pretrained is not None:
        from tokkit.transplant.checkpoint import open_checkpoint
        from tokkit.transplant.tables import find_tables

        find_tables(open_checkpoint(Path(pretrained)))
