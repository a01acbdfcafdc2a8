"""What the vocabulary does not cover: unknown text, byte fallback, cut characters, text that does not come back."""

from tokkit.metrics import columns  # noqa: F401 - registers the columns that the ratios name
from tokkit.metrics.base import METRICS, Metric, Value, ratio
from tokkit.metrics.evidence import Evidence

ratio(
    "unk_token_rate",
    "unk_tokens",
    "tokens",
    undefined="no tokens",
    unit="share of tokens",
    better="lower",
    summary="tokens that say `unknown`",
    formula="unknown tokens / N",
    caveat="one unknown token can hide a whole word: read unk_char_rate; low fertility beside it is faked",
)
ratio(
    "unk_char_rate",
    "unk_chars",
    "chars",
    undefined="no characters",
    unit="share of characters",
    better="lower",
    summary="characters that only an unknown token stands for",
    formula="sum of the spans of unknown tokens / C",
    caveat="a language with more than 10 % is not covered; its other numbers mean nothing",
)
ratio(
    "byte_fallback_rate",
    "fallback_tokens",
    "tokens",
    undefined="no tokens",
    unit="share of tokens",
    better="lower",
    summary="tokens that are lone bytes because no other token fits",
    formula="tokens <0xNN> / N",
    caveat="newlines and tabs are often spelled so on purpose",
)
ratio(
    "partial_utf8_rate",
    "partial_tokens",
    "tokens",
    undefined="no tokens",
    unit="share of tokens",
    better="lower",
    summary="tokens whose bytes are not valid UTF-8 by themselves",
    formula="tokens with partial characters / N",
    caveat="such tokens cannot be shown or streamed alone; harmless for decoding whole texts",
)
ratio(
    "char_split_rate",
    "cut_chars",
    "multibyte",
    undefined="no character of several bytes",
    unit="share of multi-byte characters",
    better="lower",
    summary="characters of several bytes that two or more tokens share",
    formula="multi-byte characters overlapped by >= 2 tokens / multi-byte characters",
    caveat="0 by construction for vocabularies of whole characters",
)
ratio(
    "whitespace_only_rate",
    "whitespace_tokens",
    "tokens",
    undefined="no tokens",
    unit="share of tokens",
    better="lower",
    summary="tokens of nothing but white space",
    formula="white-space tokens / N",
    caveat="in code and tables they carry meaning",
)
ratio(
    "round_trip",
    "returned",
    "documents",
    undefined="no documents",
    unit="share of documents",
    better="higher",
    summary="documents d with decode(encode(d)) == d, character for character",
    formula="documents that come back / |D|",
    caveat="tokenizers that normalise, lower-case or have unknown tokens fall short by design",
)


def _specials(evidence: Evidence) -> Value:
    total = evidence.total("special_tokens")
    return Value(float(total), None, total, 1)


METRICS.register("special_tokens")(
    Metric(
        name="special_tokens",
        unit="tokens",
        better="neither",
        summary="special tokens among the ids, unknown ones included",
        formula="number of ids that are special",
        caveat="specials spelled in the text are read as text unless allowed",
        compute=_specials,
        columns=("special_tokens",),
        aggregation="sum",
        decimals=0,
    )
)
