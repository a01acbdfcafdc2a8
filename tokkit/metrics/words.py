"""How words fare: tokens per word, and the share of words that are one token.

Words `ws` are maximal runs without Unicode white space, as Python's `str.split()` finds them: meaningless for Chinese,
Japanese, Thai, Khmer and Lao, which write no spaces. Words `uax29` are the segments between the word boundaries of
Unicode Standard Annex 29 that hold a letter or a number.
"""

import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tokkit.metrics.base import METRICS, Batch, Ratio

_WORD = re.compile(r"\S+")


def count_uax29(text: str) -> int:
    """Number of words of `text` by Unicode Standard Annex 29, as the `regex` package implements it."""
    import regex

    boundaries = [match.start() for match in regex.finditer(r"\b", text, flags=regex.V1 | regex.WORD)]
    cuts = [0, *(cut for cut in boundaries if 0 < cut < len(text)), len(text)]
    word = regex.compile(r"[\p{L}\p{N}]")
    return sum(word.search(text, low, high) is not None for low, high in pairwise(cuts))


@METRICS.register("fertility.ws")
class FertilityWhitespace(Ratio):
    """Tokens / words, whole documents encoded, words between white space. Below 1 for superword tokenizers."""

    name = "fertility.ws"
    unit = "tokens per word"
    better = "lower"
    undefined = "no words"

    def parts(self, batch: Batch) -> tuple[int, int]:
        """Tokens and words."""
        return len(batch.ids), sum(len(text.split()) for text in batch.texts)


@METRICS.register("fertility.uax29")
class FertilityUnicode(Ratio):
    """Tokens / words, whole documents encoded, words by Unicode Standard Annex 29."""

    name = "fertility.uax29"
    unit = "tokens per word"
    better = "lower"
    undefined = "no words"

    def parts(self, batch: Batch) -> tuple[int, int]:
        """Tokens and words."""
        return len(batch.ids), sum(map(count_uax29, batch.texts))


@METRICS.register("strr.in_context")
class SingleTokenWords(Ratio):
    """Share of running words (`ws`) that exactly one token overlaps, in the text as it stands.

    The single-token retention rate of arXiv 2510.09947, taken in context: encoded alone, with or without a space in
    front, the same tokenizer gets anything from 0 to 0.9 by its convention for leading spaces.
    """

    name = "strr.in_context"
    unit = "share of words"
    better = "higher"
    undefined = "no words"

    def parts(self, batch: Batch) -> tuple[int, int]:
        """Words with one token, and words."""
        single = words = 0
        for text, data, (starts, ends) in zip(batch.texts, batch.utf8, batch.byte_spans, strict=True):
            low, high = word_spans(text, data)
            # Tokens lie in order, so those that overlap a word are those that end after it starts and start before
            # it ends: one contiguous run.
            n_tokens = np.searchsorted(starts, high, "left") - np.searchsorted(ends, low, "right")
            single += int(np.count_nonzero(n_tokens == 1))
            words += len(low)
        return single, words


def word_spans(text: str, data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and end of each word `ws` in `data`, the UTF-8 of `text`; int64 [n_words] each."""
    spans = np.array([match.span() for match in _WORD.finditer(text)], np.int64).reshape(-1, 2)
    if len(data) != len(text):
        is_start = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
        byte_of_char = np.append(np.flatnonzero(is_start), len(data))
        spans = byte_of_char[spans]
    return spans[:, 0], spans[:, 1]
