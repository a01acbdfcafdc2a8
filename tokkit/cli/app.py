"""The entry point: runs a verb, and turns whatever ends it into an exit code."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from tokkit import __version__
from tokkit.cli.failure import report
from tokkit.cli.group import LazyGroup

_EPILOG = """\
Examples:
  tokkit train book.txt -o mytok --vocab-size 8000
  tokkit show mytok "an unbelievable sentence"

`tokkit VERB --help` tells more about each."""


class Terminated(KeyboardInterrupt):
    """SIGTERM; a KeyboardInterrupt, so that whatever cleans up after Ctrl-C cleans up after this too."""


class _Top(LazyGroup):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write(_EPILOG + "\n")


@click.group(
    cls=_Top,
    name="tokkit",
    help="Train, transplant and evaluate the tokenizers of language models.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, "-V", "--version", prog_name="tokkit", message="%(prog)s %(version)s")
def top() -> None:
    """The group itself does nothing."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits with one of the codes 0, 1-6, 70, 130, 143."""
    code = run(sys.argv[1:] if arguments is None else list(arguments))
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        _silence_pipes()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Runs the command line and returns its exit code; prints errors to stderr."""
    before = signal.signal(signal.SIGTERM, _terminate)
    debug = "--debug" in arguments[: arguments.index("--")] if "--" in arguments else "--debug" in arguments
    try:
        result = _invoke(arguments)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except BrokenPipeError:
        # The reader (`| head`) has what it wanted: that is no failure of ours.
        _silence_pipes()
        return 0
    except BaseException as error:  # noqa: BLE001 - whatever ends a run becomes an exit code
        return report(error, debug=debug)
    finally:
        signal.signal(signal.SIGTERM, before)


def _invoke(arguments: list[str]) -> object:
    if "_TOKKIT_COMPLETE" in os.environ:
        return top.main(arguments, prog_name="tokkit")
    # Not `top.main`: that turns KeyboardInterrupt, and so SIGTERM, and EOFError into one and the same Abort.
    with top.make_context("tokkit", arguments) as context:
        return top.invoke(context)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _silence_pipes() -> None:
    # Python flushes stdout once more at exit and would complain about the pipe that is gone.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
