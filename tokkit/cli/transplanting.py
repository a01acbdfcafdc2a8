"""A model that follows its tokenizer: what `prune --model` and `extend --model` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tokkit.cli.verb import Talk
from tokkit.errors import UsageError

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


def check_model(pretrained: str | None, tokenizer: str) -> None:
    """Raises what opening the model would raise, before the hours of work that come first.

    Raises:
        UsageError: the model has another tokenizer than the one that is changed.
    """
    if pretrained is None:
        return
    from tokkit.transplant.checkpoint import open_checkpoint
    from tokkit.transplant.tables import find_tables
    from tokkit.transplant.vocabulary import read_vocabulary

    find_tables(open_checkpoint(Path(pretrained)))
    theirs, ours = read_vocabulary(Path(pretrained)).by_id, read_vocabulary(Path(tokenizer))
    odd = [token for token in ours.tokens if token.id not in theirs or theirs[token.id].data != token.data]
    if odd:
        raise UsageError(
            f"--model {pretrained}: has another tokenizer than {tokenizer}, {len(odd):,} ids differ",
            hint="name the model's own tokenizer, or use `tokkit transplant`",
        )
