"""Tokens that are made on the way to longer ones more often than they are used themselves.

A merge uses two tokens up. In the encoding of a text a token is thus made as often as it is left over, plus as often as
a longer one is made of it; tokens that are hardly ever left over are what Picky BPE and Scaffold-BPE take out.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.metrics.base import METRICS, Metric, Value
from tokkit.metrics.evidence import Evidence
from tokkit.metrics.lexicon import Lexicon

THRESHOLD: Final = 0.9
_SOURCE: Final = "after the IoS of Picky BPE (Chizhov et al., EMNLP 2024), which is of one merge while training"


def made_on_the_way(lexicon: Lexicon, counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """(ids that merges make, how often each is a part of a longer token); int64 [n] both. None without merges.

    `counts` is how often each id is left over. Where several merges make a token the first is taken.
    """
    tables = getattr(lexicon.subject, "tables", None)
    if tables is None or tables.inference != "merge" or not len(tables.merges):
        return None
    merges = np.asarray(tables.merges, np.int64)
    _, first = np.unique(merges[:, 2], return_index=True)
    parts = np.zeros(max(lexicon.size, int(merges.max()) + 1), np.int64)
    left_over = np.zeros(len(parts), np.int64)
    left_over[: len(counts)] = counts
    # From the last merge on: when a token's turn comes, all that it can be a part of is known.
    for left, right, made in merges[np.sort(first)[::-1]].tolist():
        times = parts[made] + left_over[made]
        parts[left] += times
        parts[right] += times
    ids = np.unique(merges[:, 2])
    return ids, parts[ids]


def _both(evidence: Evidence) -> tuple[NDArray[np.int64], NDArray[np.int64]] | Value:
    """(as parts, left over) of each token that merges make."""
    if not evidence.has_counts:
        return Value(None, "no tokens")
    found = made_on_the_way(evidence.lexicon, evidence.counts)
    if found is None:
        return Value(None, "this tokenizer is no plain list of merges")
    ids, parts = found
    left_over = np.zeros(len(ids), np.int64)
    left_over[ids < len(evidence.counts)] = evidence.counts[ids[ids < len(evidence.counts)]]
    return parts, left_over


def _ratio(evidence: Evidence) -> Value:
    found = _both(evidence)
    if isinstance(found, Value):
        return found
    above, below = int(found[0].sum()), int(found[0].sum() + found[1].sum())
    return Value(above / below, None, above, below) if below else Value(None, "no merge was needed")


def _share(evidence: Evidence) -> Value:
    found = _both(evidence)
    if isinstance(found, Value):
        return found
    parts, left_over = found
    made = parts + left_over
    below = int((made > 0).sum())
    above = int((parts[made > 0] >= THRESHOLD * made[made > 0]).sum())
    return Value(above / below, None, above, below) if below else Value(None, "no merge was needed")


METRICS.register("intermediate_ratio")(
    Metric(
        name="intermediate_ratio",
        unit="share of makings",
        better="neither",
        summary="of the times that merges make a token in the text, those where a longer one swallows it",
        formula="sum_i m_i / sum_i (m_i + c_i), i made by merges; m_i uses of i in merges, c_i occurrences of i",
        caveat="longer tokens are made of more parts, so it grows with compression; by the first merge of each token",
        compute=_ratio,
        counters=("ids",),
        source=_SOURCE,
    )
)
METRICS.register("intermediate_tokens")(
    Metric(
        name="intermediate_tokens",
        unit="share of tokens made",
        better="lower",
        summary="tokens that are made in the text, and in 9 of 10 times only on the way to a longer one",
        formula="|{i: m_i >= 0.9 (m_i + c_i)}| / |{i: m_i + c_i > 0}|, i made by merges",
        caveat="rows of the embedding that are hardly trained on such text; of another text others may be",
        compute=_share,
        counters=("ids",),
        source=_SOURCE,
        aggregation="set_union",
    )
)
