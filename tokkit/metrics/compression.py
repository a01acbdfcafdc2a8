"""How few tokens a text takes: tokens, bytes per token, characters per token."""

from typing import Self

from tokkit.metrics.base import METRICS, Batch, Metric, Ratio, Value


@METRICS.register("tokens")
class Tokens(Metric):
    """Number of tokens of the whole text (corpus token count). Comparable on identical text only."""

    name = "tokens"
    unit = "tokens"
    better = "lower"
    aggregation = "sum"
    decimals = 0

    def __init__(self, vocab_size: int) -> None:
        super().__init__(vocab_size)
        self.tokens = 0

    def add(self, batch: Batch) -> None:
        """Counts the tokens of the batch."""
        self.tokens += len(batch.ids)

    def merge(self, other: Self) -> None:
        """Adds the other's tokens."""
        self.tokens += other.tokens

    def value(self) -> Value:
        """The number of tokens."""
        return Value(float(self.tokens), None, self.tokens, 1)


@METRICS.register("bytes_per_token")
class BytesPerToken(Ratio):
    """UTF-8 bytes of the text / tokens. UTF-8 spends 1 to 4 bytes on a character: do not compare across scripts."""

    name = "bytes_per_token"
    unit = "bytes"
    better = "higher"
    undefined = "no tokens"

    def parts(self, batch: Batch) -> tuple[int, int]:
        """Bytes and tokens."""
        return sum(map(len, batch.utf8)), len(batch.ids)


@METRICS.register("chars_per_token")
class CharsPerToken(Ratio):
    """Code points of the text / tokens."""

    name = "chars_per_token"
    unit = "characters"
    better = "higher"
    undefined = "no tokens"

    def parts(self, batch: Batch) -> tuple[int, int]:
        """Characters and tokens."""
        return sum(map(len, batch.texts)), len(batch.ids)
