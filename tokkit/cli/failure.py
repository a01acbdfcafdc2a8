"""What ends a run, as one exit code and as lines `error: …` and `hint: …`."""

import errno
import re
import sys
from collections.abc import Iterator

import click

from tokkit.errors import TokkitError

_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{20,}")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOMEM, errno.EMFILE, errno.EFBIG}


def report(error: BaseException, *, debug: bool) -> int:
    """Prints what `error` means for the user to stderr and returns the exit code of design §5."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    code, lines = _explain(error)
    if debug:
        import traceback

        _write("".join(traceback.format_exception(error)))
    _write("".join(line + "\n" for line in lines))
    return code


def _explain(error: BaseException) -> tuple[int, list[str]]:
    if isinstance(error, TokkitError):
        return error.exit_code, list(_lines(error))
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        # Terminated is told apart by name: app imports this module.
        terminated = type(error).__name__ == "Terminated"
        return (143, ["error: terminated"]) if terminated else (130, ["error: interrupted"])
    if isinstance(error, click.ClickException):
        return 2, _of_click(error)
    if isinstance(error, MemoryError):
        return 5, _pair(f"out of memory: {error}" if str(error) else "out of memory", "a smaller --memory or fewer -j")
    if isinstance(error, (FileNotFoundError, IsADirectoryError, NotADirectoryError)):
        return 3, _pair(f"{error.filename}: {error.strerror}", "check the path")
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        where = f"{error.filename}: " if error.filename else ""
        return 5, _pair(f"{where}{error.strerror}", "check free space and permissions")
    if _is_validation_error(error):
        from tokkit.recipe.faults import faults_of

        return 2, [line for fault in faults_of(error, "") for line in _pair(str(fault), fault.hint)]
    return 70, _pair(
        f"internal error: {type(error).__name__}: {error}",
        "this is a bug of tokkit: please report it with the command, and what --debug prints",
    )


def _lines(error: TokkitError) -> Iterator[str]:
    """A recipe with several faults has them in `faults`; each gets its own lines."""
    faults = getattr(error, "faults", ())
    if not faults:
        yield from _pair(error.message, error.hint)
    for fault in faults:
        yield from _pair(str(fault), fault.hint)


def _of_click(error: click.ClickException) -> list[str]:
    message = error.format_message().rstrip(".")
    hint: str | None = None
    near = getattr(error, "possibilities", None)
    if isinstance(error, click.NoSuchOption):
        message = f"{error.option_name}: unknown option"
        hint = f"did you mean `{min(near)}`?" if near and len(near) == 1 else None
        if near and hint is None:
            hint = "did you mean one of: " + ", ".join(f"`{name}`" for name in sorted(near))
    context = getattr(error, "ctx", None)
    if hint is None and context is not None:
        hint = f"`{context.command_path} --help` lists what there is"
    return _pair(message[:1].lower() + message[1:], hint)


def _is_validation_error(error: BaseException) -> bool:
    # By name: importing pydantic to ask would cost more than most verbs.
    return type(error).__name__ == "ValidationError" and type(error).__module__.startswith("pydantic")


def _pair(message: str, hint: str | None) -> list[str]:
    return [f"error: {message}"] + ([f"hint: {hint}"] if hint else [])


def _write(text: str) -> None:
    try:
        sys.stderr.write(_TOKEN.sub("hf_***", text))
        sys.stderr.flush()
    except (BrokenPipeError, ValueError):
        pass  # nobody listens any more
