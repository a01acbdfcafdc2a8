"""The count table of a corpus: distinct pretokens with their exact counts, sorted by bytes."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit import _core
from tokkit.corpus.batch import read_offsets, write_offsets
from tokkit.corpus.report import CorpusReport
from tokkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_COUNT = 2**64 - 1


class CountTable:
    """What trainers learn from. Equal corpora give equal tables, whatever the threads, shards and file order.

    `pretokenizer` is the versioned name of what cut the texts (None: not known); `report` what reading them found.
    """

    def __init__(
        self,
        raw: _core.CountTable,
        *,
        pretokenizer: str | None = None,
        report: CorpusReport | None = None,
        sources: Sequence[dict[str, object]] = (),
    ) -> None:
        self.raw = raw
        self.pretokenizer = pretokenizer
        self.report = report
        self.sources = tuple(sources)

    @classmethod
    def from_items(cls, items: Iterable[tuple[bytes, int]], *, pretokenizer: str | None = None) -> "CountTable":
        """A table of (pretoken, count) in any order; repeated pretokens are added up.

        Raises:
            InputError: an empty pretoken, a count below 1 or above 2^64 - 1, or a sum above that.
        """
        words: list[bytes] = []
        counts: list[int] = []
        for index, (word, count) in enumerate(items):
            if not word:
                raise InputError(f"item {index}: empty pretoken")
            if not 1 <= count <= MAX_COUNT:
                raise InputError(f"item {index}: count must be from 1 to 2^64 - 1, got {count}")
            words.append(word)
            counts.append(count)
        offsets = write_offsets(accumulate(map(len, words), initial=0))
        return cls(
            _core.CountTable.from_buffers(b"".join(words), offsets, write_offsets(counts)), pretokenizer=pretokenizer
        )

    @classmethod
    def merge(cls, tables: Iterable["CountTable"]) -> "CountTable":
        """The sum of tables that were cut by the same pre-tokenizer. First positions are not kept.

        Raises:
            InputError: different pre-tokenizers, no table, or a sum above 2^64 - 1.
        """
        parts = list(tables)
        names = sorted({str(table.pretokenizer) for table in parts})
        if len(names) != 1:
            got = ", ".join(names) if names else "no table"
            raise InputError(f"count tables must have one pre-tokenizer to be merged, got {got}")
        raw = _core.CountTable.merge([table.raw for table in parts])
        sources = [source for table in parts for source in table.sources]
        return cls(raw, pretokenizer=parts[0].pretokenizer, sources=sources)

    @classmethod
    def load(cls, path: str | Path, *, pretokenizer: str | None = None) -> "CountTable":
        """Reads a table: parquet as `save` writes it, other parquet with a word and a count column, `word<TAB>count`.

        Raises:
            InputError: no such file, damaged, or not a count table; names file and line.
        """
        from tokkit.counts.files import load

        return load(Path(path), pretokenizer=pretokenizer)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes the table as parquet, whole or not at all; equal tables give equal bytes.

        Raises:
            UsageError: `path` exists and `overwrite` is false. ResourceError: it cannot be written.
        """
        from tokkit.counts.files import save

        save(self, Path(path), overwrite=overwrite)

    @cached_property
    def digest(self) -> str:
        """sha256 over pre-tokenizer, pretokens and counts; equal for equal tables on any machine."""
        state = hashlib.sha256(f"tokkit-counts 1\n{self.pretokenizer or ''}\n{len(self)}\n".encode())
        for part in (self.raw.offsets(), self.raw.blob(), self.raw.counts()):
            state.update(part)
        return state.hexdigest()

    @cached_property
    def total(self) -> int:
        """The sum of all counts (exact, of any size)."""
        return sum(self.counts)

    @property
    def counts(self) -> "array[int]":
        """The counts, u64, in table order."""
        return read_offsets(self.raw.counts())

    def __len__(self) -> int:
        return len(self.raw)

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        blob, offsets = self.raw.blob(), read_offsets(self.raw.offsets())
        words = (blob[offsets[i] : offsets[i + 1]] for i in range(len(self)))
        return zip(words, self.counts, strict=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CountTable) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"CountTable({len(self)} pretokens, pretokenizer={self.pretokenizer!r}, digest={self.digest[:12]}…)"

    def numpy(self) -> "tuple[NDArray[np.uint8], NDArray[np.uint64], NDArray[np.uint64]]":
        """(blob uint8, offsets uint64 [n + 1], counts uint64 [n]), read-only."""
        import numpy as np

        return (
            np.frombuffer(self.raw.blob(), np.uint8),
            np.frombuffer(self.raw.offsets(), "<u8"),
            np.frombuffer(self.raw.counts(), "<u8"),
        )
