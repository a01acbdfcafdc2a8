"""The click command of every verb: summary from the table, two examples in its help, options that all verbs share."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from tokkit.cli.verbs import VERBS

if TYPE_CHECKING:
    from tokkit.cli.display import Display

PROGRESS_MODES = ("auto", "bar", "plain", "json", "off")
# Given the arguments as typed, more options: those of the method that `--method` names, for example.
MoreOptions = Callable[[Sequence[str]], list[click.Option]]
_MORE = "tokkit.more_options"
_COMMON = "Options of all verbs"
_FEW = 5


@dataclass(frozen=True)
class Talk:
    """What the user wants to hear: progress mode and verbosity (-1 quiet, 0, 1 with details)."""

    progress: str
    verbosity: int

    def display(self) -> "Display":
        """A progress display on stderr; use it in a `with` block."""
        from tokkit.cli.display import Display

        return Display("off" if self.verbosity < 0 and self.progress == "auto" else self.progress)

    def say(self, message: str) -> None:
        """One line on stderr, unless --quiet."""
        if self.verbosity >= 0:
            click.echo(message, err=True)

    def warn(self, messages: Sequence[str]) -> None:
        """Warnings on stderr; --quiet doesn't hide them, but only --verbose shows more than a few."""
        shown = messages if self.verbosity > 0 else messages[:_FEW]
        for message in shown:
            click.echo(f"warning: {message}", err=True)
        if len(shown) < len(messages):
            click.echo(f"warning: and {len(messages) - len(shown)} more: --verbose shows all", err=True)

    def detail(self, message: str) -> None:
        """One line on stderr with --verbose."""
        if self.verbosity > 0:
            click.echo(message, err=True)


class Verb(click.Command):
    """A command with examples, whose option list may depend on its arguments."""

    def __init__(
        self, *args: Any, examples: Sequence[str] = (), more_options: MoreOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.more_options = more_options

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Finds the options that depend on the arguments, then parses as click does."""
        if self.more_options is not None:
            ctx.meta[_MORE] = self.more_options(tuple(args))
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The fixed parameters, then those that depend on the arguments, then --help."""
        own = super().get_params(ctx)
        taken = {name for parameter in own for name in parameter.opts}
        more: list[click.Parameter] = []
        for option in ctx.meta.get(_MORE, ()):
            # Two Configs may have a field of the same name: the first keeps the flag, --set reaches both.
            if not taken & set(option.opts):
                taken |= set(option.opts)
                more.append(option)
        return [*own[:-1], *more, *own[-1:]]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options under headings: the verb's own, those of each Config, those of all verbs."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(parameter, "heading", "Options"), []).append(record)
        common = sections.pop(_COMMON, [])
        for heading, rows in [*sections.items(), (_COMMON, common)]:
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, unwrapped, so that they can be copied."""
        formatter.write_paragraph()
        formatter.write("Examples:\n" + "".join(f"  {example}\n" for example in self.examples))


def verb(
    name: str, *, examples: Sequence[str], more_options: MoreOptions | None = None
) -> Callable[[Callable[..., Any]], Verb]:
    """Decorator that makes the command `name`; its docstring adds paragraphs to the summary in the help.

    The function gets a `Talk` as its first argument.
    """

    def make(function: Callable[..., Any]) -> Verb:
        def callback(*, progress: str, quiet: bool, verbose: bool, debug: bool, **options: Any) -> Any:
            return function(Talk(progress, -1 if quiet else int(verbose)), **options)

        summary = VERBS[name].summary
        doc = inspect.cleandoc(function.__doc__ or "")
        command = Verb(
            name=name,
            callback=callback,
            help=f"{summary}\n\n{doc}" if doc else summary,
            short_help=summary,
            examples=examples,
            more_options=more_options,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
        )
        command.params = list(reversed(getattr(function, "__click_params__", []))) + _shared()
        return command

    return make


class _Common(click.Option):
    heading = _COMMON


def _shared() -> list[click.Parameter]:
    return [
        _Common(
            ["--progress"],
            type=click.Choice(PROGRESS_MODES),
            default="auto",
            show_default=True,
            help="How progress shows on stderr; json is one line a second.",
        ),
        _Common(["-q", "--quiet"], is_flag=True, help="Say nothing but results, warnings and errors."),
        _Common(["-v", "--verbose"], is_flag=True, help="Say more."),
        _Common(["--debug"], is_flag=True, help="Show the traceback of an error."),
    ]
