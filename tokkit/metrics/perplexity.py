"""Bits per byte and perplexities from the negative log likelihood of documents: sums over documents, never means.

Perplexity per token cannot be compared across tokenizers; bits per byte can, the bytes being those of the original
text. Convention of lm-evaluation-harness and lighteval.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tokkit.errors import InputError


@dataclass(frozen=True)
class Likelihood:
    """A document or a sum of them: negative log likelihood in nats, and sizes of the text as it was before any
    normalisation.
    """

    nats: float
    tokens: int
    bytes: int
    chars: int = 0
    words: int = 0

    def __add__(self, other: "Likelihood") -> "Likelihood":
        return Likelihood(
            self.nats + other.nats,
            self.tokens + other.tokens,
            self.bytes + other.bytes,
            self.chars + other.chars,
            self.words + other.words,
        )

    @property
    def bits_per_byte(self) -> float:
        """Bits: nats / (ln 2 x bytes)."""
        return self.nats / (math.log(2) * _positive(self.bytes, "bytes"))

    @property
    def bits_per_char(self) -> float:
        """Bits: nats / (ln 2 x characters)."""
        return self.nats / (math.log(2) * _positive(self.chars, "characters"))

    def perplexity(self, per: str) -> float:
        """exp(nats / n) for n = tokens, words, bytes or chars."""
        n: int = getattr(self, per)
        return math.exp(self.nats / _positive(n, per))


def total(documents: Iterable[Likelihood]) -> Likelihood:
    """The sum over documents."""
    return sum(documents, Likelihood(0.0, 0, 0))


def adapted_ratios(base: Likelihood, adapted: Likelihood) -> tuple[float, float, float]:
    """Perplexity of an adapted tokenizer over its base's: per token (misleading), per byte, and renormalised.

    The last raises the adapted model's likelihood to the base's number of tokens first.

    Raises:
        InputError: the two were measured on different bytes.
    """
    if base.bytes != adapted.bytes:
        raise InputError(f"adapted_ratios: measured on {base.bytes} and on {adapted.bytes} bytes")
    per_token = adapted.perplexity("tokens") / base.perplexity("tokens")
    per_byte = math.exp((adapted.nats - base.nats) / base.bytes)
    renormalised = math.exp(adapted.nats / _positive(base.tokens, "tokens")) / base.perplexity("tokens")
    return per_token, per_byte, renormalised


def uniform_bits_per_byte(vocab_size: int, tokens: int, bytes_: int) -> float:
    """What a model that gives each id the same probability must score: log2 V x N / B. Checks a pipeline's bytes."""
    return math.log2(_positive(vocab_size, "ids")) * tokens / _positive(bytes_, "bytes")


def _positive(n: int, what: str) -> int:
    if n <= 0:
        raise InputError(f"perplexity: the number of {what} must be positive, got {n}")
    return n
