"""Letters that do not come back from a tokenizer: what is dropped or unknown costs no tokens, and fakes low counts."""

import unicodedata
from collections import Counter
from typing import Final

import numpy as np

from tokkit.metrics.base import ratio
from tokkit.metrics.batch import Batch
from tokkit.metrics.evidence import Column, column

LETTERS_LOST: Final = "round_trip.letters_lost"


def letters(text: str) -> Counter[str]:
    """Letters without case, marks and compatibility forms, which many tokenizers change and nobody misses."""
    return Counter(c for c in unicodedata.normalize("NFKD", text.casefold()) if unicodedata.category(c)[0] == "L")


@column("letters")
def letters_column(batch: Batch) -> Column:
    """Letters of each document."""
    return np.array([letters(text).total() for text in batch.texts], np.int64)


@column("lost_letters")
def lost_letters(batch: Batch) -> Column:
    """Letters of each document that what comes back of it has not."""
    pairs = zip(batch.texts, batch.decoded, strict=True)
    return np.array([0 if a == b else (letters(a) - letters(b)).total() for a, b in pairs], np.int64)


ratio(
    LETTERS_LOST,
    "lost_letters",
    "letters",
    undefined="no letters",
    unit="share of letters",
    better="lower",
    summary="letters that do not come back, whatever their case, marks and compatibility forms",
    formula="sum_d |letters(d) - letters(dec(enc(d)))| / sum_d |letters(d)|, multisets of NFKD(casefold)",
    caveat="order is not looked at; above 0.1 low token counts of that text are faked: what is dropped costs nothing",
)
