"""How fast tokenizers encode here and now: throughput on one thread and on all, and the wait for a short document."""

import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import Final

import numpy as np

from tokkit.evaluate.results import Row
from tokkit.metrics.base import Subject, Value, find

RUNS: Final = 5
SHORT_CALLS: Final = 1000
_NAMES: Final = ("speed.one_thread", "speed.all_threads", "speed.latency_p50", "speed.latency_p99")
_CHARACTERS: Final = 1 << 21


def speed_rows(
    tokenizers: Mapping[str, Subject], texts: Mapping[str, Sequence[str]], wanted: Collection[str] = ()
) -> list[Row]:
    """Wall-clock speeds: the median of 5 runs over the first two million characters, after a warm-up run."""
    names = [find(name).name for name in wanted] or list(_NAMES)
    rows = []
    for tokenizer, subject in tokenizers.items():
        for text, documents in texts.items():
            values = _measured(subject, _first(documents))
            rows += [Row.of(tokenizer, text, find(name), values[name]) for name in names]
    return rows


def _first(documents: Sequence[str]) -> list[str]:
    total, chosen = 0, []
    for document in documents:
        if total >= _CHARACTERS:
            break
        chosen.append(document)
        total += len(document)
    return chosen


def _measured(subject: Subject, documents: list[str]) -> dict[str, Value]:
    size = sum(len(document.encode()) for document in documents) / 1e6
    if not size:
        return dict.fromkeys(_NAMES, Value(None, "the text is empty"))
    single = Value(None, "this tokenizer's library chooses its threads itself")
    encode: Callable[..., object] = subject.encode_batch
    if getattr(subject, "tables", None) is not None:
        single = Value(size / _median_seconds(lambda: encode(documents, threads=1)))
    waits = []
    for document in islice((document for document in documents if document), SHORT_CALLS):
        before = time.perf_counter()
        encode([document])
        waits.append((time.perf_counter() - before) * 1e6)
    return {
        "speed.one_thread": single,
        "speed.all_threads": Value(size / _median_seconds(lambda: encode(documents))),
        "speed.latency_p50": Value(float(np.percentile(waits, 50))),
        "speed.latency_p99": Value(float(np.percentile(waits, 99))),
    }


def _median_seconds(work: Callable[[], object]) -> float:
    work()
    found = []
    for _ in range(RUNS):
        before = time.perf_counter()
        work()
        found.append(time.perf_counter() - before)
    return max(statistics.median(found), 1e-9)
