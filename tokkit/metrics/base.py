"""What a metric is, what it is given, and the registry of those that exist."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokkit.errors import InputError
from tokkit.registry import Registry

Better = Literal["higher", "lower", "neither"]


class EncodedBatch(Protocol):
    """Token ids of several documents: ids uint32 [n_tokens]; offsets uint64 [n_documents + 1] into ids."""

    @property
    def ids(self) -> NDArray[np.uint32]:
        """All ids, one document after the other."""

    @property
    def offsets(self) -> NDArray[np.uint64]:
        """Where each document starts, and the end of the last."""


class EncodedText(Protocol):
    """Where the tokens of one text lie: byte_offsets [n_tokens, 2], start and end in the text's UTF-8."""

    @property
    def byte_offsets(self) -> ArrayLike:
        """Start and end of each token."""


class Subject(Protocol):
    """What can be evaluated: the small part of a tokenizer that metrics use."""

    @property
    def vocab_size(self) -> int:
        """Number of ids; every id is below it."""

    def encode_batch(self, texts: Sequence[str], /) -> EncodedBatch:
        """Ids of whole documents, without any special token added."""

    def encode_offsets(self, text: str, /) -> EncodedText:
        """Where the tokens of `text` lie in it."""

    def token_bytes(self, token: int, /) -> bytes:
        """The bytes that the token stands for."""

    def decode(self, ids: Sequence[int], /) -> str:
        """The text of the ids."""


@dataclass(frozen=True)
class Batch:
    """Some documents and their encoding; what several metrics need is computed once.

    ids: uint32 [n_tokens]; offsets: int64 [n_documents + 1] into ids.
    """

    subject: Subject
    texts: Sequence[str]
    ids: NDArray[np.uint32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, subject: Subject, texts: Sequence[str]) -> "Batch":
        """Encodes `texts`.

        Raises:
            InputError: a text cannot be written as UTF-8 (it holds a lone surrogate).
        """
        for index, text in enumerate(texts):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InputError(
                    f"document {index}: not encodable as UTF-8 at character {error.start}: {error.reason}",
                    hint="read the text with errors='strict', so that this cannot arise",
                ) from error
        encoded = subject.encode_batch(texts)
        return cls(subject, texts, np.asarray(encoded.ids, np.uint32), np.asarray(encoded.offsets, np.int64))

    @cached_property
    def utf8(self) -> list[bytes]:
        """The documents as bytes."""
        return [text.encode() for text in self.texts]

    @cached_property
    def byte_spans(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Per document: start and end of each token in the UTF-8 of the document, int64 [n_tokens of it].

        Where the bytes of the tokens add up to the document, they tile it and their lengths say all. Otherwise
        (normalised text, unknown tokens) the tokenizer itself is asked.
        """
        used, positions = np.unique(self.ids, return_inverse=True)
        lengths = np.array([len(self.subject.token_bytes(int(token))) for token in used], np.int64)[positions]
        spans = []
        for index, data in enumerate(self.utf8):
            own = lengths[self.offsets[index] : self.offsets[index + 1]]
            if int(own.sum()) == len(data):
                ends = np.cumsum(own)
                spans.append((ends - own, ends))
            else:
                pairs = np.asarray(self.subject.encode_offsets(self.texts[index]).byte_offsets, np.int64).reshape(-1, 2)
                spans.append((pairs[:, 0], pairs[:, 1]))
        return spans


@dataclass(frozen=True)
class Value:
    """A measured number, or None with the reason why there is none: undefined is never 0."""

    value: float | None
    reason: str | None = None
    numerator: int | None = None
    denominator: int | None = None


class Metric(ABC):
    """An accumulator: fed with batches, merged with others of its kind in any order, read once at the end.

    State is integers only, so that the result does not depend on how documents were cut into batches or shards.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    better: ClassVar[Better]
    aggregation: ClassVar[str] = "ratio_of_sums"
    decimals: ClassVar[int] = 3

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size

    @abstractmethod
    def add(self, batch: Batch) -> None:
        """Takes a batch of documents into account."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Takes over what `other` has seen."""

    @abstractmethod
    def value(self) -> Value:
        """The metric over all that was seen."""


class Ratio(Metric):
    """A metric that is one sum divided by another."""

    undefined: ClassVar[str]

    def __init__(self, vocab_size: int) -> None:
        super().__init__(vocab_size)
        self.numerator = 0
        self.denominator = 0

    @abstractmethod
    def parts(self, batch: Batch) -> tuple[int, int]:
        """Numerator and denominator of one batch."""

    def add(self, batch: Batch) -> None:
        """Adds the batch to both sums."""
        numerator, denominator = self.parts(batch)
        self.numerator += numerator
        self.denominator += denominator

    def merge(self, other: Self) -> None:
        """Adds up both sums."""
        self.numerator += other.numerator
        self.denominator += other.denominator

    def value(self) -> Value:
        """The quotient; None where the denominator is 0."""
        if self.denominator == 0:
            return Value(None, self.undefined, self.numerator, 0)
        return Value(self.numerator / self.denominator, None, self.numerator, self.denominator)


METRICS: Registry[type[Metric]] = Registry(
    "metric",
    {
        "tokens": "tokkit.metrics.compression",
        "bytes_per_token": "tokkit.metrics.compression",
        "chars_per_token": "tokkit.metrics.compression",
        "fertility.ws": "tokkit.metrics.words",
        "fertility.uax29": "tokkit.metrics.words",
        "strr.in_context": "tokkit.metrics.words",
        "renyi_efficiency.observed": "tokkit.metrics.distribution",
        "renyi_efficiency.nominal": "tokkit.metrics.distribution",
        "vocab_utilisation": "tokkit.metrics.distribution",
        "round_trip": "tokkit.metrics.fidelity",
    },
)
