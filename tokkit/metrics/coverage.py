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
    "byte_fallback_nonascii_rate",
    "fallback_beyond_ascii_tokens",
    "tokens",
    undefined="no tokens",
    unit="share of tokens",
    better="lower",
    summary="tokens that are lone bytes of characters beyond ASCII, because no other token fits",
    formula="tokens <0x80> .. <0xFF> / N",
    caveat="the part of byte_fallback_rate that is never deliberate",
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
    "boundary_crossing_rate",
    "crossing_tokens",
    "tokens",
    undefined="no tokens",
    unit="share of tokens",
    better="lower",
    summary="tokens that hold bytes of several characters, one of them incomplete",
    formula="such tokens / N",
    caveat="a part of partial_utf8_rate; harmless for decoding whole texts",
    source="TokEval",
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
ratio(
    "round_trip.normalised",
    "returned_normalised",
    "documents",
    undefined="no documents",
    unit="share of documents",
    better="higher",
    summary="documents that come back up to NFKC, case and runs of white space",
    formula="documents with f(decode(encode(d))) == f(d) / |D|",
    caveat="what falls short here too was lost to unknown tokens or a broken decoder",
)
ratio(
    "round_trip.whitespace",
    "returned_whitespace",
    "documents",
    undefined="no documents",
    unit="share of documents",
    better="higher",
    summary="documents whose white space comes back: spaces, tabs, indents and line ends",
    formula="documents whose runs of white space are the same, in order / |D|",
    caveat="in code and tables lost white space is lost meaning",
)
ratio(
    "round_trip.character_errors",
    "wrong_characters",
    "compared_characters",
    undefined="no characters",
    unit="edits per character",
    better="lower",
    summary="edits between documents and what comes back of them (character error rate)",
    formula="sum_d Levenshtein(d, decode(encode(d))) / characters; first 256 documents, 2048 characters each",
    caveat="a lower-cased letter counts as much as a lost one",
)


def _specials_in_text(evidence: Evidence) -> Value:
    total = evidence.total("specials_in_text")
    return Value(float(total), None, total, 1)


METRICS.register("specials_in_text")(
    Metric(
        name="specials_in_text",
        unit="names",
        better="neither",
        summary="names of special tokens that stand in the text",
        formula="occurrences of names of special tokens in the documents",
        caveat="they are read as text here; a server that allows them would read commands",
        compute=_specials_in_text,
        columns=("specials_in_text",),
        aggregation="sum",
        decimals=0,
    )
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
