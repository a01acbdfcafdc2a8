"""Progress: JSON lines for programs, sparse lines for logs, nothing when off."""

import io
import json

import pytest

from tokkit.cli.display import Display, resolve_mode


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("tokkit.cli.display.time.monotonic", clock)
    return clock


def test_json_is_one_line_a_second(clock: Clock) -> None:
    stream = io.StringIO()
    with Display("json", stream) as display:
        for step in range(31):
            display("train", step, 100)
            clock.now += 0.125
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["done"] for line in lines] == [0, 8, 16, 24]
    assert set(lines[-1]) == {"stage", "done", "total", "rate", "eta_s", "rss"}
    assert lines[-1]["rate"] == pytest.approx(8)
    assert lines[-1]["eta_s"] == pytest.approx(9.5)
    assert lines[-1]["rss"] > 1_000_000


def test_log_gets_a_line_each_half_minute(clock: Clock) -> None:
    stream = io.StringIO()
    with Display("plain", stream) as display:
        for step in range(91):
            display("count", step * 1_000_000, 200_000_000)
            clock.now += 1
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("count: 30 MB of 200 MB (15%), 1 MB/s, 2 min 50 s left, ")


def test_short_stage_leaves_no_line_in_a_log(clock: Clock) -> None:
    stream = io.StringIO()
    with Display("plain", stream) as display:
        display("train", 1, 2)
        clock.now += 5
        display("train", 2, 2)
    assert stream.getvalue() == ""


def test_unknown_total_has_no_eta(clock: Clock) -> None:
    stream = io.StringIO()
    with Display("json", stream) as display:
        clock.now += 1
        display("read", 5, 0)
    line = json.loads(stream.getvalue())
    assert line["total"] is None
    assert line["eta_s"] is None


@pytest.mark.parametrize("mode", ["off", "plain", "json", "bar"])
def test_named_modes_are_kept(mode: str) -> None:
    assert resolve_mode(mode, io.StringIO()) == mode


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_auto_is_a_bar_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "TERM", "HF_HUB_DISABLE_PROGRESS_BARS"):
        monkeypatch.delenv(name, raising=False)
    assert resolve_mode("auto", Terminal()) == "bar"
    assert resolve_mode("auto", io.StringIO()) == "plain"
    monkeypatch.setenv("TERM", "dumb")
    assert resolve_mode("auto", Terminal()) == "plain"
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    assert resolve_mode("auto", Terminal()) == "off"


def test_bar_draws_on_a_terminal_and_clears_itself() -> None:
    stream = Terminal()
    with Display("bar", stream) as display:
        display("train", 1, 2)
        display("train", 2, 2)
    assert "train" in stream.getvalue()
