"""How progress shows: a bar on a terminal, a line per half minute in a log, JSON lines for programs."""

import json
import os
import sys
import time
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from tokkit.amounts import duration, human_size
from tokkit.machine import resident_memory

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

# Stages whose units are bytes; others count things.
_BYTE_STAGES = ("read", "count", "digest", "hash")
_PLAIN_SECONDS = 30.0
_JSON_SECONDS = 1.0


class Display:
    """A `Progress` to call with (stage, done, total); a context manager that clears its bar at the end."""

    def __init__(self, mode: str = "auto", stream: IO[str] | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self.mode = resolve_mode(mode, self._stream)
        self._stage = ""
        self._started = self._printed = time.monotonic()
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if self.mode == "bar":
            self._bar = _rich_bar(self._stream)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Shows where a stage is; total 0 means unknown."""
        now = time.monotonic()
        if stage != self._stage:
            # Due at once in JSON, after half a minute in a log, so that short stages leave no line there.
            self._stage, self._started = stage, now
            self._task = None
            if self.mode == "json":
                self._printed = now - _JSON_SECONDS
        if self.mode == "bar":
            self._draw(stage, done, total)
        elif self.mode == "json" and (now - self._printed >= _JSON_SECONDS or 0 < total <= done):
            self._printed = now
            self._line(json.dumps(self._facts(now, done, total)))
        elif self.mode == "plain" and now - self._printed >= _PLAIN_SECONDS:
            self._printed = now
            self._line(self._sentence(self._facts(now, done, total)))

    def _facts(self, now: float, done: int, total: int) -> dict[str, object]:
        seconds = now - self._started
        rate = done / seconds if seconds > 0 else 0.0
        eta = (total - done) / rate if total and rate else None
        return {
            "stage": self._stage,
            "done": done,
            "total": total or None,
            "rate": round(rate, 3),
            "eta_s": None if eta is None else round(max(0.0, eta), 1),
            "rss": resident_memory(),
        }

    def _sentence(self, facts: dict[str, object]) -> str:
        done, total, rate, eta, rss = (facts[name] for name in ("done", "total", "rate", "eta_s", "rss"))
        assert isinstance(done, int)
        assert isinstance(rate, float)
        assert isinstance(rss, int)
        is_bytes = self._stage.startswith(_BYTE_STAGES)
        amount = _amount(done, is_bytes=is_bytes)
        if isinstance(total, int):
            amount += f" of {_amount(total, is_bytes=is_bytes)} ({done / total:.0%})"
        left = f", {duration(eta)} left" if isinstance(eta, float) else ""
        return f"{self._stage}: {amount}, {_amount(rate, is_bytes=is_bytes)}/s{left}, {human_size(rss)} memory"

    def _draw(self, stage: str, done: int, total: int) -> None:
        if self._bar is None:
            return
        is_bytes = stage.startswith(_BYTE_STAGES)
        amount = _amount(done, is_bytes=is_bytes) + (f" of {_amount(total, is_bytes=is_bytes)}" if total else "")
        if self._task is None:
            self._task = self._bar.add_task(stage, total=total or None, amount=amount)
        self._bar.update(self._task, completed=done, total=total or None, amount=amount)

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def resolve_mode(mode: str, stream: IO[str]) -> str:
    """What "auto" means here: a bar on a terminal that draws one, else plain lines; off where HF's switch says so."""
    if mode != "auto":
        return mode
    if os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return "off"
    is_terminal = stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
    return "bar" if is_terminal else "plain"


def _amount(number: float, *, is_bytes: bool) -> str:
    return human_size(number) if is_bytes else f"{number:,.0f}"


def _rich_bar(stream: IO[str]) -> "RichProgress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(file=stream, no_color="NO_COLOR" in os.environ or None)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
