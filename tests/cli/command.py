"""Runs the command line in this process, or, where start-up and signals matter, in one of its own."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from tokkit.cli.app import run

PROJECT = Path(__file__).resolve().parents[2]


def environment(cache: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: this project's code, a cache of its own, no colours, no CI."""
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "TOKKIT_CACHE"}}
    return {**kept, "PYTHONPATH": str(PROJECT), "TOKKIT_CACHE": str(cache), "NO_COLOR": "1", **(extra or {})}


def tokkit(
    *arguments: object, cwd: Path, text: str | bytes = b"", extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `tokkit ARGUMENTS` in `cwd` and in this process, which saves the imports; stdout and stderr are text."""
    words = [str(argument) for argument in arguments]
    stdin = io.TextIOWrapper(io.BytesIO(text.encode() if isinstance(text, str) else text), "utf-8")
    stdout = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
    stderr = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
    kept = (sys.stdin, sys.stdout, sys.stderr)
    variables = environment(cwd / ".cache", extra)
    with contextlib.chdir(cwd), mock.patch.dict(os.environ, variables, clear=True):
        sys.stdin, sys.stdout, sys.stderr = stdin, stdout, stderr
        try:
            code = run(words)
        finally:
            sys.stdin, sys.stdout, sys.stderr = kept
    return subprocess.CompletedProcess(words, code, _text(stdout), _text(stderr))


def tokkit_process(
    *arguments: object, cwd: Path, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `tokkit ARGUMENTS` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tokkit", *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env=environment(cwd / ".cache", extra),
    )


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8", "replace")
