"""What one pass over a text leaves behind: integers per document and tallies, from which every metric is computed."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InternalError, UsageError
from tokkit.metrics.base import Metric, Subject
from tokkit.metrics.batch import Batch
from tokkit.metrics.lexicon import Lexicon

if TYPE_CHECKING:
    from tokkit.metrics.fairness import Price
    from tokkit.metrics.lexical import WordList

Column = NDArray[np.int64]
ColumnMaker = Callable[[Batch], Column]

COLUMNS: Final[dict[str, ColumnMaker]] = {}
"""Name -> integers per document. A column is computed once for each batch, however many metrics want it."""
COUNTERS: Final[dict[str, Callable[[Batch], Counter[object]]]] = {}
"""Name -> tally over a batch."""
MISSING: Final[dict[str, Callable[[Lexicon], str | None]]] = {}
"""Column -> why this tokenizer has no such number, or None where it has."""


def column(name: str) -> Callable[[ColumnMaker], ColumnMaker]:
    """Registers the maker of a column."""

    def keep(maker: ColumnMaker) -> ColumnMaker:
        COLUMNS[name] = maker
        return maker

    return keep


class Evidence:
    """Accumulator of one tokenizer on one text: fed with batches, merged with others in any order, then read.

    All state is integers, so the result depends neither on the cut into batches nor on shards; only the order of the
    documents must be kept where documents are paired with those of another tokenizer or language. `reference` is the
    same text in the language that premiums refer to, `word_list` and `morpheme_list` are of its own language, `price`
    is that of the tokenizer's tokens. `counters` are tallies to keep beside those that the metrics name.
    """

    def __init__(
        self, subject: "Subject | Lexicon", metrics: Iterable[Metric], *, counters: Iterable[str] = ()
    ) -> None:
        self.lexicon = subject if isinstance(subject, Lexicon) else Lexicon(subject)
        wanted = tuple(metrics)
        # What a reader must be warned of is gathered whether or not a metric asks for it.
        always = ["tokens", "specials_in_text", *(["unk_chars"] if self.lexicon.unknown_id is not None else [])]
        names = dict.fromkeys([*always, *(name for metric in wanted for name in metric.columns)])
        self._columns: dict[str, list[Column]] = {name: [] for name in names}
        tallied = {*counters, *(name for metric in wanted for name in metric.counters)}
        self._counts = np.zeros(self.lexicon.size, np.int64) if "ids" in tallied else None
        self.tallies: dict[str, Counter[object]] = {name: Counter() for name in sorted(tallied - {"ids"})}
        self.n_bytes = self.n_characters = 0
        self.reference: Evidence | None = None
        self.word_list: WordList | None = None
        self.morpheme_list: WordList | None = None
        self.price: Price | None = None

    @property
    def vocab_size(self) -> int:
        """Number of tokens, added ones included."""
        return self.lexicon.n_entries

    @property
    def has_counts(self) -> bool:
        """Whether a metric asked for the counts of ids, and there are any."""
        return self._counts is not None and bool(self._counts.any())

    @property
    def counts(self) -> Column:
        """How often each id occurs.

        Raises:
            InternalError: no metric asked for it.
        """
        if self._counts is None:
            raise InternalError("a metric reads the counts of ids that it did not declare")
        return self._counts

    @cached_property
    def used(self) -> Column:
        """The counts of the ids that occur, in the order of ids; read it when all text is in."""
        return self.counts[self.counts > 0]

    def add(self, batch: Batch) -> None:
        """Takes a batch of documents into account."""
        self.__dict__.pop("used", None)
        self.n_bytes += len(batch.data)
        self.n_characters += batch.n_characters
        for name, parts in self._columns.items():
            if name not in COLUMNS:
                raise InternalError(f"unknown column `{name}`")
            parts.append(np.zeros(len(batch.texts), np.int64) if self.missing(name) else COLUMNS[name](batch))
        if self._counts is not None:
            self._counts += batch.counts
        for name, tally in self.tallies.items():
            tally.update(COUNTERS[name](batch))

    def merge(self, other: Self) -> None:
        """Takes over what `other` has seen, as if its documents came after."""
        self.__dict__.pop("used", None)
        self.n_bytes += other.n_bytes
        self.n_characters += other.n_characters
        for name, parts in self._columns.items():
            parts.extend(other._columns[name])
        if self._counts is not None:
            self._counts += other.counts
        for name, tally in self.tallies.items():
            tally.update(other.tallies[name])

    def column(self, name: str) -> Column:
        """A number per document, in order; int64 [n_documents]."""
        parts = self._columns[name]
        if len(parts) > 1:
            parts[:] = [np.concatenate(parts)]
        return parts[0] if parts else np.zeros(0, np.int64)

    def has_column(self, name: str) -> bool:
        """Whether a metric asked for the column."""
        return name in self._columns

    def total(self, name: str) -> int:
        """The sum of a column."""
        return sum(int(part.sum()) for part in self._columns[name])

    @property
    def n_documents(self) -> int:
        """Documents seen."""
        return sum(map(len, self._columns["tokens"]))

    def missing(self, name: str) -> str | None:
        """Why the tokenizer has no such column; None where it has."""
        reason = MISSING.get(name)
        return None if reason is None else reason(self.lexicon)


def check_aligned(name: str, evidence: Evidence, reference: Evidence) -> None:
    """Raises UsageError where two texts cannot be translations of each other: different numbers of documents."""
    if evidence.n_documents != reference.n_documents:
        raise UsageError(
            f"{name}: not aligned with the reference: {evidence.n_documents} documents, not {reference.n_documents}",
            hint="premiums need parallel text: document n must say the same in every language",
        )


def gather(subject: Subject, metrics: Sequence[Metric], texts: Sequence[str]) -> Evidence:
    """The evidence of one batch, for the many callers that have little text."""
    evidence = Evidence(subject, metrics)
    evidence.add(Batch.of(evidence.lexicon, texts))
    return evidence
