"""A hub on this machine: serves the folders `datasets/OWNER/NAME` and `models/OWNER/NAME` as the real one does."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Handler(BaseHTTPRequestHandler):
    root: Path

    def log_message(self, *arguments: Any) -> None:
        """Tests read the output."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if match := re.fullmatch(r"/api/(datasets|models)/([^/]+/[^/]+)(/revision/[^/]+)?", path):
            self._about(match[2], self.root / match[1] / match[2])
        elif match := re.fullmatch(r"/api/(datasets|models)/([^/]+/[^/]+)/tree/[^/]+/?(.*)", path):
            self._tree(self.root / match[1] / match[2], match[3], recursive="recursive=true" in self.path.lower())
        elif match := re.fullmatch(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/[^/]+/(.*)", path):
            self._file(self.root / (match[1] or "models") / match[2] / match[3])
        else:
            self._missing("EntryNotFound")

    def _about(self, name: str, folder: Path) -> None:
        if not folder.is_dir():
            self._missing("RepoNotFound")
            return
        files = [{"rfilename": str(file.relative_to(folder))} for file in folder.rglob("*") if file.is_file()]
        self._json({"id": name, "sha": COMMIT, "private": False, "tags": [], "siblings": files})

    def _tree(self, repository: Path, below: str, *, recursive: bool) -> None:
        folder = repository / below
        if not folder.is_dir():
            self._missing("EntryNotFound")
            return
        entries = []
        for entry in sorted(folder.rglob("*") if recursive else folder.iterdir()):
            kind = "file" if entry.is_file() else "directory"
            oid = hashlib.sha1(entry.read_bytes()).hexdigest() if entry.is_file() else "0" * 40
            size = entry.stat().st_size if entry.is_file() else 0
            entries.append({"type": kind, "path": str(entry.relative_to(repository)), "size": size, "oid": oid})
        self._json(entries)

    def _file(self, file: Path) -> None:
        if not file.is_file():
            self._missing("EntryNotFound")
            return
        data = file.read_bytes()
        part, headers = data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start = int(match[1])
            part = data[start : int(match[2]) + 1 if match[2] else None]
            headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(data)}"
        self._send(206 if match else 200, part, headers)

    def _json(self, content: object) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _missing(self, code: str) -> None:
        self._send(404, b"", {"X-Error-Code": code})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def fake_hub(root: Path) -> Iterator[str]:
    """Serves `root` as long as the context lasts; its address is for `HF_ENDPOINT`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"root": root}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
