"""Options that several verbs share, each defined once."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    _IntType = click.ParamType[int]
else:
    # Older click has no type parameter here.
    _IntType = click.ParamType

F = TypeVar("F", bound=Callable[..., Any])


class Size(_IntType):
    """A number of bytes written as people do: 4G, 512M."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes; ints pass through."""
        if isinstance(value, int):
            return value
        from tokkit.amounts import parse_size
        from tokkit.errors import UsageError

        try:
            return parse_size(str(value))
        except UsageError as error:
            raise UsageError(f"{_name(param)}: {error.message}", hint=error.hint) from None


class Threads(_IntType):
    """A number of threads; 0 is what affinity and cgroup allow."""

    name = "n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number itself, 0 replaced by the cores available."""
        from tokkit.errors import UsageError
        from tokkit.machine import available_cores

        try:
            number = int(value)
        except ValueError:
            raise UsageError(f"{_name(param)}: must be a whole number, got `{value}`") from None
        if not 0 <= number <= 4096:
            raise UsageError(f"{_name(param)}: must be between 0 and 4096, got {number}", hint="0 means all cores")
        return number or available_cores()


def out_option(help_text: str, *, required: bool = True) -> Callable[[F], F]:
    """-o/--output, a path."""
    return click.option(
        "-o", "--output", "output", type=click.Path(path_type=Path), required=required, metavar="OUT", help=help_text
    )


def threads_option(function: F) -> F:
    """-j/--threads."""
    option = click.option(
        "-j",
        "--threads",
        type=Threads(),
        default=0,
        metavar="N",
        help="Threads; 0 is what the affinity mask and cgroup allow.  [default: 0]",
    )
    return option(function)


def memory_option(function: F) -> F:
    """--memory."""
    return click.option("--memory", type=Size(), metavar="SIZE", help="Memory budget, for example 4G.")(function)


def seed_option(function: F) -> F:
    """--seed."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**64 - 1),
        default=0,
        show_default=True,
        metavar="N",
        help="Seed of everything drawn at random; always recorded.",
    )(function)


def overwrite_option(function: F) -> F:
    """--overwrite."""
    return click.option("--overwrite", is_flag=True, help="Replace the output; without it an existing one is refused.")(
        function
    )


def json_option(function: F) -> F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")(function)


def offline_option(function: F) -> F:
    """--offline; takes effect by environment, which must precede the import of any hub library."""

    def apply(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
        if value:
            import os

            os.environ["HF_HUB_OFFLINE"] = "1"
            os.environ["HF_DATASETS_OFFLINE"] = "1"
        return value

    return click.option(
        "--offline", is_flag=True, expose_value=False, is_eager=True, callback=apply, help="Never touch the network."
    )(function)


def reading_options(function: F) -> F:
    """How the texts of an evaluation become documents: --field, --whole, --normalize, --sample."""
    from tokkit.cli.measuring import FORMS

    for option in (
        click.option(
            "--sample",
            type=click.IntRange(1),
            metavar="N",
            help="N documents of each text, drawn by --seed; aligned texts stay aligned.",
        ),
        click.option(
            "--normalize",
            type=click.Choice(FORMS),
            default="none",
            show_default=True,
            help="Unicode form that the texts are brought into first.",
        ),
        click.option("--whole", is_flag=True, help="A text file is one document; else its lines are."),
        click.option(
            "--field",
            default="text",
            show_default=True,
            metavar="NAME",
            help="Field of jsonl, column of a table that holds the text.",
        ),
    ):
        function = option(function)
    return function


def dry_run_option(function: F) -> F:
    """--dry-run."""
    return click.option("--dry-run", is_flag=True, help="Print the plan and write nothing.")(function)


def resume_option(function: F) -> F:
    """--resume/--no-resume."""
    return click.option(
        "--resume/--no-resume", default=True, show_default=True, help="Skip steps that an earlier run finished."
    )(function)


def set_option(function: F) -> F:
    """--set key=value."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a key of the recipe, e.g. train.vocab_size=8000 (repeatable).",
    )(function)


def specials_option(function: F) -> F:
    """--allow-special."""
    return click.option(
        "--allow-special",
        multiple=True,
        metavar="TOKEN",
        help="Let this special token in the text count as one; `all` allows all (repeatable).  [default: none]",
    )(function)


def _name(param: click.Parameter | None) -> str:
    return param.opts[-1] if param is not None and param.opts else "value"
