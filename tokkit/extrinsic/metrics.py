"""What a language model makes of a text, as named metrics: bits per byte and perplexities by unit."""

import math
from collections.abc import Callable
from typing import Final

from tokkit.errors import InputError
from tokkit.metrics.base import METRICS, Better, Metric, Value
from tokkit.metrics.evidence import Evidence
from tokkit.metrics.perplexity import Likelihood

_NEEDS: Final = "needs a language model: tokkit eval --model DIR"
_SOURCE: Final = "lm-evaluation-harness and lighteval: sums over documents, bytes of the original text"


def _undefined(evidence: Evidence) -> Value:
    del evidence
    return Value(None, _NEEDS)


def _metric(name: str, unit: str, summary: str, formula: str, caveat: str, better: Better = "lower") -> Metric:
    return METRICS.register(name)(
        Metric(name, unit, better, summary, formula, caveat, compute=_undefined, source=_SOURCE)
    )


READINGS: Final[dict[str, tuple[Metric, Callable[[Likelihood], float]]]] = {
    metric.name: (metric, value)
    for metric, value in (
        (
            _metric(
                "bits_per_byte",
                "bits",
                "bits that a causal language model needs for each byte of the text",
                "-sum log p / (ln 2 x B), every token scored, bos as context",
                "depends on context, stride and text: compare numbers of the same manifest only",
            ),
            lambda found: found.bits_per_byte,
        ),
        (
            _metric(
                "byte_perplexity",
                "",
                "perplexity of a causal language model for each byte of the text: 2^bits_per_byte",
                "exp(-sum log p / B)",
                "says the same as bits_per_byte",
            ),
            lambda found: found.perplexity("bytes"),
        ),
        (
            _metric(
                "word_perplexity",
                "",
                "perplexity of a causal language model for each word between spaces",
                "exp(-sum log p / W)",
                "words between spaces mean nothing in scripts without them",
            ),
            lambda found: found.perplexity("words"),
        ),
        (
            _metric(
                "token_perplexity",
                "",
                "perplexity of a causal language model for each token of its own tokenizer",
                "exp(-sum log p / N)",
                "never compare it between models with different tokenizers: longer tokens raise it",
            ),
            lambda found: found.perplexity("tokens"),
        ),
    )
}


def read_value(name: str, found: Likelihood) -> Value:
    """The number of that name; None where the text has no such unit or the number is too large to write."""
    try:
        value = READINGS[name][1](found)
    except InputError as error:
        return Value(None, error.message)
    except OverflowError:
        return Value(None, "too large a number")
    return Value(value) if math.isfinite(value) else Value(None, "not finite")
