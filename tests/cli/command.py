"""Runs the command line as a user does: in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def environment(cache: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: this project's code, a cache of its own, no colours, no CI."""
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "TOKKIT_CACHE"}}
    return {**kept, "PYTHONPATH": str(PROJECT), "TOKKIT_CACHE": str(cache), "NO_COLOR": "1", **(extra or {})}


def tokkit(
    *arguments: object, cwd: Path, text: str | bytes = b"", extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `tokkit ARGUMENTS` in `cwd`; stdout and stderr are text."""
    done = subprocess.run(
        [sys.executable, "-m", "tokkit", *map(str, arguments)],
        cwd=cwd,
        input=text.encode() if isinstance(text, str) else text,
        capture_output=True,
        timeout=120,
        check=False,
        env=environment(cwd / ".cache", extra),
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )
