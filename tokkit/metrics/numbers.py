"""How numbers are cut: from the right in threes as people group them, from the left, or digit by digit."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tokkit.metrics.base import METRICS, Metric, Subject, Value
from tokkit.metrics.batch import Batch, byte_positions, overlaps
from tokkit.metrics.evidence import COUNTERS, Evidence

Direction = Literal["single_digit", "l2r_3", "r2l_3", "both_l2r_r2l_3", "whole_number", "other"]
NUMBER: Final = re.compile(r"\d+")


def ideal_cuts(length: int) -> tuple[int, ...]:
    """Cuts from the right in threes, ascending: of 7 digits after 1 and 4."""
    return tuple(sorted(range(length - 3, 0, -3)))


def score(found: tuple[int, ...], length: int) -> tuple[float, float, float]:
    """Precision, recall and F1 of cuts: none of none is (1, 1, 1), some of none (0, 1, 0), none of some (1, 0, 0)."""
    ideal = set(ideal_cuts(length))
    if not found:
        return (1.0, 1.0, 1.0) if not ideal else (1.0, 0.0, 0.0)
    if not ideal:
        return 0.0, 1.0, 0.0
    hits = len(ideal & set(found))
    precision, recall = hits / len(found), hits / len(ideal)
    return precision, recall, 2 * precision * recall / (precision + recall) if hits else 0.0


def direction(found: tuple[int, ...], length: int) -> Direction:
    """What rule the cuts of a number of four digits or more follow; lengths 6, 9 ... fit both ways."""
    left, right = tuple(range(3, length, 3)), ideal_cuts(length)
    if not found:
        return "whole_number"
    if found == tuple(range(1, length)):
        return "single_digit"
    if found == left:
        return "both_l2r_r2l_3" if left == right else "l2r_3"
    return "r2l_3" if found == right else "other"


@dataclass(frozen=True)
class DigitGroup:
    """Numbers of one length."""

    n: int
    mean_precision: float
    mean_recall: float
    mean_f1: float
    mean_tokens: float
    patterns: dict[str, int]
    pattern_entropy_bits: float


@dataclass(frozen=True)
class Digits:
    """How a tokenizer cuts numbers, by their length, and what rule it follows for four digits and more."""

    by_length: dict[int, DigitGroup]
    direction_share: dict[str, float]


def digits(subject: Subject, numbers: Iterable[str]) -> Digits:
    """Numbers encoded alone."""
    tally: Counter[object] = Counter()
    for number in numbers:
        tally.update(_numbers(Batch.of(subject, [number])))
    return summarise(tally)


def summarise(tally: Counter[object]) -> Digits:
    """The figures of a tally of (length, cuts, tokens)."""
    groups: dict[int, list[tuple[tuple[int, ...], int, int]]] = defaultdict(list)
    ways: Counter[str] = Counter()
    for key, count in tally.items():
        assert isinstance(key, tuple)
        length, found, tokens = key
        groups[length].append((found, tokens, count))
        if length >= 4:
            ways[direction(found, length)] += count
    by_length = {length: _group(length, sorted(rows)) for length, rows in sorted(groups.items())}
    total = sum(ways.values())
    return Digits(by_length, {way: count / total for way, count in sorted(ways.items())})


def _group(length: int, rows: list[tuple[tuple[int, ...], int, int]]) -> DigitGroup:
    n = sum(count for _, _, count in rows)
    scores = [(*score(found, length), tokens, count) for found, tokens, count in rows]
    patterns: Counter[str] = Counter()
    for found, _, count in rows:
        patterns["|".join(map(str, found))] += count
    shares = [count / n for count in patterns.values()]
    return DigitGroup(
        n=n,
        mean_precision=sum(row[0] * row[4] for row in scores) / n,
        mean_recall=sum(row[1] * row[4] for row in scores) / n,
        mean_f1=sum(row[2] * row[4] for row in scores) / n,
        mean_tokens=sum(row[3] * row[4] for row in scores) / n,
        patterns=dict(patterns),
        pattern_entropy_bits=-sum(share * math.log2(share) for share in shares) + 0.0,
    )


def _numbers(batch: Batch) -> Counter[object]:
    """(digits, cuts inside, tokens that overlap) of each run of digits, in the text."""
    found: Counter[object] = Counter()
    for index in range(len(batch.texts)):
        text = batch.texts[index]
        matches = [match.span() for match in NUMBER.finditer(text)]
        if not matches:
            continue
        data = text.encode()
        place = byte_positions(data)
        starts, ends = batch.spans(index)
        # An empty token (a marker that stands for nothing) overlaps nothing, but it is a token of a lone number.
        lone = len(matches) == 1 and matches[0] == (0, len(text))
        edges = np.unique(np.concatenate([starts, ends]))
        for low, high in matches:
            inside = edges[(edges > place[low]) & (edges < place[high])]
            cuts = tuple(int(cut) for cut in np.searchsorted(place, inside) - low)
            n = len(starts) if lone else int(overlaps(starts, ends, place[[low]], place[[high]])[0])
            found[(high - low, cuts, n)] += 1
    return found


COUNTERS["numbers"] = _numbers


def _mean(evidence: Evidence, what: str) -> Value:
    tally = evidence.tallies["numbers"]
    total = sum(tally.values())
    if not total:
        return Value(None, "no numbers")
    groups = summarise(tally).by_length.values()
    return Value(sum(float(getattr(group, what)) * group.n for group in groups) / total)


def _direction(evidence: Evidence, way: str) -> Value:
    shares = summarise(evidence.tallies["numbers"]).direction_share
    return Value(shares.get(way, 0.0)) if shares else Value(None, "no numbers of four digits or more")


METRICS.register("digits.right_to_left_f1")(
    Metric(
        name="digits.right_to_left_f1",
        unit="F1",
        better="higher",
        summary="how well cuts inside of numbers agree with groups of three from the right, in the text",
        formula="mean over numbers of F1 of their cuts against L-3, L-6, ...",
        caveat="most numbers in text are short; arithmetic also depends on training",
        compute=lambda evidence: _mean(evidence, "mean_f1"),
        counters=("numbers",),
        source="Singh & Strouse, 2024",
        aggregation="mean_of_ratios",
    )
)
for _name, _way, _better, _summary in (
    ("share_right_to_left", "r2l_3", "higher", "cut in threes from the right, as people group them"),
    ("share_left_to_right", "l2r_3", "neither", "cut in threes from the left"),
    ("share_single_digits", "single_digit", "neither", "cut into single digits"),
    ("share_whole", "whole_number", "neither", "not cut at all"),
):
    METRICS.register(f"digits.{_name}")(
        Metric(
            name=f"digits.{_name}",
            unit="share of numbers",
            better=_better,  # type: ignore[arg-type]  # a literal of the table above
            summary=f"numbers of four digits or more that are {_summary}",
            formula=f"numbers whose cuts are `{_way}` / numbers of >= 4 digits",
            caveat="6, 9, 12 ... digits in threes fit both directions and count for neither",
            compute=lambda evidence, way=_way: _direction(evidence, way),  # type: ignore[misc]  # default binds the loop's value
            counters=("numbers",),
            source="Singh & Strouse, 2024: threes from the right gave over 22 points of arithmetic",
        )
    )
METRICS.register("digits.tokens_per_number")(
    Metric(
        name="digits.tokens_per_number",
        unit="tokens",
        better="neither",
        summary="tokens that overlap a number, on average",
        formula="mean over runs of digits of overlapping tokens",
        caveat="fewer is not better: digits of their own are easier to compute with",
        compute=lambda evidence: _mean(evidence, "mean_tokens"),
        counters=("numbers",),
        aggregation="mean_of_ratios",
    )
)
