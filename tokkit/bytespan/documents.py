"""The documents of a corpus as ByteSpan reads them: in order, each once with its number, apart for each language."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus.read import Inputs, Source
from tokkit.corpus.spec import SourceSpec
from tokkit.counts import CountConfig, CountTable, count
from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress
from tokkit.trainers.superword import SuperwordTrainer, sampled_count

SCHEME = "none@1"
"""Documents are not cut."""

_BYTES_PER_TEXT_BYTE = 7


class LanguageTable(CountTable):
    """The documents of all languages together; `parts` has them by language, in the order of the sources."""

    def __init__(self, parts: Sequence[tuple[str, CountTable]]) -> None:
        whole = CountTable.merge([table for _, table in parts])
        super().__init__(whole.raw, pretokenizer=SCHEME, report=parts[0][1].report, sources=whole.sources)
        self.parts = tuple(parts)


def count_documents(
    trainer: SuperwordTrainer, inputs: Inputs, *, by_language: bool, config: CountConfig | None, progress: Progress
) -> CountTable:
    """The documents (of text files: lines) of a corpus, with the order in which they came.

    `by_language`: apart for each language that the sources name; a source that names none is one by itself.

    Raises:
        UsageError: languages wanted, but only one source that names none. As `tokkit.counts.count` besides.
    """
    options = (config or CountConfig()).model_copy(update={"track_first": True})

    def table(sources: Inputs) -> CountTable:
        return sampled_count(
            trainer,
            lambda texts: count(texts, pretokenizer=SCHEME, config=options, progress=progress),
            sources,
            bytes_per_text_byte=_BYTES_PER_TEXT_BYTE,
            config=options,
        )

    if not by_language:
        return table(inputs)
    groups: dict[str, list[Source]] = {}
    for source in inputs if isinstance(inputs, (list, tuple)) else [inputs]:
        if not isinstance(source, (str, Path, SourceSpec)):
            raise UsageError("texts in memory have no language", hint="give one file for each language")
        spec = source if isinstance(source, SourceSpec) else SourceSpec(path=str(source), **options.source.model_dump())
        groups.setdefault(spec.language or spec.path, []).append(spec)
    if len(groups) < 2:
        raise UsageError(
            "languages can take turns only where there are several",
            hint="give one INPUT for each language, or `language` for the sources of a recipe",
        )
    return LanguageTable([(name, table(sources)) for name, sources in groups.items()])


def documents_in_order(table: CountTable) -> tuple[list[bytes], list[int], list[str | None]]:
    """The documents by first use, how often each occurs, and its language.

    Raises:
        InputError: the table does not know which came first.
    """
    parts = table.parts if isinstance(table, LanguageTable) else ((None, table),)
    documents: list[bytes] = []
    numbers: list[int] = []
    languages: list[str | None] = []
    for language, part in parts:
        first = part.raw.first()
        if first is None:
            raise InputError("the documents' table does not know their order", hint="count again with track_first")
        order: NDArray[np.intp] = np.argsort(np.frombuffer(first, np.uint64), kind="stable")
        pairs = list(part)
        documents += [pairs[place][0] for place in order.tolist()]
        numbers += [pairs[place][1] for place in order.tolist()]
        languages += [language] * len(pairs)
    return documents, numbers, languages
