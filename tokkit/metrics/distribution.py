"""How evenly the vocabulary is used: Rényi efficiency and the share of it that occurs."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError
from tokkit.metrics.base import METRICS, Batch, Metric, Value

ALPHA = 2.5


def renyi_entropy(counts: Sequence[int] | NDArray[np.int64], alpha: float) -> float:
    """Rényi entropy in bits: log2(sum p_i^alpha) / (1 - alpha); Shannon's for alpha = 1.

    >>> round(renyi_entropy([1, 1, 2, 4], 1.0), 6)
    1.75
    >>> round(renyi_entropy([1, 1, 1, 1], 2.5), 6)
    2.0

    Raises:
        InputError: nothing was counted.
    """
    present = np.asarray(counts, np.float64)
    present = present[present > 0]
    if not len(present):
        raise InputError("renyi_entropy: all counts are 0")
    shares = present / present.sum()
    if alpha == 1.0:
        return float(-(shares * np.log2(shares)).sum())
    return math.log2(float((shares**alpha).sum())) / (1.0 - alpha)


class IdCounts(Metric):
    """A metric of how often each id occurs."""

    aggregation = "set_union"

    def __init__(self, vocab_size: int) -> None:
        super().__init__(vocab_size)
        self.counts = np.zeros(vocab_size, np.int64)

    def add(self, batch: Batch) -> None:
        """Counts the ids of the batch.

        Raises:
            InputError: an id is not below the vocabulary size.
        """
        if len(batch.ids) and int(batch.ids.max()) >= self.vocab_size:
            raise InputError(f"id {int(batch.ids.max())} lies outside of the vocabulary of {self.vocab_size}")
        self.counts += np.bincount(batch.ids, minlength=self.vocab_size)

    def merge(self, other: Self) -> None:
        """Adds up the counts."""
        self.counts += other.counts

    @abstractmethod
    def value(self) -> Value:
        """The metric over all counts."""

    @property
    def n_used(self) -> int:
        """Number of distinct ids that occurred."""
        return int(np.count_nonzero(self.counts))

    def efficiency(self, size: int, of: str) -> Value:
        """Rényi entropy over the most that `size` ids could have."""
        if self.n_used == 0:
            return Value(None, "no tokens")
        if size < 2:
            return Value(None, f"one {of}: its greatest entropy is 0")
        # + 0.0: a single used id has the entropy -0.0.
        return Value(renyi_entropy(self.counts, ALPHA) / math.log2(size) + 0.0)


@METRICS.register("renyi_efficiency.observed")
class RenyiObserved(IdCounts):
    """H_2.5 / log2(ids that occur), H_a(p) = log2(sum p_i^a) / (1 - a). Zouhar et al., ACL 2023.

    This is the normaliser of the authors' package (whose default is a = 3, where the paper says 2.5).
    """

    name = "renyi_efficiency.observed"
    unit = "share of greatest entropy"
    better = "higher"

    def value(self) -> Value:
        """The efficiency against the ids that occurred."""
        return self.efficiency(self.n_used, "id used")


@METRICS.register("renyi_efficiency.nominal")
class RenyiNominal(IdCounts):
    """H_2.5 / log2(vocabulary size): as `renyi_efficiency.observed`, but unused ids weigh, as in the paper."""

    name = "renyi_efficiency.nominal"
    unit = "share of greatest entropy"
    better = "higher"

    def value(self) -> Value:
        """The efficiency against the whole vocabulary."""
        return self.efficiency(self.vocab_size, "id in the vocabulary")


@METRICS.register("vocab_utilisation")
class VocabUtilisation(IdCounts):
    """Distinct ids that occur / vocabulary size. Grows with the text: compare on identical text only."""

    name = "vocab_utilisation"
    unit = "share of vocabulary"
    better = "higher"

    def value(self) -> Value:
        """The share; None for an empty vocabulary."""
        if self.vocab_size == 0:
            return Value(None, "empty vocabulary", 0, 0)
        return Value(self.n_used / self.vocab_size, None, self.n_used, self.vocab_size)
