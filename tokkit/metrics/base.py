"""What a metric is, what a tokenizer must offer to be measured, and the registry of metrics."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokkit.errors import UsageError
from tokkit.registry import Registry

if TYPE_CHECKING:
    from tokkit.metrics.evidence import Evidence

Better = Literal["higher", "lower", "neither"]
Scope = Literal["text", "vocabulary", "morphemes", "languages", "speed", "tool"]
"""What a number is of: a text (by `compute`), a vocabulary, gold morphemes, all languages together, a clock; or as
another tool computes it."""


class EncodedBatch(Protocol):
    """Token ids of several documents: ids uint32 [n_tokens]; offsets uint64 [n_documents + 1] into ids."""

    @property
    def ids(self) -> NDArray[np.uint32]:
        """All ids, one document after the other."""

    @property
    def offsets(self) -> NDArray[np.uint64]:
        """Where each document starts, and the end of the last."""


class EncodedText(Protocol):
    """Where the tokens of one text lie: byte_offsets [n_tokens, 2], start and end in the text's UTF-8."""

    @property
    def byte_offsets(self) -> ArrayLike:
        """Start and end of each token."""


class Subject(Protocol):
    """What can be evaluated: the small part of a tokenizer that metrics use."""

    @property
    def vocab_size(self) -> int:
        """Number of ids; every id is below it."""

    def encode_batch(self, texts: Sequence[str], /) -> EncodedBatch:
        """Ids of whole documents, without any special token added."""

    def encode_offsets(self, text: str, /) -> EncodedText:
        """Where the tokens of `text` lie in it."""

    def token_bytes(self, token: int, /) -> bytes:
        """The bytes that the token stands for."""

    def decode(self, ids: Sequence[int], /) -> str:
        """The text of the ids."""


@dataclass(frozen=True)
class Value:
    """A measured number, or None with the reason why there is none: undefined is never 0."""

    value: float | None
    reason: str | None = None
    numerator: int | None = None
    denominator: int | None = None


@dataclass(frozen=True)
class Metric:
    """A definition: what must be gathered in the one pass over the text, and how the number comes out of it.

    `columns` are integers per document, `counters` tallies over all documents (`ids`, `pairs`, `words`, `numbers`,
    `forms`). `ratio` names two columns whose sums are divided: such a metric has confidence intervals. `per_ratio`
    turns the quotient round.
    """

    name: str
    unit: str
    better: Better
    summary: str
    formula: str
    caveat: str
    compute: "Callable[[Evidence], Value]"
    columns: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    ratio: tuple[str, str] | None = None
    source: str = ""
    version: int = 1
    aggregation: str = "ratio_of_sums"
    decimals: int = 3
    scope: Scope = "text"

    def __post_init__(self) -> None:
        # A registry names the module that a thing comes from; that of a definition is where its formula stands.
        object.__setattr__(self, "__module__", self.compute.__module__)

    @property
    def id(self) -> str:
        """Name and version of the definition: `fertility.ws@1`."""
        return f"{self.name}@{self.version}"

    def explain(self) -> str:
        """Everything to know about the number, for people."""
        rows = [
            ("what", self.summary),
            ("formula", self.formula),
            ("unit", f"{self.unit}; better: {self.better}"),
            ("aggregation", self.aggregation),
            ("does not tell", self.caveat),
            ("source", self.source),
        ]
        return "\n".join([self.id, *(f"  {label + ':':15}{text}" for label, text in rows if text)])


METRICS: Registry[Metric] = Registry(
    "metric",
    {
        name: f"tokkit.metrics.{module}"
        for module, names in {
            "compression": (
                "tokens bytes_per_token chars_per_token tokens_per_char tokens_per_grapheme tokens_per_document"
            ),
            "words": (
                "fertility.ws fertility.uax29 fertility.icu fertility.char fertility.ws.document_mean "
                "pcw.in_context strr.in_context "
                + " ".join(
                    f"{name}.{convention}"
                    for name in ("fertility_isolated", "pcw.isolated", "strr.types", "strr.occurrences")
                    for convention in ("bare", "space", "word_start")
                )
            ),
            "coverage": (
                "unk_token_rate unk_char_rate byte_fallback_rate byte_fallback_nonascii_rate partial_utf8_rate "
                "char_split_rate boundary_crossing_rate whitespace_only_rate special_tokens specials_in_text "
                "round_trip round_trip.normalised round_trip.whitespace round_trip.character_errors"
            ),
            "distribution": (
                "shannon_entropy shannon_efficiency.observed shannon_efficiency.nominal "
                "renyi_efficiency.observed renyi_efficiency.nominal "
                "renyi_efficiency_2.observed renyi_efficiency_2.nominal "
                "renyi_efficiency_3.observed renyi_efficiency_3.nominal percentile_frequency "
                "unigram_bits_per_byte average_rank type_token_ratio vocab_utilisation vocab_utilisation.reachable "
                "unused_reachable_share bigram_entropy zipf_slope"
            ),
            "fairness": (
                "premium premium.document_mean premium.document_geometric premium.bytes premium.characters "
                "context_shrinkage cost.text cost.reference_million"
            ),
            "stability": (
                " ".join(
                    f"stability.{change}.{what}"
                    for change in (
                        (
                            "nfd",
                            "nfkc",
                            "upper",
                            "lower",
                            "lead_space",
                            "trail_space",
                            "double_spaces",
                            "swap_every_11th",
                        )
                    )
                    for what in ("same_ids", "token_ratio", "edit_distance", "changed")
                )
                + " consistency prefix.stable prefix.unstable_tail prefix.longest_unstable_tail"
            ),
            "numbers": (
                "digits.right_to_left_f1 digits.tokens_per_number digits.share_right_to_left "
                "digits.share_left_to_right digits.share_single_digits digits.share_whole"
            ),
            "code": (
                "identifier.tokens operator.isolation operator.compound_kept indentation.tokens indentation.monotonic"
            ),
            "syntax": "python_leaves.boundary_recall python_leaves.boundary_precision python_leaves.whole",
            "letters": "round_trip.letters_lost",
            "intermediate": "intermediate_ratio intermediate_tokens",
            "lexical": " ".join(
                f"{name}.{what}"
                for name in ("lexical_validity", "purity")
                for what in ("types", "occurrences", "characters")
            ),
            "proxies": "containing_token_length",
            "listed": (
                "fairness.gini fairness.gini_per_byte fairness.macro_premium fairness.max_over_min "
                "fairness.worst_premium "
                "health.vocab_size health.model_unreachable health.normalizer_unreachable "
                "health.pretokenizer_unreachable health.unreachable health.byte_tokens_unreachable "
                "health.continuation_unreachable "
                "health.byte_coverage "
                "health.partial_utf8 health.never_valid_utf8 health.duplicates health.overlong health.control "
                "health.trailing_space health.strict_selfencode_fail health.max_token_bytes "
                + " ".join(
                    f"morphology.{what}.{convention}"
                    for what in (
                        *("boundary_precision", "boundary_recall", "boundary_f1", "boundary_f1_macro", "exact"),
                        *("span_precision", "span_recall", "span_f1", "boundary_violation", "integrity"),
                        *("turbidity", "dilution", "muddiness"),
                        *("morphscore1", "morphscore2_recall", "morphscore2_precision"),
                    )
                    for convention in ("bare", "space")
                )
                + " speed.one_thread speed.all_threads speed.latency_p50 speed.latency_p99"
            ),
        }.items()
        for name in names.split()
    }
    | {
        f"as.{tool}.{name}": "tokkit.evaluate.modes"
        for tool, names in {
            "tokenization-scorer": (
                "renyi_efficiency renyi_efficiency_power2.5 renyi_efficiency_power2.5_vocab renyi_entropy_power2.5 "
                "shannon_efficiency shannon_entropy seq_len percentile_freq bits"
            ),
            "toklens": "fertility cpt compression_ratio strr nsl parity",
            "tokscope": (
                "vocab_size token_count word_count fertility chars_per_token bytes_per_token unk_rate byte_token_rate "
                "premium"
            ),
            "morphscore1": "score scored excluded_single_token",
            "petrov2023": "tokens premium",
            "bayram2025-offline": "unique turkish percent_turkish pure percent_pure",
        }.items()
        for name in names.split()
    }
    | dict.fromkeys(
        ("bits_per_byte", "byte_perplexity", "word_perplexity", "token_perplexity"), "tokkit.extrinsic.metrics"
    )
    | dict.fromkeys(("proxy_lm.bits_per_byte", "proxy_lm.ratio"), "tokkit.extrinsic.proxy"),
)


def find(reference: str) -> Metric:
    """The metric of a name or of an id such as `fertility.ws@1`.

    Raises:
        UsageError: no such name, or another version than the one there is.
    """
    name, at, version = reference.partition("@")
    metric = METRICS.get(name)
    if at and version != str(metric.version):
        raise UsageError(
            f"metric `{name}` has the version {metric.version} here, got {version or 'none'}",
            hint="numbers of different versions cannot be compared",
        )
    return metric


def ratio(
    name: str,
    numerator: str,
    denominator: str,
    *,
    undefined: str,
    unit: str,
    better: Better,
    summary: str,
    formula: str,
    caveat: str,
    source: str = "",
    decimals: int = 3,
) -> Metric:
    """Registers a metric that is one sum of a column divided by another; None with the reason where that is 0."""

    def compute(evidence: "Evidence") -> Value:
        above, below = evidence.total(numerator), evidence.total(denominator)
        missing = evidence.missing(numerator) or evidence.missing(denominator)
        if missing:
            return Value(None, missing)
        if below == 0:
            return Value(None, undefined, above, 0)
        return Value(above / below, None, above, below)

    compute.__module__ = sys._getframe(1).f_globals["__name__"]
    metric = Metric(
        name=name,
        unit=unit,
        better=better,
        summary=summary,
        formula=formula,
        caveat=caveat,
        compute=compute,
        columns=(numerator, denominator),
        ratio=(numerator, denominator),
        source=source,
        decimals=decimals,
    )
    return METRICS.register(name)(metric)
