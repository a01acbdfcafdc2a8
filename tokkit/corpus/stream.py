"""Opens a file for reading: decompressed by its magic bytes, digested, guarded against bombs."""

import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import os
import select
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from tokkit.corpus.report import CorpusReport, SourceReport
from tokkit.errors import InputError, NetworkError, ResourceError

COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
# What a text file never starts with, and what to do about it.
NOT_TEXT = {
    b"PK\x03\x04": "is a zip archive; unpack it first",
    b"Rar!": "is a rar archive; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive; unpack it first",
    b"%PDF-": "is a PDF; extract its text first",
    b"PAR1": "is a parquet file; give format parquet",
    b"ARROW1": "is an arrow file; give format arrow",
    b"\xff\xfe": "is UTF-16 by its byte order mark; convert it to UTF-8",
    b"\xfe\xff": "is UTF-16 by its byte order mark; convert it to UTF-8",
}
WINDOW_BYTES = 64 << 20
WARN_RATIO = 50.0
STOP_RATIO = 200.0
BLOCK_BYTES = 1 << 20
MAGIC_BYTES = 8
_DECODE_ERRORS = (EOFError, zlib.error, lzma.LZMAError, OSError)


class Stream:
    """A file opened for sequential reading; `read` gives decompressed bytes and watches the compression ratio."""

    def __init__(
        self, path: str, raw: "IO[bytes]", report: CorpusReport, source: SourceReport, max_ratio: float | None
    ) -> None:
        self.path = path
        self._report = report
        self._source = source
        self._digested = _Digested(raw)
        head = self._digested.peek(MAGIC_BYTES)
        self.compression = next((name for magic, name in COMPRESSED.items() if head.startswith(magic)), None)
        self._plain = _decompressor(self.compression, self._digested)
        self._max_ratio = max_ratio or STOP_RATIO
        self._out = self._window_out = self._window_in = 0
        source.compression = self.compression

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """At most `size` bytes, empty only at the end.

        Raises:
            InputError: the compressed data are cut short or damaged, or expand like a bomb.
        """
        try:
            block = self._plain.read(size)
        except _DECODE_ERRORS as error:
            if self.compression is None:
                raise
            raise InputError(
                f"{self.path}: damaged or cut short {self.compression} data after {self._out} bytes of text: {error}"
            ) from error
        self._out += len(block)
        if self.compression is not None:
            self._watch(at_end=not block)
        return block

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def finish(self) -> None:
        """Puts size and digest of the file as stored into its report."""
        self._digested.drain()
        self._source.bytes = self._digested.size
        self._source.sha256 = self._digested.sha256.hexdigest()

    @property
    def bytes_read(self) -> int:
        """Bytes of the file as stored that were read so far."""
        return self._digested.size

    def _watch(self, *, at_end: bool) -> None:
        window = self._out - self._window_out
        if window < WINDOW_BYTES and not at_end:
            return
        stored = max(1, self._digested.size - self._window_in)
        ratio = window / stored
        if window >= WINDOW_BYTES and ratio > self._max_ratio:
            raise InputError(
                f"{self.path}: {self.compression} data expand {ratio:.0f} times "
                f"at byte {self._out} of the text, more than {self._max_ratio:g}",
                hint="if the file is what it should be, raise --max-ratio",
            )
        if ratio > WARN_RATIO and window > 0:
            self._report.warn(f"{self.path}: {self.compression} data expand more than {WARN_RATIO:.0f} times")
        self._window_out, self._window_in = self._out, self._digested.size


@contextlib.contextmanager
def open_stream(path: str, report: CorpusReport, source: SourceReport, max_ratio: float | None) -> Iterator[Stream]:
    """Opens a file, `-` (standard input) or URL.

    Raises:
        InputError: no such file, or it is a folder. ResourceError: no permission. NetworkError: the URL fails.
    """
    with open_raw(path) as raw:
        stream = Stream(path, raw, report, source, max_ratio)
        yield stream
        stream.finish()


@contextlib.contextmanager
def open_raw(path: str) -> "Iterator[IO[bytes]]":
    """The file as stored; errors as those of `open_stream`."""
    if path == "-":
        yield cast("IO[bytes]", _Interruptible(sys.stdin.buffer))
    elif "://" in path:
        with open_url(path) as raw:
            yield raw
    else:
        with _open_file(path) as raw:
            yield raw


def check_text(head: bytes, path: str) -> None:
    """Raises InputError when the first bytes are those of a format that is no text."""
    for magic, what in NOT_TEXT.items():
        if head.startswith(magic):
            raise InputError(f"{path}: {what.split(';')[0]}, expected text", hint=what.split("; ")[1])


def _open_file(path: str) -> "IO[bytes]":
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file", hint="check the path; globs need quotes in the shell") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected a file") from None
    except OSError as error:
        raise ResourceError(f"{path}: cannot read: {error.strerror}") from error


def open_url(url: str) -> "IO[bytes]":
    """Opens a URL through fsspec.

    Raises:
        NetworkError: offline is asked for, or the URL cannot be opened.
    """
    import fsspec

    if is_offline() and not url.startswith(("file://", "memory://")):
        raise NetworkError(f"{url}: not opened while offline", hint="unset HF_HUB_OFFLINE, or copy the file here")
    try:
        return cast("IO[bytes]", fsspec.open(url, "rb").open())
    except ImportError as error:
        raise NetworkError(f"{url}: {error}", hint="install the package that fsspec needs for this protocol") from error
    except (OSError, ValueError) as error:
        raise NetworkError(f"{url}: cannot open: {type(error).__name__}") from error


def is_offline() -> bool:
    """Whether the environment asks for no network (HF_HUB_OFFLINE)."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


class _Interruptible:
    """Standard input that gives what is there: waiting for a full buffer, Python would not look at signals."""

    def __init__(self, stream: "IO[bytes]") -> None:
        raw = getattr(stream, "raw", None)
        self._stream = stream if raw is None else raw
        self._can_wait = raw is not None

    def read(self, size: int) -> bytes:
        # Four times a second back in Python, where a pending signal's handler runs.
        while self._can_wait and not select.select([self._stream], [], [], 0.25)[0]:
            pass
        return self._stream.read(size) or b""


class _Digested(io.RawIOBase):
    """Counts and digests what is read through it."""

    def __init__(self, raw: "IO[bytes]") -> None:
        self._raw = raw
        self._ahead = b""
        self.sha256 = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        while len(self._ahead) < size and (more := self._raw.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        block = self._ahead or self._raw.read(size)
        if self._ahead and 0 <= size < len(block):
            block, self._ahead = block[:size], block[size:]
        else:
            self._ahead = b""
        self.sha256.update(block)
        self.size += len(block)
        return block

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # RawIOBase leaves the buffer's type open
        block = self.read(len(view))
        view[: len(block)] = block
        return len(block)

    def drain(self) -> None:
        while self.read(BLOCK_BYTES):
            pass


def _decompressor(compression: str | None, raw: _Digested) -> "IO[bytes]":
    buffered = io.BufferedReader(raw, 1 << 17) if compression in {"gzip", "bzip2", "xz"} else None
    if buffered is not None and compression == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=buffered))
    if buffered is not None and compression == "bzip2":
        return cast("IO[bytes]", bz2.BZ2File(buffered))
    if buffered is not None and compression == "xz":
        return cast("IO[bytes]", lzma.LZMAFile(buffered))
    if compression == "zstd":
        import pyarrow as pa

        return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd"))
    return cast("IO[bytes]", raw)
