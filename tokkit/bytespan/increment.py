"""Increment: spans that grow byte by byte in the order of the signal; those that last become tokens."""

import numpy as np

from tokkit import _core
from tokkit.bytespan.rows import Rows
from tokkit.bytespan.words import Token
from tokkit.model.vocab import BYTE_ALPHABET
from tokkit.progress import Progress, silent


def increment_base(byte_order: bytes, *, typed: bool) -> list[Token]:
    """The 256 bytes; typed, for each byte, behind a space (where HF's character for it is a letter), alone, inside."""
    if not typed:
        return [(False, bytes([byte])) for byte in byte_order]
    tokens: list[Token] = []
    for byte in byte_order:
        if BYTE_ALPHABET[byte].isalpha() and byte != ord(" "):
            tokens.append((True, b" " + bytes([byte])))
        tokens += [(True, bytes([byte])), (False, bytes([byte]))]
    return tokens


def grown_spans(
    rows: Rows,
    known: list[Token],
    n_wanted: int,
    *,
    min_count: int,
    typed: bool,
    reference: bool = False,
    progress: Progress = silent,
) -> tuple[list[tuple[Token, int]], list[tuple[int, int]]]:
    """Up to `n_wanted` spans with their counts, and at every thousandth byte (frequent spans, different spans).

    Bytes come in rising order of their signal, ties by place. Each joins the span on its left, unless a pre-token
    begins with it, and the one on its right, unless that begins a pre-token; a span right behind the space that begins
    a pre-token takes it along. The new span counts one more and those it was made of one less, never below 0. It ends
    when `n_wanted` spans that are not `known` count at least `min_count`, or with the last byte.

    `reference` is the published code: it compares the signals as float32, and of a byte behind a space that nothing has
    joined yet it keeps the space and forgets the byte.
    """
    signal = rows.signal.astype(np.float32) if reference else rows.signal
    order = np.argsort(signal, kind="stable").astype(np.uint64)
    spans, looks = _core.increment(
        rows.blob,
        rows.offsets.tobytes(),
        rows.counts.astype(np.uint64).tobytes(),
        rows.starts.tobytes(),
        order.tobytes(),
        known=known,
        wanted=n_wanted,
        min_count=min_count,
        typed=typed,
        reference=reference,
        progress=progress,
    )
    return [((is_start, text), count) for is_start, text, count in spans], looks
