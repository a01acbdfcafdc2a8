"""A headless Chromium, driven over the DevTools protocol by two pipes: no driver program, no package."""

import base64
import fcntl
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--hide-scrollbars", "--force-color-profile=srgb", "--lang=en-US", "--remote-debugging-pipe"),
)
PATIENCE_SECONDS = 60.0


def executable() -> str | None:
    """The Chromium of this machine: what TOKKIT_CHROMIUM names, or the first found on PATH."""
    named = os.environ.get("TOKKIT_CHROMIUM")
    return named or next((path for path in map(shutil.which, NAMES) if path), None)


class Chromium:
    """One page of one browser. `errors` has what the console, the page or its policy complained about."""

    def __init__(self, reader: int, writer: int) -> None:
        self._writer = os.fdopen(writer, "wb", buffering=0)
        self._reader = os.fdopen(reader, "rb", buffering=0)
        self._answers: dict[int, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._is_closed = False
        self._last = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Sends a command and waits for its answer."""
        with self._changed:
            self._last += 1
            number = self._last
        message = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._writer.write(json.dumps(message).encode() + b"\0")
        self._wait(lambda: number in self._answers, method)
        answer = self._answers.pop(number)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def open(self, path: Path) -> None:
        """Loads a file; what was heard of the page before is forgotten."""
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        self._wait(lambda: any(event["method"] == "Page.loadEventFired" for event in self.events), "load")

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Presses the mouse in the middle of an element, as a person does."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); "
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def view(self, width: int, height: int = 900, *, scheme: str = "light") -> None:
        """Sets the size of the window and the colour scheme that the reader prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Writes a PNG of the window, or of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    @property
    def errors(self) -> list[str]:
        """Complaints since the page was opened: exceptions, console errors and warnings, violations of its policy."""
        found = []
        for event in self.events:
            match event["method"], event["params"]:
                case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                    found.append(f"exception: {details.get('exception', details).get('description', details)}")
                case "Runtime.consoleAPICalled", {"type": kind, "args": values}:
                    found.append(f"console.{kind}: {values}")
                case "Log.entryAdded", {"entry": entry}:
                    found.append(f"{entry['source']} {entry['level']}: {entry['text']}")
                case "Page.javascriptDialogOpening", {"message": message}:
                    found.append(f"dialog: {message}")
        return found

    @property
    def requests(self) -> list[str]:
        """The addresses asked for since the page was opened."""
        sent = (event for event in self.events if event["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]

    def close(self) -> None:
        """Asks the browser to end, and waits until it has closed its side."""
        self._session = None
        if not self._is_closed:
            self._writer.write(json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        self._thread.join(PATIENCE_SECONDS)
        self._writer.close()
        self._reader.close()

    def _listen(self) -> None:
        rest = b""
        while data := self._reader.read(1 << 16):
            *messages, rest = (rest + data).split(b"\0")
            with self._changed:
                for message in map(json.loads, messages):
                    if "id" in message:
                        self._answers[message["id"]] = message
                    else:
                        self.events.append(message)
                self._changed.notify_all()
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _wait(self, is_done: Callable[[], bool], what: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: is_done() or self._is_closed, PATIENCE_SECONDS)
            assert is_done(), f"{what}: the browser {'went away' if self._is_closed else 'does not answer'}"


@contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    """A browser with an empty profile in `folder`, ended with all its processes."""
    path = executable()
    assert path is not None
    arguments = [path, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    to_browser, from_browser = os.pipe(), os.pipe()
    # The browser reads from 3 and writes to 4; ours must not be those two, or one would overwrite the other.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 64) for end in (*to_browser, *from_browser)]
    for end in (*to_browser, *from_browser):
        os.close(end)
    theirs_in, ours_out, ours_in, theirs_out = ends
    log = os.open(folder / "chromium.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    process = os.posix_spawn(
        path,
        arguments,
        {**os.environ, "HOME": str(folder)},
        file_actions=[
            *((os.POSIX_SPAWN_DUP2, log, place) for place in (1, 2)),
            (os.POSIX_SPAWN_DUP2, theirs_in, 3),
            (os.POSIX_SPAWN_DUP2, theirs_out, 4),
        ],
        setsid=True,
    )
    for end in (theirs_in, theirs_out, log):
        os.close(end)
    browser: Chromium | None = None
    try:
        browser = Chromium(ours_in, ours_out)
        yield browser
    finally:
        if browser is not None:
            browser.close()
        _end(process)


def _end(process: int) -> None:
    """Ends the group of a browser that did not end by itself in time."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if os.waitpid(process, os.WNOHANG)[0]:
            return
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
