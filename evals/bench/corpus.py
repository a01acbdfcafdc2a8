"""Fetches public packages and makes benchmark text of them: 15 % English, 35 % multilingual, 50 % source code.

    python evals/bench/corpus.py --size 100MB -o bench-corpora

writes 100MB.txt (documents joined by newlines) and 100MB.json (digests of packages and text, what was dropped). Needs
apt-get and dpkg-deb (Debian or a child of it), pip and npm. The same packages always give the same bytes. No text is
repeated to reach a size: prose lines and source files seen before are dropped.

    python evals/bench/corpus.py --size 10MB --english perl-doc python3.11-doc --held-out 1MB -o bench-corpora

writes English text of those Debian packages only, 10MB.txt to learn from and 10MB-test.txt to test on, of other
documents.
"""

import argparse
import gzip
import hashlib
import html
import json
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

SHARES = {"english": 0.15, "multilingual": 0.35, "code": 0.50}
LARGE_ABOVE = 100_000_000
DOCUMENT_BYTES = 200_000
PROSE = {".html", ".htm", ".xhtml", ".page", ".txt", ".rst", ".pod", ".po", ".usfm", ".md"}
CODE = {
    ".c",
    ".h",
    ".py",
    ".pyi",
    ".js",
    ".mjs",
    ".cjs",
    ".ts",
    ".rs",
    ".php",
    ".el",
    ".sh",
    ".css",
    ".html",
    ".java",
    ".md",
}

_INVISIBLE = re.compile(r"(?is)<(script|style|head|nav)\b.*?</\1\s*>")
_BREAK = re.compile(r"(?i)</?(p|div|li|ul|ol|h[1-6]|tr|td|th|br|dt|dd|table|section)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")


@dataclass
class Pool:
    """Cleaned documents by kind, and what was dropped on the way."""

    documents: dict[str, list[bytes]] = field(default_factory=lambda: {kind: [] for kind in SHARES})
    dropped: dict[str, int] = field(
        default_factory=lambda: {"repeated lines": 0, "repeated files": 0, "minified": 0, "not UTF-8": 0}
    )
    seen_lines: set[bytes] = field(default_factory=set)
    seen_files: set[bytes] = field(default_factory=set)

    def add(self, kind: str, name: str, data: bytes) -> None:
        """Cleans one file of a package and files its documents."""
        path = PurePosixPath(name)
        if path.suffix == ".gz" or name.endswith(".dict.dz"):
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError):
                return
            path = path.with_suffix("")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.dropped["not UTF-8"] += 1
            return
        text = text.replace("\x00", "").replace("\r\n", "\n")
        cleaned = self._code(path, data, text) if kind == "code" else self._prose(path, text)
        if len(cleaned) >= 200:
            self.documents[kind] += _cut(cleaned)

    def _code(self, path: PurePosixPath, data: bytes, text: str) -> str:
        if path.suffix not in CODE or len(data) > 600_000:
            return ""
        key = hashlib.blake2b(data, digest_size=8).digest()
        if key in self.seen_files:
            self.dropped["repeated files"] += 1
            return ""
        self.seen_files.add(key)
        if ".min." in path.name or (len(text) > 20_000 and max(map(len, text.split("\n"))) > 5_000):
            self.dropped["minified"] += 1
            return ""
        return text

    def _prose(self, path: PurePosixPath, text: str) -> str:
        is_manual = "man" in path.parts
        if not (is_manual or path.suffix in PROSE or path.suffix == ".dict"):
            return ""
        if path.suffix in {".html", ".htm", ".xhtml", ".page"}:
            text = html.unescape(_TAG.sub("", _BREAK.sub("\n", _INVISIBLE.sub(" ", text))))
            text = re.sub(r"[ \t]*\n\s*", "\n", text).strip()
        lines = []
        for line in text.split("\n"):
            if is_manual and line.startswith(('.\\"', "'\\\"")):
                continue
            # Translated manuals fall back to English: without this the "multilingual" part would be half English.
            if len(line) >= 30:
                key = hashlib.blake2b(line.strip().encode(), digest_size=8).digest()
                if key in self.seen_lines:
                    self.dropped["repeated lines"] += 1
                    continue
                self.seen_lines.add(key)
            lines.append(line)
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def main(arguments: list[str] | None = None) -> int:
    """Fetches, cleans, samples, writes; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=_size, default="10MB", help="bytes of text, for example 10MB, 100MB, 1GB")
    parser.add_argument("-o", "--output", type=Path, default=Path("bench-corpora"), help="folder for text and packages")
    parser.add_argument("--english", nargs="+", metavar="PACKAGE", help="English text of these Debian packages only")
    parser.add_argument("--held-out", type=_size, default=0, help="bytes of other documents for a second text")
    given = parser.parse_args(arguments)
    plan = tomllib.loads((Path(__file__).parent / "packages.toml").read_text(encoding="utf-8"))

    shares: Mapping[str, float] = SHARES
    if given.english:
        shares, plan = {"english": 1.0}, {"english": {"debian": given.english}}

    packages = given.output / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    pool = Pool()
    digests = {}
    for kind in shares:
        wanted = [("debian", name) for name in plan[kind].get("debian", [])]
        wanted += [(client, name) for client in ("pypi", "npm") for name in plan[kind].get(client, [])]
        if given.size > LARGE_ABOVE:
            wanted += [("debian", name) for name in plan[kind].get("large", [])]
        for client, name in wanted:
            file = fetch(client, name, packages)
            digests[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
            for member, data in unpack(file):
                pool.add(kind, member, data)
            sizes = {kind: sum(map(len, documents)) // 1_000_000 for kind, documents in pool.documents.items()}
            print(f"{file.name}: pool is now {sizes} MB", file=sys.stderr)

    label = f"{given.size // 1_000_000}MB"
    texts = {label: sample(pool, given.size, shares)}
    if given.held_out:
        texts[f"{label}-test"] = sample(pool, given.held_out, shares)
    for name, documents in texts.items():
        (given.output / f"{name}.txt").write_bytes(b"\n".join(documents) + b"\n")
    manifest = {
        "texts": {name: _facts(given.output / f"{name}.txt", documents) for name, documents in texts.items()},
        "shares": dict(shares),
        "dropped": pool.dropped,
        "packages": digests,
    }
    (given.output / f"{label}.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(given.output / f"{label}.txt")
    return 0


def fetch(client: str, name: str, folder: Path) -> Path:
    """The archive of the package; downloaded by its own client unless it lies in `folder` already.

    Raises:
        SystemExit: the client is missing or cannot get the package.
    """
    target = folder / client / re.sub(r"[^\w.=@-]", "_", name)
    if not target.is_dir():
        target.mkdir(parents=True)
        command = {
            "debian": ["apt-get", "download", "-qq", name],
            "pypi": [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", name],
            "npm": ["npm", "pack", "--silent", name],
        }[client]
        try:
            subprocess.run(command, cwd=target, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(target)
            hint = "run `apt-get update` first, on Debian 12" if client == "debian" else "is the registry reachable?"
            raise SystemExit(f"error: {client} package {name}: {error}\nhint: {hint}") from error
    (file,) = target.iterdir()
    return file


def unpack(file: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file in the archive, in a fixed order, without writing anything."""
    if file.suffix == ".deb":
        with (
            subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(file)], stdout=subprocess.PIPE) as process,
            tarfile.open(fileobj=process.stdout, mode="r|") as archive,
        ):
            yield from _members(archive)
        if process.returncode != 0:
            raise SystemExit(f"error: {file}: dpkg-deb cannot read it")
    elif file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            for name in sorted(wheel.namelist()):
                yield name, wheel.read(name)
    else:
        with tarfile.open(file) as archive:
            yield from _members(archive)


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        content = archive.extractfile(member) if member.isfile() and member.size < 80_000_000 else None
        if content is None:
            continue
        if re.search(r"/linux-source-[^/]*\.tar\.xz$", member.name):
            with tarfile.open(fileobj=content, mode="r|xz") as inner:
                yield from _members(inner)
        else:
            yield member.name, content.read()


def _facts(file: Path, documents: list[bytes]) -> dict[str, object]:
    text = file.read_bytes()
    return {"bytes": len(text), "documents": len(documents), "sha256": hashlib.sha256(text).hexdigest()}


def sample(pool: Pool, size: int, shares: Mapping[str, float] = SHARES) -> list[bytes]:
    """Documents of `size` bytes in the prescribed shares, shuffled with seed 0; they leave the pool.

    Raises:
        SystemExit: there is not enough text of a kind.
    """
    chosen: list[bytes] = []
    for kind, share in shares.items():
        candidates = sorted(pool.documents[kind])
        random.Random(0).shuffle(candidates)
        quota = int(size * share)
        while quota > 0 and candidates:
            document = candidates.pop(0)
            chosen.append(document[:quota].decode(errors="ignore").encode())
            quota -= len(document)
        pool.documents[kind] = candidates
        if quota > 0:
            raise SystemExit(f"error: {quota} bytes of {kind} text are missing: the packages hold no more")
    random.Random(1).shuffle(chosen)
    return chosen


def _cut(text: str) -> Iterator[bytes]:
    data = text.encode(errors="ignore")
    while len(data) > DOCUMENT_BYTES:
        end = data.rfind(b"\n", DOCUMENT_BYTES // 2, DOCUMENT_BYTES) + 1 or DOCUMENT_BYTES
        yield data[:end].decode(errors="ignore").encode()
        data = data[end:]
    yield data


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+)(MB|GB)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"got {text}; write for example 10MB or 1GB")
    return int(found[1]) * {"MB": 1_000_000, "GB": 1_000_000_000}[found[2]]


if __name__ == "__main__":
    sys.exit(main())
