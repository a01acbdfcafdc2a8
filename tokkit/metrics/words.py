"""How words fare: tokens per word, and the share of words that are one token or several.

Words `ws` are maximal runs without Unicode white space, as Python's `str.split()` finds them: meaningless for Chinese,
Japanese, Thai, Khmer and Lao, which write no spaces. Words `uax29` are the segments between the word boundaries of
Unicode Standard Annex 29 that hold a letter or a number; `char` words are graphemes that do.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from tokkit.metrics import columns  # noqa: F401 - registers the columns that the ratios name
from tokkit.metrics.base import METRICS, Better, Metric, Value, ratio
from tokkit.metrics.evidence import Evidence

Convention = Literal["bare", "space", "word_start"]
_NO_WORDS: Final = "no words"
_CONVENTIONS: Final[dict[Convention, str]] = {
    "bare": "bare",
    "space": "with a space in front",
    "word_start": "with a space in front unless the tokenizer puts one there itself",
}
_ISOLATED: Final = "no text is made of words encoded alone: kept to compare with tools that measure so"

for _segmenter, _note in (
    ("ws", "words between white space: tokens per clause in Chinese, Japanese, Thai, Khmer and Lao"),
    ("uax29", "words by Unicode Standard Annex 29: about one a character in Chinese, Japanese and Thai"),
    ("icu", "words by ICU, whose dictionaries know Chinese, Japanese, Thai, Lao, Khmer and Burmese (needs PyICU)"),
    ("char", "graphemes that are letters or numbers: for scripts that write no spaces"),
):
    ratio(
        f"fertility.{_segmenter}",
        "tokens",
        f"words_{_segmenter}",
        undefined=_NO_WORDS,
        unit="tokens per word",
        better="lower",
        summary="tokens for each word, whole documents encoded",
        formula=f"N / W_{_segmenter}",
        caveat=f"{_note}; below 1 for superword tokenizers; not evidence of quality by itself",
    )
ratio(
    "pcw.in_context",
    "continued_words",
    "words_ws",
    undefined=_NO_WORDS,
    unit="share of words",
    better="lower",
    summary="proportion of continued words: running words (`ws`) that two or more tokens overlap, in the text",
    formula="words with >= 2 overlapping tokens / W_ws",
    caveat="a word joined to its punctuation counts as continued",
    source="Rust et al., ACL 2021",
)
ratio(
    "strr.in_context",
    "single_words",
    "words_ws",
    undefined=_NO_WORDS,
    unit="share of words",
    better="higher",
    summary="running words (`ws`) that exactly one token overlaps, in the text as it stands",
    formula="words with 1 overlapping token / W_ws",
    caveat="encoded alone, bare or with a space, the same tokenizer gets anything from 0 to 0.9",
    source="arXiv 2510.09947, taken in context",
)


def _document_mean(evidence: Evidence) -> Value:
    tokens, words = evidence.column("tokens"), evidence.column("words_ws")
    kept = (tokens > 0) & (words > 0)
    if not kept.any():
        return Value(None, _NO_WORDS)
    return Value(float(np.mean(tokens[kept] / words[kept])))


METRICS.register("fertility.ws.document_mean")(
    Metric(
        name="fertility.ws.document_mean",
        unit="tokens per word",
        better="lower",
        summary="mean over documents of their own tokens per word, documents without either left out",
        formula="mean_d N_d / W_d",
        caveat="short documents weigh as much as long ones",
        compute=_document_mean,
        columns=("tokens", "words_ws"),
        aggregation="mean_of_ratios",
    )
)


def tokens_of_types(
    evidence: Evidence, *, convention: Convention
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Each distinct word, how often it occurs, and its tokens when encoded alone.

    `space` puts a space in front whatever the tokenizer does: one that adds a marker of its own (Llama 2) gets two, and
    the values say more about that than about words. `word_start` puts it only where the tokenizer does not.
    """
    tally: Counter[object] = evidence.tallies["words"]
    types = sorted(str(word) for word in tally)
    subject = evidence.lexicon.subject
    spaced = convention == "space" or (convention == "word_start" and not evidence.lexicon.puts_space_in_front)
    front = " " if spaced else ""
    encoded = subject.encode_batch([front + word for word in types])
    occurrences = np.array([tally[word] for word in types], np.int64)
    offsets = np.asarray(encoded.offsets, np.int64)
    return types, occurrences, offsets[1:] - offsets[:-1]


def worst_words(evidence: Evidence, n: int, *, convention: Convention = "bare") -> list[tuple[str, int, int]]:
    """The words that cost most: (word, occurrences, tokens alone), by (tokens - 1) x occurrences, then by word."""
    types, occurrences, tokens = tokens_of_types(evidence, convention=convention)
    order = sorted(range(len(types)), key=lambda i: (-int((tokens[i] - 1) * occurrences[i]), types[i]))
    return [(types[i], int(occurrences[i]), int(tokens[i])) for i in order[:n] if tokens[i] > 1]


_Isolated = Callable[[NDArray[np.int64], NDArray[np.int64]], tuple[int, int]]


def _isolated(name: str, unit: str, better: Better, summary: str, formula: str, parts: _Isolated) -> None:
    for convention in _CONVENTIONS:

        def compute(evidence: Evidence, *, convention: Convention = convention) -> Value:
            _, occurrences, tokens = tokens_of_types(evidence, convention=convention)
            above, below = parts(occurrences, tokens)
            return Value(above / below, None, above, below) if below else Value(None, _NO_WORDS, above, 0)

        METRICS.register(f"{name}.{convention}")(
            Metric(
                name=f"{name}.{convention}",
                unit=unit,
                better=better,
                summary=f"{summary}, {_CONVENTIONS[convention]}",
                formula=formula,
                caveat=_ISOLATED,
                compute=compute,
                counters=("words",),
            )
        )


_isolated(
    "fertility_isolated",
    "tokens per word",
    "lower",
    "tokens for each word, each encoded alone",
    "sum_w |enc(w)| / W",
    lambda occurrences, tokens: (int(occurrences @ tokens), int(occurrences.sum())),
)
_isolated(
    "pcw.isolated",
    "share of words",
    "lower",
    "words of two or more tokens when encoded alone",
    "words w with |enc(w)| >= 2 / W",
    lambda occurrences, tokens: (int(occurrences[tokens >= 2].sum()), int(occurrences.sum())),
)
_isolated(
    "strr.types",
    "share of distinct words",
    "higher",
    "distinct words that are one token when encoded alone",
    "types w with |enc(w)| = 1 / types",
    lambda occurrences, tokens: (int(np.count_nonzero(tokens == 1)), len(occurrences)),
)
_isolated(
    "strr.occurrences",
    "share of words",
    "higher",
    "running words that are one token when encoded alone",
    "words w with |enc(w)| = 1 / W",
    lambda occurrences, tokens: (int(occurrences[tokens == 1].sum()), int(occurrences.sum())),
)
