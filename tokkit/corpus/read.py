"""Reads all sources of a corpus as batches of texts, with a report."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tokkit.corpus.batch import Batch
from tokkit.corpus.columnar import read_columnar
from tokkit.corpus.delimited import read_delimited
from tokkit.corpus.hub import read_dataset
from tokkit.corpus.jsonl import read_jsonl
from tokkit.corpus.memory import Texts, read_texts
from tokkit.corpus.paths import as_spec, resolve
from tokkit.corpus.report import CorpusReport, SourceReport
from tokkit.corpus.spec import SourceOptions, SourceSpec
from tokkit.corpus.stream import Stream, open_stream
from tokkit.corpus.text import read_text
from tokkit.errors import UsageError
from tokkit.progress import Progress, silent

Source = str | os.PathLike[str] | SourceSpec | Texts
# One source, a list or tuple of sources, or any other iterable: the texts themselves.
Inputs = Source | list[Source] | tuple[Source, ...] | Iterable[str]

_READERS: dict[str, Callable[[Stream, SourceSpec, SourceReport, CorpusReport], Iterator[Batch]]] = {
    "text": read_text,
    "jsonl": read_jsonl,
    "csv": read_delimited,
    "tsv": read_delimited,
    "parquet": read_columnar,
    "arrow": read_columnar,
}


@dataclass
class Corpus:
    """Texts to read once, batch by batch. `report` is complete when the iteration has ended."""

    sources: list[SourceSpec | Texts]
    options: SourceOptions
    rank: int = 0
    world_size: int = 1
    report: CorpusReport = field(default_factory=CorpusReport)

    def __iter__(self) -> Iterator[Batch]:
        return self.batches()

    def batches(self, progress: Progress = silent) -> Iterator[Batch]:
        """The batches in order; `progress` hears of bytes as stored.

        Raises:
            InputError: the first fault, with file, line and byte. ResourceError, NetworkError: a source cannot be read.
        """
        total, before = self.size_bytes(), 0
        for spec in self.sources:
            name = spec.path if isinstance(spec, SourceSpec) else spec.name
            source = SourceReport(name, "texts", language=self.options.language, weight=self.options.weight)
            self.report.sources.append(source)
            for batch, done in self._read(spec, source):
                source.documents += len(batch)
                source.text_bytes += len(batch.blob)
                progress("reading", before + done, total)
                if len(batch):
                    yield batch
            before += source.bytes
            self._note(source)

    def size_bytes(self) -> int:
        """Bytes of all local files as stored; 0 when some source has no known size."""
        paths = [Path(spec.path) for spec in self.sources if isinstance(spec, SourceSpec)]
        if len(paths) < len(self.sources) or not all(path.is_file() for path in paths):
            return 0
        return sum(path.stat().st_size for path in paths)

    def _read(self, spec: SourceSpec | Texts, source: SourceReport) -> Iterator[tuple[Batch, int]]:
        if isinstance(spec, Texts):
            yield from ((batch, 0) for batch in read_texts(spec, self.options, self.report))
            return
        source.format, source.language, source.weight = spec.format or "text", spec.language, spec.weight
        if spec.format == "dataset":
            parts = {"rank": self.rank, "world_size": self.world_size}
            yield from ((batch, 0) for batch in read_dataset(spec, self.report, **parts))
            return
        with open_stream(spec.path, self.report, source, spec.max_ratio) as stream:
            for batch in _READERS[source.format](stream, spec, source, self.report):
                yield batch, stream.bytes_read

    def _note(self, source: SourceReport) -> None:
        if source.documents == 0:
            self.report.warn(f"{source.path}: holds no text")
        if source.has_bom:
            self.report.warn(f"{source.path}: a byte order mark at the start was dropped")
        if source.crlf:
            self.report.warn(f"{source.path}: {source.crlf} lines end in CR LF; the CR is kept as part of the text")
        if source.nul:
            self.report.warn(f"{source.path}: {source.nul} NUL bytes are kept as part of the text")


def read(inputs: Inputs, *, options: SourceOptions | None = None, rank: int = 0, world_size: int = 1) -> Corpus:
    """Opens a corpus: resolves folders, globs and lists now, reads when iterated.

    A str, path, `SourceSpec` or a list or tuple of these names files; any other iterable (or `texts(...)`) gives the
    texts themselves. Task `rank` of `world_size` reads every such file whose index leaves `rank` (data sets: row).

    Raises:
        InputError: nothing is where a path points. UsageError: a rank outside its world, or an iterable or standard
            input that should be shared between several tasks.
    """
    if not 0 <= rank < world_size:
        raise UsageError(f"rank must be at least 0 and below world_size {world_size}, got {rank}")
    options = options or SourceOptions()
    corpus = Corpus([], options, rank, world_size)
    found: list[SourceSpec | Texts] = []
    for given in _listed(inputs):
        if isinstance(given, Texts):
            found.append(given)
            continue
        spec = given if isinstance(given, SourceSpec) else as_spec(given, options)
        found.extend(resolve(spec, corpus.report))
    if world_size > 1 and any(isinstance(spec, Texts) or spec.path == "-" for spec in found):
        raise UsageError("texts in memory and standard input cannot be shared between tasks", hint="give files")
    paths = [spec.path for spec in found if isinstance(spec, SourceSpec)]
    for path in sorted({path for path in paths if paths.count(path) > 1}) if len(set(paths)) < len(paths) else []:
        corpus.report.warn(f"{path}: is named more than once, and counted as often")
    is_mine = (_is_split_by_row(spec) or i % world_size == rank for i, spec in enumerate(found))
    corpus.sources = [spec for spec, mine in zip(found, is_mine, strict=True) if mine]
    return corpus


def rereadable(inputs: Inputs) -> list[Source]:
    """The sources, texts in memory held: an iterator would be empty when it is read again."""
    return [Texts(list(given.items), given.name) if isinstance(given, Texts) else given for given in _listed(inputs)]


def _is_split_by_row(spec: SourceSpec | Texts) -> bool:
    return isinstance(spec, SourceSpec) and spec.format == "dataset"


def _listed(inputs: Inputs) -> list[Source]:
    if isinstance(inputs, (str, os.PathLike, SourceSpec, Texts)):
        return [inputs]
    if isinstance(inputs, (list, tuple)):
        if not inputs:
            raise UsageError("no input given")
        for index, item in enumerate(inputs):
            if not isinstance(item, (str, os.PathLike, SourceSpec, Texts)):
                raise UsageError(
                    f"input {index} is {type(item).__name__}, expected a path or source",
                    hint="wrap texts in tokkit.corpus.texts(...)",
                )
        return list(inputs)
    return [Texts(inputs)]
