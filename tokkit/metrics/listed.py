"""Definitions of numbers that are not of one text: of a vocabulary, of gold morphemes, of all languages, of a clock.

`tokkit.evaluate` measures them; here stands what they mean, so that they can be explained, listed and gated like all.
"""

from typing import Final

from tokkit.errors import InternalError
from tokkit.metrics.base import METRICS, Better, Metric, Scope, Value
from tokkit.metrics.evidence import Evidence


def _nowhere(evidence: Evidence) -> Value:
    raise InternalError(f"a metric that is not of a text was asked of one of {evidence.n_documents} documents")


_nowhere.__module__ = __name__


def _define(
    name: str,
    scope: Scope,
    unit: str,
    better: Better,
    summary: str,
    formula: str,
    caveat: str,
    *,
    source: str = "",
    aggregation: str = "sum",
    decimals: int = 0,
) -> None:
    METRICS.register(name)(
        Metric(
            name=name,
            unit=unit,
            better=better,
            summary=summary,
            formula=formula,
            caveat=caveat,
            compute=_nowhere,
            source=source,
            aggregation=aggregation,
            decimals=decimals,
            scope=scope,
        )
    )


_PARALLEL: Final = "on parallel text only; languages with more than 10 % unknown characters are left out"
for _name, _unit, _summary, _formula in (
    ("gini", "0 equal .. 1", "how unequal tokens per document are over languages", "sum |c_i - c_j| / (2 n^2 mean)"),
    (
        "gini_per_byte",
        "0 equal .. 1",
        "the same of tokens per byte: another question, and it can order tokenizers the other way round",
        "sum |c_i - c_j| / (2 n^2 mean), c = N / B",
    ),
    ("macro_premium", "times the reference", "mean premium of the languages, the reference included", "mean_l N_l / N"),
    ("max_over_min", "times", "cost of the worst language over that of the best", "max_l N_l / min_l N_l"),
    ("worst_premium", "times the reference", "premium of the worst language", "max_l N_l / N_ref"),
):
    _define(
        f"fairness.{_name}",
        "languages",
        _unit,
        "lower",
        _summary,
        _formula,
        f"{_PARALLEL}; of n languages Gini is at most (n - 1) / n",
        source="Petrov et al., NeurIPS 2023; Foroutan et al., 2025",
        aggregation="macro_languages",
        decimals=3,
    )

_ONE_BY_ONE: Final = "the model is asked for the token's own spelling: no text is needed and no context is missed"
_Row = tuple[str, Better, str, str, str]
_HEALTH: Final[tuple[_Row, ...]] = (
    ("vocab_size", "neither", "tokens, added ones included", "|V|", "a number of its own says nothing"),
    (
        "model_unreachable",
        "lower",
        "tokens that the model never yields for their own bytes",
        "model(token) != [token]",
        _ONE_BY_ONE,
    ),
    (
        "normalizer_unreachable",
        "lower",
        "tokens that the normaliser changes into something else",
        "normalise(token) != token, after undoing a prefix",
        "a token that stands for a part of such a form may still occur",
    ),
    (
        "pretokenizer_unreachable",
        "lower",
        "tokens that are cut before they can form, alone and in 143 contexts",
        "token not in enc(before + token + after) for any context",
        "evidence from contexts, not a proof",
    ),
    (
        "unreachable",
        "lower",
        "tokens that any of these tests finds",
        "union of model, continuation, normalizer and pretokenizer",
        "special and byte tokens are not counted",
    ),
    (
        "continuation_unreachable",
        "lower",
        "`##` tokens of WordPiece that follow no token of the vocabulary, or are cut off by the pre-tokenizer",
        "no q with longest match q before x in one pre-token",
        "exact for the greedy rule; other tokenizers have no such tokens",
    ),
    (
        "byte_tokens_unreachable",
        "lower",
        "byte tokens that no UTF-8 needs, or whose character has a token",
        "<0xNN> with NN in C0, C1, F5-FF, or ASCII in the vocabulary",
        "they cost rows of the embedding, no more",
    ),
    ("byte_coverage", "neither", "of the 256 bytes, those with a token of their own", "|bytes|", "null without bytes"),
    ("partial_utf8", "neither", "tokens that are parts of characters", "bytes are no whole text", "normal for bytes"),
    ("never_valid_utf8", "lower", "tokens with bytes that no UTF-8 has", "C0, C1 or F5-FF", "13 lone bytes are usual"),
    ("duplicates", "lower", "tokens that spell what another spells", "|tokens| - |distinct|", "often added tokens"),
    ("overlong", "lower", "tokens of more than 64 bytes", "bytes > 64", "runs of spaces and rules are useful in code"),
    ("control", "lower", "tokens with control characters", "U+0000-001F but tab and line ends", "may be deliberate"),
    ("trailing_space", "neither", "tokens that end in a space after something else", "ends in U+0020", "superwords do"),
    (
        "strict_selfencode_fail",
        "neither",
        "tokens whose text does not encode to them alone: not a count of defects",
        "enc(dec([i])) != [i]",
        "wrong for every tokenizer that puts a space in front; kept to compare with tools that call it unreachable",
    ),
    ("max_token_bytes", "neither", "length of the longest token", "max bytes", "says little"),
)
for _what, _better, _summary, _formula, _caveat in _HEALTH:
    _define(
        f"health.{_what}",
        "vocabulary",
        "bytes" if _what == "max_token_bytes" else "tokens",
        _better,
        _summary,
        _formula,
        _caveat,
    )

_MULTI: Final = "words of two morphemes or more"
_READ_BOTH: Final = "read precision with recall: one token a character recalls every boundary"
_MORPHOLOGY: Final[tuple[tuple[str, str, Better, str, str, str], ...]] = (
    ("boundary_precision", "share of token cuts", "higher", "cuts that are boundaries", "TP / (TP + FP)", _READ_BOTH),
    ("boundary_recall", "share of boundaries", "higher", "boundaries that are cuts", "TP / (TP + FN)", _READ_BOTH),
    ("boundary_f1", "F1", "higher", "agreement of cuts and boundaries", "2 TP / (2 TP + FP + FN)", _READ_BOTH),
    ("boundary_f1_macro", "F1", "higher", "the same, word by word", "mean_w F1_w, 1 where both are empty", _READ_BOTH),
    ("exact", "share of words", "higher", "words cut into their morphemes", "words with G = P / words", _READ_BOTH),
    ("span_precision", "share of tokens", "higher", "tokens that are morphemes", "|T & M| / |T|", _READ_BOTH),
    ("span_recall", "share of morphemes", "higher", "morphemes that are tokens", "|T & M| / |M|", _READ_BOTH),
    ("span_f1", "F1", "higher", "agreement of tokens and morphemes", "2 |T & M| / (|T| + |M|)", _READ_BOTH),
    (
        "boundary_violation",
        "share of boundaries",
        "lower",
        "boundaries strictly inside of a token; of words in unspaced text: traps of adversarial segmentation (ADT)",
        "FN / (TP + FN)",
        "0 for one token a character",
    ),
    (
        "integrity",
        "share of characters",
        "higher",
        "characters that stay with most of their morpheme",
        "sum_m max_t |m & t| / characters, all words",
        "1 for whole words as tokens",
    ),
    (
        "turbidity",
        "share of tokens",
        "lower",
        "tokens that hold parts of several morphemes, and not all of each; all words",
        "turbid tokens / tokens",
        "0 for one token a character, and for whole words",
    ),
    (
        "dilution",
        "share of morphemes",
        "lower",
        "morphemes of which a turbid token holds a part; all words",
        "diluted morphemes / morphemes",
        "0 for one token a character, and for whole words",
    ),
    (
        "muddiness",
        "share of morphemes",
        "lower",
        "morphemes of which a turbid token holds anything; all words",
        "muddied morphemes / morphemes",
        "0 for one token a character, and for whole words",
    ),
    (
        "morphscore1",
        "share of words",
        "higher",
        "MorphScore 1: words of several tokens whose last boundary is a cut",
        "hits / words of >= 2 tokens",
        "one cut a word; found by offsets, where the published code returns 0 for tokenizers that add tokens",
    ),
    (
        "morphscore2_recall",
        "share",
        "higher",
        "MorphScore 2, recall: cuts before and after the stem that are hit; a word of one token scores 1",
        "mean by frequency of hits / cuts",
        "words of one morpheme are left out, cuts between suffixes are not looked at",
    ),
    (
        "morphscore2_precision",
        "share",
        "higher",
        "MorphScore 2, precision: the same hits over the number of tokens",
        "mean by frequency of hits / tokens",
        "the end of the word counts as a cut that never hits, so 1 cannot be reached but by single tokens",
    ),
)
for _what, _unit, _better, _summary, _formula, _caveat in _MORPHOLOGY:
    for _convention in ("bare", "space"):
        _alone = "encoded alone" if _convention == "bare" else "encoded with a space in front"
        _define(
            f"morphology.{_what}.{_convention}",
            "morphemes",
            _unit,
            _better,
            f"{_summary}; {_MULTI}, {_alone}",
            _formula,
            f"{_caveat}; no relation to perplexity was found (Arnett & Bergen, 2025)",
            source="Arnett & Bergen, 2025" if _what.startswith("morphscore") else "",
            aggregation="mean_of_ratios" if _what in ("boundary_f1_macro", "morphscore2_recall") else "ratio_of_sums",
            decimals=3,
        )

for _what, _unit, _better, _summary in (
    ("one_thread", "MB/s", "higher", "megabytes of text encoded a second by one thread"),
    ("all_threads", "MB/s", "higher", "megabytes of text encoded a second by all threads"),
    ("latency_p50", "microseconds", "lower", "median time to encode one short document"),
    ("latency_p99", "microseconds", "lower", "time within which 99 % of short documents are encoded"),
):
    _define(
        f"speed.{_what}",
        "speed",
        _unit,
        _better,
        _summary,
        "median of 5 runs after a warm-up, wall clock" if _unit == "MB/s" else "over 1000 calls at most",
        "of this machine under its load now; compare within one run only",
        aggregation="median",
        decimals=1,
    )
