"""How well tokens respect morphemes: boundaries, spans, integrity, and the conventions of MorphScore.

Gold words are surface-preserving: their morphemes joined are the word. Cuts come from offsets, never from joined
decoded tokens, so special tokens and parts of characters cannot spoil them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, overload

import numpy as np

from tokkit.errors import InputError
from tokkit.metrics.base import Subject
from tokkit.metrics.batch import Batch, byte_positions
from tokkit.metrics.lexicon import Lexicon
from tokkit.metrics.spans import spans_of
from tokkit.metrics.turbidity import Turbidity, turbidity

Morphemes = Sequence[str]
Convention = Literal["bare", "space"]


@dataclass(frozen=True)
class GoldWord(Sequence[str]):
    """The morphemes of a word. `stem` is the place of its stem among them, where it is known; `frequency` its count."""

    morphemes: tuple[str, ...]
    stem: int | None = None
    frequency: int = 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        return self.morphemes[place]

    def __len__(self) -> int:
        return len(self.morphemes)


@dataclass(frozen=True)
class Cut:
    """A word's gold cuts and its tokens' cuts, in characters, ends excluded; and how many tokens it has.

    `stem_edges` are the gold cuts before and after its stem, None where no stem is marked; `count` is its frequency.
    """

    length: int
    gold: frozenset[int]
    found: frozenset[int]
    n_tokens: int
    stem_edges: frozenset[int] | None = None
    count: int = 1


@dataclass(frozen=True)
class Agreement:
    """Agreement over some words: micro counts, and what follows from them. None where a denominator is 0."""

    words: int
    tp: int
    fp: int
    fn: int
    precision: float | None
    recall: float | None
    f1: float | None
    f1_macro: float | None
    exact: float | None
    span_precision: float | None
    span_recall: float | None
    span_f1: float | None


@dataclass(frozen=True)
class MorphScore:
    """Share of words of two or more tokens whose one annotated cut is a token cut (version 1)."""

    score: float | None
    scored: int
    excluded_single_token: int


@dataclass(frozen=True)
class MorphScore2:
    """Recall and precision of the cuts around stems, weighted by frequency (version 2); None without marked stems."""

    recall: float | None
    precision: float | None
    scored: int


@dataclass(frozen=True)
class Morphology:
    """All of one word list by one tokenizer. Print precision with recall: a character tokenizer recalls everything."""

    untileable_words: int
    all_words: Agreement
    multi_morpheme_words: Agreement
    multi_morpheme_excl_single_token: Agreement
    morphscore_v1_last: MorphScore
    morphscore_v1_first: MorphScore
    morphscore_v2: MorphScore2
    # Share of the characters (micro) or of a word's characters (macro) that stay with most of their morpheme.
    integrity_micro: float | None
    integrity_macro: float | None
    turbidity: Turbidity


def morphology(subject: Subject | Lexicon, gold: Sequence[Morphemes], *, convention: Convention = "bare") -> Morphology:
    """Compares the cuts of a tokenizer with gold morphemes; each word is encoded alone, bare or with a space in front.

    Words whose tokens do not cover them are counted and left out.

    Raises:
        InputError: a word without letters.
    """
    cuts, untileable = word_cuts(subject, gold, convention=convention)
    several = [cut for cut in cuts if cut.gold]
    kept = [_kept_together(cut) for cut in cuts]
    return Morphology(
        untileable_words=untileable,
        all_words=agreement(cuts),
        multi_morpheme_words=agreement(several),
        multi_morpheme_excl_single_token=agreement([cut for cut in several if cut.n_tokens > 1]),
        morphscore_v1_last=_morphscore(several, last=True),
        morphscore_v1_first=_morphscore(several, last=False),
        morphscore_v2=morphscore2(cuts),
        integrity_micro=_share(sum(kept), sum(cut.length for cut in cuts)),
        integrity_macro=sum(n / cut.length for n, cut in zip(kept, cuts, strict=True)) / len(cuts) if cuts else None,
        turbidity=turbidity([(cut.length, cut.gold, cut.found) for cut in cuts]),
    )


def word_cuts(
    subject: Subject | Lexicon, gold: Sequence[Morphemes], *, convention: Convention = "bare"
) -> tuple[list[Cut], int]:
    """The cuts of each word, and how many words the tokens do not cover."""
    words = ["".join(morphemes) for morphemes in gold]
    if not all(words):
        raise InputError(f"morphology: word {words.index('') + 1} is empty")
    front = " " if convention == "space" else ""
    batch = Batch.of(subject, [front + word for word in words])
    cuts, untileable = [], 0
    for index, morphemes in enumerate(gold):
        text = batch.texts[index]
        place = byte_positions(text.encode())
        starts, ends = batch.spans(index)
        low = np.searchsorted(place, starts, "right") - 1 - len(front)
        high = np.searchsorted(place, ends, "left") - len(front)
        length = len(words[index])
        pieces = _pieces(low.tolist(), high.tolist(), length)
        if pieces is None or len(text) != length + len(front):
            untileable += 1
            continue
        inner = frozenset(end for _, end in pieces if 0 < end < length)
        ends_of = frozenset(accumulate(map(len, morphemes))) - {length}
        stem, count = getattr(morphemes, "stem", None), getattr(morphemes, "frequency", 1)
        edges = None
        if stem is not None:
            before = sum(map(len, morphemes[:stem]))
            edges = frozenset((before, before + len(morphemes[stem]))) - {0, length}
        cuts.append(Cut(length, ends_of, inner, len(pieces), edges, count))
    return cuts, untileable


def agreement(cuts: Sequence[Cut]) -> Agreement:
    """Micro precision, recall and F1 of cuts, mean F1 of words, exact segmentations, and the same for whole spans."""
    tp = sum(len(cut.gold & cut.found) for cut in cuts)
    fp = sum(len(cut.found - cut.gold) for cut in cuts)
    fn = sum(len(cut.gold - cut.found) for cut in cuts)
    spans = [(spans_of(cut.gold, cut.length), spans_of(cut.found, cut.length)) for cut in cuts]
    both = sum(len(gold & found) for gold, found in spans)
    n_gold, n_found = sum(len(gold) for gold, _ in spans), sum(len(found) for _, found in spans)
    exact = sum(cut.gold == cut.found for cut in cuts)
    return Agreement(
        words=len(cuts),
        tp=tp,
        fp=fp,
        fn=fn,
        precision=_share(tp, tp + fp),
        recall=_share(tp, tp + fn),
        f1=_share(2 * tp, 2 * tp + fp + fn),
        f1_macro=sum(map(_word_f1, cuts)) / len(cuts) if cuts else None,
        exact=_share(exact, len(cuts)),
        span_precision=_share(both, n_found),
        span_recall=_share(both, n_gold),
        span_f1=_share(2 * both, n_gold + n_found),
    )


def _pieces(low: list[int], high: list[int], length: int) -> list[tuple[int, int]] | None:
    """The tokens' spans in the word, those that end at the same place taken as one; None where they leave a gap."""
    pieces: list[tuple[int, int]] = []
    for start, end in zip(low, high, strict=True):
        covered = pieces[-1][1] if pieces else 0
        if min(end, length) <= max(start, 0) or min(end, length) <= covered:
            continue
        if max(start, 0) > covered:
            return None
        # Tokens may overlap (parts of a character, a marker that a library gives the first letter): cut at each end.
        pieces.append((covered, min(end, length)))
    return pieces if pieces and pieces[-1][1] == length else None


def _word_f1(cut: Cut) -> float:
    if not cut.gold and not cut.found:
        return 1.0
    return 2 * len(cut.gold & cut.found) / (len(cut.gold) + len(cut.found))


def _kept_together(cut: Cut) -> int:
    """For each morpheme the most of its characters that one token holds, summed."""
    tokens = spans_of(cut.found, cut.length)
    return sum(
        max(min(high, end) - max(low, start) for start, end in tokens) for low, high in spans_of(cut.gold, cut.length)
    )


def _morphscore(cuts: Sequence[Cut], *, last: bool) -> MorphScore:
    scored = [cut for cut in cuts if cut.n_tokens > 1]
    hits = sum((max if last else min)(cut.gold) in cut.found for cut in scored)
    return MorphScore(_share(hits, len(scored)), len(scored), len(cuts) - len(scored))


def morphscore2(cuts: Sequence[Cut], *, by_frequency: bool = True, exclude_single_token: bool = False) -> MorphScore2:
    """MorphScore of 2025 on words whose stem is marked and has something before or after it.

    A word's recall is the share of its one or two cuts that tokens make; its precision is the same hits over the number
    of its tokens. A word of one token scores 1. As a reimplementation has it, the authors' code could not be seen.
    """
    scored = [cut for cut in cuts if cut.stem_edges and not (exclude_single_token and cut.n_tokens == 1)]
    weights = [cut.count if by_frequency else 1 for cut in scored]
    total = sum(weights)
    if not total:
        return MorphScore2(None, None, len(scored))
    recall = precision = 0.0
    for cut, weight in zip(scored, weights, strict=True):
        edges = cut.stem_edges or frozenset()
        hits = len(edges & cut.found)
        recall += weight * (1.0 if cut.n_tokens == 1 else hits / len(edges))
        precision += weight * (1.0 if cut.n_tokens == 1 else hits / cut.n_tokens)
    return MorphScore2(recall / total, precision / total, len(scored))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
