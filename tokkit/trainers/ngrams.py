"""Which n-grams of tokens a vocabulary should hold for a domain (AdaptiVocab, Nakash et al., 2025)."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Ngram = tuple[T, ...]


def count_ngrams(
    texts: Sequence[Sequence[T]], max_n: int, is_wanted: Callable[[Ngram[T]], bool]
) -> dict[Ngram[T], int]:
    """How often each wanted n-gram of 2 to `max_n` tokens stands in the texts, in order of first appearance."""
    counts: dict[Ngram[T], int] = {}
    refused: set[Ngram[T]] = set()
    for text in texts:
        for n in range(2, max_n + 1):
            for place in range(len(text) - n + 1):
                ngram = tuple(text[place : place + n])
                if ngram in counts:
                    counts[ngram] += 1
                elif ngram not in refused:
                    if is_wanted(ngram):
                        counts[ngram] = 1
                    else:
                        refused.add(ngram)
    return counts


def overlaps(
    texts: Sequence[Sequence[T]], kept: set[Ngram[T]], max_n: int, min_count: int
) -> dict[Ngram[T], dict[Ngram[T], int]]:
    """How often two n-grams share a token, for counts of at least `min_count`.

    As in the authors' code an n-gram sees the `max_n`^2 occurrences before and after it in the list by (start, end), in
    which single tokens stand too.
    """
    found: dict[Ngram[T], Counter[Ngram[T]]] = defaultdict(Counter)
    window = max_n * max_n
    for text in texts:
        places: list[tuple[int, int]] = []
        for start in range(len(text)):
            for end in range(start + 1, min(start + max_n, len(text)) + 1):
                if end - start == 1 or tuple(text[start:end]) in kept:
                    places.append((start, end))
        ngrams = [tuple(text[start:end]) for start, end in places]
        for i, (start, end) in enumerate(places):
            if end - start == 1:
                continue
            for j in range(max(0, i - window), min(len(places), i + window + 1)):
                other_start, other_end = places[j]
                is_ngram = other_end - other_start > 1
                if i != j and is_ngram and max(start, other_start) < min(end, other_end):
                    found[ngrams[i]][ngrams[j]] += 1
    return {
        ngram: {other: n for other, n in others.items() if n >= min_count} for ngram, others in found.items()
    }


def choose_ngrams(
    texts: Sequence[Sequence[T]],
    *,
    n_new: int,
    max_n: int,
    n_candidates: int,
    is_wanted: Callable[[Ngram[T]], bool],
    min_overlap: int = 3,
    is_saving: bool = True,
) -> list[tuple[Ngram[T], int]]:
    """(n-gram, count that decided) in the order chosen.

    The best is the one with the largest count times (length - 1), which is what it saves; without `is_saving` times
    length, as in the authors' code. What a chosen n-gram overlaps loses the overlaps from its count. Ties go to the
    candidate that has had its count for longest. The `n_candidates` most frequent n-grams compete.
    """
    counts = count_ngrams(texts, max_n, is_wanted)
    # A stable sort: of equals the first seen is kept, and is older.
    ranked = sorted(counts.items(), key=lambda item: -item[1])[:n_candidates]
    waiting = dict(ranked)
    shared = overlaps(texts, set(waiting), max_n, min_overlap)

    def score(ngram: Ngram[T], count: int) -> int:
        return -count * (len(ngram) - 1 if is_saving else len(ngram))

    age = {ngram: place for place, ngram in enumerate(waiting)}
    heap = [(score(ngram, count), age[ngram], ngram) for ngram, count in waiting.items()]
    heapq.heapify(heap)
    clock = len(heap)
    chosen: list[tuple[Ngram[T], int]] = []
    while heap and len(chosen) < n_new:
        _, when, ngram = heapq.heappop(heap)
        if age.get(ngram) != when:
            continue
        if is_saving and waiting[ngram] <= 1:
            break
        chosen.append((ngram, waiting.pop(ngram)))
        del age[ngram]
        for other, n in shared.get(ngram, {}).items():
            if other in waiting:
                waiting[other] -= n
                age[other] = clock
                heapq.heappush(heap, (score(other, waiting[other]), clock, other))
                clock += 1
    return chosen


def join_ngrams(tokens: Sequence[T], ranked: dict[Ngram[T], int], max_n: int) -> list[Ngram[T]]:
    """Reads from the left; at each place the n-gram chosen first that matches, else the token alone."""
    joined: list[Ngram[T]] = []
    place = 0
    while place < len(tokens):
        best: tuple[int, Ngram[T]] | None = None
        for n in range(2, min(max_n, len(tokens) - place) + 1):
            ngram = tuple(tokens[place : place + n])
            rank = ranked.get(ngram)
            if rank is not None and (best is None or rank < best[0]):
                best = rank, ngram
        found = (tokens[place],) if best is None else best[1]
        joined.append(found)
        place += len(found)
    return joined
