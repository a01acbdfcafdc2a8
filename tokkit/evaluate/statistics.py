"""Uncertainty: bootstrap and jackknife of ratios, paired tests on the same documents, Holm's correction.

The unit is the document, aligned between tokenizers. Bootstrap: percentile intervals of the ratio of sums. No scipy:
the distributions needed are computed here, to about 1e-12.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError

Column = NDArray[np.int64]
DRAWS: Final = 10_000
# Beyond this many documents they are taken in groups: the interval is the same to its noise, at a bounded cost.
GROUPS: Final = 1000
_CHUNK: Final = 1 << 22


def bootstrap_ratio(
    above: Column, below: Column, *, draws: int = DRAWS, seed: int = 0, level: float = 0.95
) -> tuple[float, float, float]:
    """Percentile interval and standard error of sum(above) / sum(below) over documents drawn with replacement.

    Row b of the draws is one vector of document indices, default_rng(seed).integers(0, n, size=(draws, n)) of numpy.
    """
    ratios = draw_sums(np.stack([above, below], axis=1).astype(np.float64), draws, seed)
    quotients = ratios[:, 0] / ratios[:, 1]
    low, high = np.percentile(quotients, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high), float(quotients.std(ddof=1))


def ratio_intervals(
    pairs: Mapping[str, tuple[Column, Column]], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % interval of each ratio of sums, all from the same draws; none where a drawn denominator is 0."""
    if not pairs:
        return {}
    columns = np.stack([column for pair in pairs.values() for column in pair], axis=1).astype(np.float64)
    if len(columns) < 2:
        return {}
    sums = draw_sums(columns, draws, seed)
    found = {}
    for place, name in enumerate(pairs):
        below = sums[:, 2 * place + 1]
        if (below > 0).all():
            low, high = np.percentile(sums[:, 2 * place] / below, [2.5, 97.5])
            found[name] = (float(low), float(high))
    return found


def jackknife_error(above: Column, below: Column) -> float:
    """Standard error of sum(above) / sum(below), leaving out one document at a time."""
    n = len(above)
    left = (above.sum() - above) / (below.sum() - below)
    return float(math.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()))


@dataclass(frozen=True)
class Test:
    """A statistic and its two-sided p."""

    statistic: float
    p: float


def paired_t(a: Column, b: Column) -> Test | None:
    """Student's paired t on log(a / b); None where the ratios do not vary or there are fewer than two.

    Documents that are empty for either are left out.
    """
    kept = (a > 0) & (b > 0)
    logs = np.log(a[kept] / b[kept])
    n = len(logs)
    if n < 2 or float(logs.std(ddof=1)) == 0.0:
        return None
    t = float(logs.mean() / (logs.std(ddof=1) / math.sqrt(n)))
    return Test(t, student_p(t, n - 1))


def wilcoxon(a: Column, b: Column) -> Test | None:
    """Signed ranks of a - b: zeros dropped, ties averaged, normal approximation without continuity correction."""
    difference = (a - b)[a != b].astype(np.float64)
    n = len(difference)
    if n == 0:
        return None
    _, group, sizes = np.unique(np.abs(difference), return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    ranks = ((last - sizes + 1 + last) / 2)[group]
    statistic = min(float(ranks[difference > 0].sum()), float(ranks[difference < 0].sum()))
    mean = n * (n + 1) / 4
    variance = n * (n + 1) * (2 * n + 1) / 24 - float((sizes.astype(np.float64) ** 3 - sizes).sum()) / 48
    if variance <= 0:
        return None
    return Test(statistic, min(1.0, math.erfc(abs(statistic - mean) / math.sqrt(2 * variance))))


@dataclass(frozen=True)
class Signs:
    """Documents on which a takes more, fewer or as many tokens as b, and the exact two-sided p of such a split."""

    more: int
    fewer: int
    ties: int
    p: float


def sign_test(a: Column, b: Column) -> Signs:
    """The exact sign test; ties are left out of p."""
    more, fewer = int((a > b).sum()), int((a < b).sum())
    n = more + fewer
    tail = sum(math.comb(n, k) for k in range(min(more, fewer) + 1)) if n else 0
    p = min(1.0, 2 * tail / 2**n) if n and 2 * min(more, fewer) != n else 1.0
    return Signs(more, fewer, len(a) - n, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment for a family of tests, in the order given (Holm, 1979)."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def student_p(t: float, freedom: int) -> float:
    """Two-sided p of Student's t: the regularised incomplete beta function at v / (v + t^2)."""
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b) by its continued fraction (DLMF 8.17.22), evaluated by Lentz's method.

    Raises:
        InputError: arguments outside of their domain.
    """
    if not (a > 0 and b > 0 and 0 <= x <= 1):
        raise InputError(f"incomplete_beta: needs a, b > 0 and 0 <= x <= 1, got {a}, {b}, {x}")
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny, c, d, value = 1e-300, 1.0, 0.0, 1.0
    for step in range(1000):
        m = step // 2
        if step == 0:
            term = 1.0
        elif step % 2 == 0:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / (1 + term * d or tiny)
        c = 1 + term / c or tiny
        value *= c * d
        if step and abs(1 - c * d) < 1e-15:
            break
    return front * (value - 1)


def draw_sums(columns: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.float64]:
    """Sums of the columns over each draw of documents; float64 [draws, columns]."""
    generator = np.random.default_rng(seed)
    if len(columns) > GROUPS:
        columns = np.stack([columns[start::GROUPS].sum(axis=0) for start in range(GROUPS)])
    n = len(columns)
    if n == 0:
        raise InputError("no documents to draw from")
    sums = np.empty((draws, columns.shape[1]))
    step = max(1, _CHUNK // n)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        indices = generator.integers(0, n, size=(rows, n))
        flat = (indices + np.arange(rows)[:, None] * n).ravel()
        weights = np.bincount(flat, minlength=rows * n).reshape(rows, n).astype(np.float64)
        sums[start : start + rows] = weights @ columns
    return sums
