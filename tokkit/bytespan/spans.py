"""Spans of predictable bytes, by the clean definition.

A byte continues the span of the byte before it if its signal is below a threshold (global), or falls (monotonic), or
either (combined). A pre-token always begins a span.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tokkit.bytespan.rows import Rows
from tokkit.errors import UsageError

Constraint = Literal["global", "monotonic", "combined"]
SPACE = 0x20


def threshold_of(rows: Rows, percentile: float) -> float:
    """The percentile (0..100, linear) of all finite signals that are not zero, each as often as its document occurs.

    Raises:
        UsageError: there is no such signal.
    """
    used = np.isfinite(rows.signal) & (rows.signal != 0)
    signal = rows.signal[used]
    if not len(signal):
        raise UsageError("percentile: no byte has a finite signal that is not zero")
    if (rows.counts == 1).all():
        return float(np.percentile(signal, percentile))
    weights = np.repeat(rows.counts, np.diff(rows.offsets).astype(np.int64))[used]
    order = np.argsort(signal, kind="stable")
    ends = np.cumsum(weights[order])
    # As numpy does it for values written out: between the values at the places below and above.
    place = (int(ends[-1]) - 1) * (percentile / 100)
    below = int(place)
    low, high = (signal[order[np.searchsorted(ends, at, side="right")]] for at in (below, min(below + 1, ends[-1] - 1)))
    share = place - below
    return float(high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share)


def continues(rows: Rows, constraint: Constraint, threshold: float | None) -> NDArray[np.bool_]:
    """Which bytes continue the span of the byte before them; bool [bytes].

    A space that begins a pre-token takes the byte behind it along, if that one begins a span.

    Raises:
        UsageError: a constraint that needs a threshold, without one.
    """
    found = joins(rows.signal, constraint, threshold)
    found &= ~rows.starts
    n = len(found)
    if n > 2:
        data = np.frombuffer(rows.blob, np.uint8)
        first = rows.starts[: n - 2] & (data[: n - 2] == SPACE)
        # `found` is never set at a start, so that the third byte belongs to the same pre-token.
        attached = first & ~rows.starts[1 : n - 1] & ~found[1 : n - 1] & found[2:]
        found[1 : n - 1] |= attached
    return found


def spans_of(rows: Rows, found: NDArray[np.bool_]) -> list[list[tuple[int, int]]]:
    """(start, length) in each document of the spans of two bytes and more."""
    begins = np.flatnonzero(~found)
    lengths = np.diff(np.append(begins, len(found)))
    keep = lengths >= 2
    begins, lengths = begins[keep], lengths[keep]
    owners = np.searchsorted(rows.offsets[1:], begins.astype(np.uint64), side="right")
    spans: list[list[tuple[int, int]]] = [[] for _ in range(len(rows))]
    for owner, begin, length in zip(owners.tolist(), begins.tolist(), lengths.tolist(), strict=True):
        spans[owner].append((begin - int(rows.offsets[owner]), length))
    return spans


def joins(signal: NDArray[np.float64], constraint: Constraint, threshold: float | None) -> NDArray[np.bool_]:
    """Which bytes the constraint joins to the byte before them, whatever the pre-tokens; bool [bytes].

    Raises:
        UsageError: a constraint that needs a threshold, without one.
    """
    falls = np.zeros(len(signal), np.bool_)
    falls[1:] = signal[1:] < signal[:-1]
    if constraint == "monotonic":
        return falls
    if threshold is None:
        raise UsageError(f"constraint {constraint} needs a percentile", hint="give --percentile, or monotonic")
    below: NDArray[np.bool_] = signal < threshold
    return below if constraint == "global" else below | falls
