"""How few tokens a text takes: tokens, and characters, bytes, graphemes or documents to a token."""

from tokkit.metrics import columns  # noqa: F401 - registers the columns that the ratios name
from tokkit.metrics.base import METRICS, Metric, Value, ratio
from tokkit.metrics.evidence import Evidence


def _tokens(evidence: Evidence) -> Value:
    total = evidence.total("tokens")
    return Value(float(total), None, total, 1)


METRICS.register("tokens")(
    Metric(
        name="tokens",
        unit="tokens",
        better="lower",
        summary="number of tokens of the whole text (corpus token count)",
        formula="N = sum over documents of the number of tokens, special tokens not added",
        caveat="comparable on identical text only; says nothing about quality across algorithms",
        compute=_tokens,
        columns=("tokens",),
        aggregation="sum",
        decimals=0,
    )
)
ratio(
    "bytes_per_token",
    "bytes",
    "tokens",
    undefined="no tokens",
    unit="bytes",
    better="higher",
    summary="UTF-8 bytes of the text for each token",
    formula="B / N",
    caveat="UTF-8 spends 1 to 4 bytes on a character by script: never compare across scripts",
)
ratio(
    "chars_per_token",
    "chars",
    "tokens",
    undefined="no tokens",
    unit="characters",
    better="higher",
    summary="code points of the text for each token",
    formula="C / N",
    caveat="scripts differ in what a character says: across languages use `premium` on parallel text",
)
ratio(
    "tokens_per_char",
    "tokens",
    "chars",
    undefined="no characters",
    unit="tokens",
    better="lower",
    summary="tokens for each code point; the reciprocal of chars_per_token (some call it NSL)",
    formula="N / C",
    caveat="the same information as chars_per_token: publish one of them",
)
ratio(
    "tokens_per_grapheme",
    "tokens",
    "graphemes",
    undefined="no characters",
    unit="tokens",
    better="lower",
    summary="tokens for each user-perceived character (extended grapheme cluster)",
    formula=r"N / number of matches of \X",
    caveat="depends on the Unicode version of the `regex` package",
    source="Unicode Standard Annex 29",
)
ratio(
    "tokens_per_document",
    "tokens",
    "documents",
    undefined="no documents",
    unit="tokens",
    better="lower",
    summary="tokens for each document: on parallel text the cost that can be compared across languages",
    formula="N / |D|",
    caveat="means something on parallel text only",
    decimals=1,
)
