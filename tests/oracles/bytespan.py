"""The byte language model and ByteSpan, spelled out: slow, and written from the definition."""

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import log2

Token = tuple[bool, bytes]
Place = tuple[int, int]
"""Document and byte."""


def distribution(
    learnt: Sequence[tuple[bytes, int]], text: bytes, at: int, *, order: int, min_count: int = 1
) -> list[Fraction]:
    """P(byte `at` | the bytes before it) for all 256, exactly; `learnt` are documents and how often each occurs."""
    probabilities = [Fraction(1, 256)] * 256
    for length in range(min(at, order - 1) + 1):
        context = text[at - length : at]
        after = Counter[int]()
        for document, times in learnt:
            for place in range(length, len(document)):
                if document[place - length : place] == context:
                    after[document[place]] += times
        if length >= 2:
            after = Counter({byte: n for byte, n in after.items() if n >= min_count})
        n, u = after.total(), len(after)
        if n:
            probabilities = [(after[byte] + u * p) / (n + u) for byte, p in enumerate(probabilities)]
    return probabilities


def signals(
    learnt: Sequence[tuple[bytes, int]], text: bytes, *, order: int, min_count: int = 1
) -> tuple[list[float], list[float]]:
    """Surprisal and entropy in bits."""
    surprisal, entropy = [], []
    for at, byte in enumerate(text):
        probabilities = [float(p) for p in distribution(learnt, text, at, order=order, min_count=min_count)]
        surprisal.append(-log2(probabilities[byte]))
        entropy.append(-sum(p * log2(p) for p in probabilities))
    return surprisal, entropy


def clean_spans(word: bytes, signal: Sequence[float], constraint: str, threshold: float | None) -> list[bytes]:
    """A pre-token cut into spans, single bytes included."""

    def joins(i: int) -> bool:
        low = threshold is not None and signal[i] < threshold
        falls = signal[i] < signal[i - 1]
        return {"global": low, "monotonic": falls, "combined": low or falls}[constraint]

    cuts = [0, *(i for i in range(1, len(word)) if not joins(i)), len(word)]
    if word[:1] == b" " and 1 in cuts and 2 not in cuts and len(word) > 2:
        cuts.remove(1)
    return [word[low:high] for low, high in zip(cuts[:-1], cuts[1:], strict=True)]


def merged(
    sequences: Iterable[tuple[list[int], int]], known: Sequence[Token], n_wanted: int, *, lossy: bool
) -> list[tuple[Token, int]]:
    """Pair merging that counts everything again after each merge."""
    tokens = list(known)
    rows = [(list(sequence), count) for sequence, count in sequences]
    made: list[tuple[Token, int]] = []
    while len(made) < n_wanted:
        pairs = Counter[tuple[int, int]]()
        for sequence, count in rows:
            for pair in zip(sequence, sequence[1:], strict=False):
                pairs[pair] += count
        if not any(pairs.values()):
            break
        (left, right), count = min(pairs.items(), key=lambda item: (-item[1], item[0][1], item[0][0]))
        joined = (tokens[left][0], tokens[left][1] + tokens[right][1])
        if joined not in tokens:
            tokens.append(joined)
            made.append((joined, count))
        target = tokens.index(joined)
        rows = [(_replaced(sequence, left, right, target, lossy=lossy), count) for sequence, count in rows]
    return made


def _replaced(sequence: list[int], left: int, right: int, target: int, *, lossy: bool) -> list[int]:
    if lossy:
        hits = [i for i in range(len(sequence) - 1) if sequence[i : i + 2] == [left, right]]
        gone = {i + 1 for i in hits}
        return [target if i in hits else token for i, token in enumerate(sequence) if i not in gone]
    out: list[int] = []
    for token in sequence:
        if token == right and out and out[-1] == left:
            out[-1] = target
        else:
            out.append(token)
    return out


def increments(
    documents: Sequence[bytes],
    starts: Sequence[Sequence[bool]],
    signal: Sequence[Sequence[float]],
    times: Sequence[int],
) -> dict[Token, int]:
    """Count of every span after all bytes have joined, in order of first use."""
    counts: dict[Token, int] = {}
    spans: list[dict[int, int]] = [{} for _ in documents]  # first byte -> last byte
    order = sorted(
        ((document, at) for document, text in enumerate(documents) for at in range(len(text))),
        key=lambda place: signal[place[0]][place[1]],
    )
    for document, at in order:
        text, start, found, n = documents[document], starts[document], spans[document], times[document]
        left = at
        if not start[at]:
            left = next((first for first, last in found.items() if first <= at - 1 <= last), at)
            if not start[left] and text[left - 1] == ord(" "):
                left -= 1
        right = at
        if at + 1 < len(text) and not start[at + 1]:
            right = next((last for first, last in found.items() if first <= at + 1 <= last), at)
        for first in [first for first, last in found.items() if first <= right and last >= left]:
            if left <= first and found[first] <= right:
                del found[first]
        found[left] = right

        def change(token: Token, by: int) -> None:
            counts[token] = max(0, counts.get(token, 0) + by)

        change((start[left], text[left : right + 1]), n)
        if left != at:
            change((start[left], text[left:at]), -n)
        if right != at:
            change((False, text[at + 1 : right + 1]), -n)
    return counts
