"""How evenly the vocabulary is used: entropies, Rényi efficiency by both normalisers, ranks, bigrams.

Distributions are over ids, never over strings: strings merge unknown tokens wrongly.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError
from tokkit.metrics import columns  # noqa: F401 - registers the columns that are read here
from tokkit.metrics.base import METRICS, Better, Metric, Value
from tokkit.metrics.evidence import Evidence

ALPHA: Final = 2.5
_NOTHING: Final = Value(None, "no tokens")


def renyi_entropy(counts: Sequence[int] | NDArray[np.int64], alpha: float) -> float:
    """Rényi entropy in bits: log2(sum p_i^alpha) / (1 - alpha); Shannon's for alpha = 1.

    >>> round(renyi_entropy([1, 1, 2, 4], 1.0), 6)
    1.75
    >>> round(renyi_entropy([1, 1, 1, 1], 2.5), 6)
    2.0

    Raises:
        InputError: nothing was counted.
    """
    present = np.asarray(counts, np.float64)
    present = present[present > 0]
    if not len(present):
        raise InputError("renyi_entropy: all counts are 0")
    shares = present / present.sum()
    if alpha == 1.0:
        return float(-(shares * np.log2(shares)).sum()) + 0.0
    return math.log2(float((shares**alpha).sum())) / (1.0 - alpha) + 0.0


def percentile_frequency(counts: NDArray[np.int64], low: float = 0.03, high: float = 0.83) -> float:
    """Sum of probabilities between two percentiles of rank, as the package tokenization-scorer 1.1.8 computes it.

    Its last rank is never included; an empty range is widened by one (Gowda & May, 2020).
    """
    shares = np.sort(counts)[::-1] / counts.sum()
    last = len(shares) - 1
    start, end = min(last, math.floor(len(shares) * low)), min(last, math.floor(len(shares) * high))
    if start == end:
        start = max(0, start - 1)
    if start == end:
        end = min(last, end + 1)
    return float(shares[start:end].sum())


def efficiency(evidence: Evidence, alpha: float, size: int, of: str) -> Value:
    """Rényi entropy over the most that `size` ids could have."""
    if not len(evidence.used):
        return _NOTHING
    if size < 2:
        return Value(None, f"one {of}: its greatest entropy is 0")
    return Value(renyi_entropy(evidence.used, alpha) / math.log2(size))


def _register(
    name: str,
    compute: Callable[[Evidence], Value],
    *,
    unit: str,
    better: Better,
    summary: str,
    formula: str,
    caveat: str,
    source: str = "",
    counters: tuple[str, ...] = ("ids",),
    extra: tuple[str, ...] = (),
    decimals: int = 3,
) -> None:
    METRICS.register(name)(
        Metric(
            name=name,
            unit=unit,
            better=better,
            summary=summary,
            formula=formula,
            caveat=caveat,
            compute=compute,
            columns=extra,
            counters=counters,
            source=source,
            aggregation="set_union",
            decimals=decimals,
        )
    )


def _efficiencies(name: str, alpha: float, label: str) -> None:
    _register(
        f"{name}.observed",
        lambda evidence: efficiency(evidence, alpha, len(evidence.used), "id used"),
        unit="share of greatest entropy",
        better="higher",
        summary=f"{label} of the ids over that of an even use of the ids that occur",
        formula=f"H_{alpha:g} / log2 K, H_a(p) = log2(sum p_i^a) / (1 - a)",
        caveat="diagnostic only: tokenizers can be built that raise it and translate worse (Cognetta et al., 2024)",
        source="Zouhar et al., ACL 2023; their package's default is a = 3, the paper says 2.5",
    )
    _register(
        f"{name}.nominal",
        lambda evidence: efficiency(evidence, alpha, evidence.vocab_size, "id in the vocabulary"),
        unit="share of greatest entropy",
        better="higher",
        summary=f"{label} of the ids over that of an even use of the whole vocabulary",
        formula=f"H_{alpha:g} / log2 V",
        caveat="ranks tokenizers otherwise than the observed normaliser does: publish both",
        source="Zouhar et al., ACL 2023",
    )


_efficiencies("shannon_efficiency", 1.0, "Shannon entropy")
_efficiencies("renyi_efficiency", ALPHA, "Rényi entropy of order 2.5")
_efficiencies("renyi_efficiency_2", 2.0, "Rényi entropy of order 2")
_efficiencies("renyi_efficiency_3", 3.0, "Rényi entropy of order 3")


def _entropy(evidence: Evidence) -> Value:
    return Value(renyi_entropy(evidence.used, 1.0)) if len(evidence.used) else _NOTHING


def _percentile(evidence: Evidence) -> Value:
    return Value(percentile_frequency(evidence.used)) if len(evidence.used) else _NOTHING


def _unigram_bits(evidence: Evidence) -> Value:
    n_bytes = evidence.total("bytes")
    if not n_bytes:
        return Value(None, "no bytes")
    return Value(renyi_entropy(evidence.used, 1.0) * int(evidence.used.sum()) / n_bytes)


def _rank(evidence: Evidence) -> Value:
    if not len(evidence.used):
        return _NOTHING
    ordered = np.sort(evidence.used)[::-1]
    return Value(float((ordered / ordered.sum()) @ np.arange(1, len(ordered) + 1)))


def _types(evidence: Evidence) -> Value:
    total = int(evidence.used.sum())
    return Value(len(evidence.used) / total, None, len(evidence.used), total) if total else _NOTHING


def _utilisation(evidence: Evidence) -> Value:
    if evidence.vocab_size == 0:
        return Value(None, "empty vocabulary", 0, 0)
    return Value(len(evidence.used) / evidence.vocab_size, None, len(evidence.used), evidence.vocab_size)


def _reachable(evidence: Evidence) -> tuple[int, int]:
    """Ids that occur, and ordinary ids that can: special and unreachable ones are neither."""
    lexicon = evidence.lexicon
    out = lexicon.unreachable | frozenset(lexicon.specials.values())
    used = sum(token not in out for token in np.flatnonzero(evidence.counts).tolist())
    return used, lexicon.n_entries - len(out)


def _utilisation_reachable(evidence: Evidence) -> Value:
    if not len(evidence.used):
        return _NOTHING
    used, reachable = _reachable(evidence)
    return Value(used / reachable, None, used, reachable) if reachable else Value(None, "no id can be reached", used, 0)


def _unused_reachable(evidence: Evidence) -> Value:
    if not len(evidence.used):
        return _NOTHING
    used, reachable = _reachable(evidence)
    size = evidence.vocab_size
    return Value((reachable - used) / size, None, reachable - used, size) if size else Value(None, "empty vocabulary")


def _bigram_entropy(evidence: Evidence) -> Value:
    tally = evidence.tallies["pairs"]
    if not tally:
        return Value(None, "no document has two tokens")
    pairs = sorted((int(str(key)), count) for key, count in tally.items())
    first = np.array([key >> 32 for key, _ in pairs], np.int64)
    counts = np.array([count for _, count in pairs], np.float64)
    _, group = np.unique(first, return_inverse=True)
    of_first = np.bincount(group, weights=counts)[group]
    return Value(float(-(counts / counts.sum() * np.log2(counts / of_first)).sum()) + 0.0)


def _zipf(evidence: Evidence) -> Value:
    ordered = np.sort(evidence.used[evidence.used >= 2])[::-1]
    if len(ordered) < 2:
        return Value(None, "fewer than two ids occur twice")
    slope = np.polyfit(np.log(np.arange(1, len(ordered) + 1)), np.log(ordered), 1)[0]
    return Value(float(slope))


_register(
    "shannon_entropy",
    _entropy,
    unit="bits per token",
    better="neither",
    summary="Shannon entropy of the ids",
    formula="-sum p_i log2 p_i",
    caveat="grows with the vocabulary: not comparable across sizes",
)
_register(
    "percentile_frequency",
    _percentile,
    unit="share of tokens",
    better="higher",
    summary="share of the tokens whose ids rank between the 3rd and the 83rd percentile",
    formula="sum of p over ranks floor(0.03 K) .. floor(0.83 K)",
    caveat="its bounds were fitted on one task; the last rank is never included",
    source="Gowda & May, 2020; as in tokenization-scorer 1.1.8",
)
_register(
    "unigram_bits_per_byte",
    _unigram_bits,
    unit="bits per byte",
    better="lower",
    summary="bits per byte of the best model that knows only how often each token occurs",
    formula="H N / B",
    caveat="a lower order of what a language model does; comparable across tokenizers on one text",
    extra=("bytes",),
)
_register(
    "average_rank",
    _rank,
    unit="rank",
    better="neither",
    summary="mean rank of the tokens of the text, the most frequent id having rank 1",
    formula="sum_r r p_r",
    caveat="only at equal vocabulary size",
    decimals=1,
)
_register(
    "type_token_ratio",
    _types,
    unit="ids per token",
    better="neither",
    summary="distinct ids for each token",
    formula="K / N",
    caveat="falls as the text grows: on identical text only",
)
_register(
    "vocab_utilisation",
    _utilisation,
    unit="share of vocabulary",
    better="higher",
    summary="share of the vocabulary that occurs",
    formula="K / V",
    caveat="grows with the text: on identical text only",
)
_register(
    "vocab_utilisation.reachable",
    _utilisation_reachable,
    unit="share of vocabulary",
    better="higher",
    summary="share of the ordinary tokens that can be reached that occur",
    formula="K / (V - special - unreachable)",
    caveat="grows with the text: on identical text only; the tests of reachability take seconds on large vocabularies",
)
_register(
    "unused_reachable_share",
    _unused_reachable,
    unit="share of vocabulary",
    better="lower",
    summary="tokens that could occur and do not: scaffolds of longer ones, or of other texts",
    formula="(V - special - unreachable - K) / V",
    caveat="falls as the text grows; a vocabulary for many languages has most of its tokens unused on one",
    source="after Scaffold-BPE (Lian et al., 2025) and Picky BPE (Chizhov et al., 2024)",
)
_register(
    "bigram_entropy",
    _bigram_entropy,
    unit="bits per token",
    better="neither",
    summary="entropy of a token given the one before it, within documents",
    formula="-sum p(a, b) log2 p(b | a)",
    caveat="biased low on small texts, where most pairs occur once",
    counters=("pairs",),
)
_register(
    "zipf_slope",
    _zipf,
    unit="log-log slope",
    better="neither",
    summary="slope of log count over log rank, ids that occur at least twice",
    formula="least squares of ln c_r over ln r",
    caveat="a straight line is a rough picture of the distribution",
)
