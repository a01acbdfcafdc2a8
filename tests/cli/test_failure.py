"""What ends a run: one exit code each, `error:` and `hint:` lines, no traceback unless asked."""

import errno

import click
import pytest
from pydantic import BaseModel, Field, ValidationError

from tokkit.cli.app import Terminated
from tokkit.cli.failure import report
from tokkit.errors import GateError, InputError, NetworkError, ResourceError, TokenizerError, UsageError
from tokkit.recipe.faults import Fault, RecipeError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GateError("gate"), 1),
        (UsageError("usage"), 2),
        (click.UsageError("usage"), 2),
        (InputError("input"), 3),
        (FileNotFoundError(errno.ENOENT, "no such file", "x.txt"), 3),
        (TokenizerError("tokenizer"), 4),
        (ResourceError("disk"), 5),
        (MemoryError(), 5),
        (OSError(errno.ENOSPC, "no space left", "x"), 5),
        (PermissionError(errno.EACCES, "permission denied", "x"), 5),
        (NetworkError("hub"), 6),
        (RuntimeError("bug"), 70),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (Terminated(), 143),
    ],
)
def test_exit_code(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(error, debug=False) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_message_and_hint_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    report(InputError("a.txt:3:7: not UTF-8", hint="try --invalid-utf8 replace"), debug=False)
    assert capsys.readouterr().err == "error: a.txt:3:7: not UTF-8\nhint: try --invalid-utf8 replace\n"


def test_every_fault_of_a_recipe_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    report(RecipeError([Fault("a.b", "is missing", "give it"), Fault("c", "must be 1, got 2")]), debug=False)
    assert capsys.readouterr().err == "error: a.b: is missing\nhint: give it\nerror: c: must be 1, got 2\n"


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise InputError("bad")
    except InputError as error:
        report(error, debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_hub_tokens_are_never_printed(capsys: pytest.CaptureFixture[str]) -> None:
    secret = "hf_" + "aB3" * 11
    report(NetworkError(f"refused: Bearer {secret}"), debug=False)
    assert secret not in capsys.readouterr().err


def test_invalid_config_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    class Config(BaseModel):
        size: int = Field(1, ge=1)

    with pytest.raises(ValidationError) as caught:
        Config(size=0)
    assert report(caught.value, debug=False) == 2
    assert capsys.readouterr().err == "error: size: must be at least 1, got 0\n"
