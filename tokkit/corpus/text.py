"""Reads text files: one text a line with its end, or one text a file."""

from collections.abc import Iterator

from tokkit import _core
from tokkit.corpus.batch import Batch
from tokkit.corpus.report import CorpusReport, SourceReport
from tokkit.corpus.spec import SourceSpec
from tokkit.corpus.stream import Stream, check_text
from tokkit.corpus.utf8 import apply_policy

BOM = b"\xef\xbb\xbf"


def read_text(stream: Stream, spec: SourceSpec, source: SourceReport, report: CorpusReport) -> Iterator[Batch]:
    """Batches of lines (each with its line feed, as Hugging Face `Tokenizer.train` reads files) or the whole file.

    A byte order mark at the start is dropped and reported; CR LF and NUL are kept and reported.
    """
    if (spec.unit or "line") == "document":
        blob = b"".join(blocks(stream, source))
        if blob:
            batch = Batch.of([blob], spec.weight)
            yield apply_policy(batch, spec.invalid_utf8, lambda _, byte: locate(stream.path, blob, byte), report)
        return
    line = 1
    for blob in whole_lines(blocks(stream, source)):
        batch = Batch(blob, _core.line_offsets(blob), spec.weight)

        def locate_line(i: int, byte: int, start: int = line) -> str:
            return f"{stream.path}:{start + i}:{byte + 1}"

        yield apply_policy(batch, spec.invalid_utf8, locate_line, report)
        line += len(batch)


def blocks(stream: Stream, source: SourceReport) -> Iterator[bytes]:
    """The blocks of a text file without its byte order mark, noting what is unusual in them."""
    is_first = True
    ends_in_cr = False
    for block in stream:
        if is_first:
            while len(block) < len(BOM) and (more := stream.read()):
                block += more
            check_text(block, stream.path)
            if block.startswith(BOM):
                source.has_bom = True
                block = block[len(BOM) :]
            is_first = False
        source.crlf += block.count(b"\r\n") + (ends_in_cr and block.startswith(b"\n"))
        source.nul += block.count(b"\0")
        ends_in_cr = block.endswith(b"\r")
        yield block


def whole_lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks that end at line ends, but for the last."""
    waiting: list[bytes] = []
    for part in parts:
        end = part.rfind(b"\n") + 1
        if end == 0:
            waiting.append(part)
            continue
        yield b"".join([*waiting, part[:end]])
        waiting = [part[end:]] if end < len(part) else []
    if waiting:
        yield b"".join(waiting)


def locate(path: str, text: bytes, byte: int) -> str:
    """`file:line:byte`, both from 1, of byte `byte` of a whole file."""
    line_start = text.rfind(b"\n", 0, byte) + 1
    line = text.count(b"\n", 0, byte) + 1
    return f"{path}:{line}:{byte - line_start + 1}"
