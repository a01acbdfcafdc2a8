"""Two tokenizers over several texts at once: languages are drawn as well as documents (two-level bootstrap).

What holds for the languages at hand need not hold for others: the unit here is the text, so that three languages say
little however many documents they have.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.evaluate.statistics import sign_test, student_p

LEAST_TEXTS: Final = 3


@dataclass(frozen=True)
class Across:
    """The geometric mean over texts of a's value over b's, its 95 % interval, and Student's t on the logs of texts."""

    ratio: float
    low: float
    high: float
    t: float | None
    p: float | None
    sign_p: float
    texts: int


def across(ratios: Sequence[float], drawn: Sequence[NDArray[np.float64]], *, seed: int = 0) -> Across:
    """Combines texts: `ratios` is one for each, `drawn` its bootstrap draws over documents, all of one length."""
    logs = np.log(np.asarray(ratios, np.float64))
    draws = np.log(np.stack([np.where(np.isfinite(one) & (one > 0), one, np.nan) for one in drawn]))
    generator = np.random.default_rng(seed)
    n, n_draws = draws.shape
    texts = generator.integers(0, n, (n_draws, n))
    within = generator.integers(0, n_draws, (n_draws, n))
    low, high = np.nanpercentile(np.nanmean(draws[texts, within], axis=1), [2.5, 97.5])
    spread = float(logs.std(ddof=1))
    t = None if spread == 0.0 else float(logs.mean() / (spread / math.sqrt(n)))
    signs = np.sign(logs).astype(np.int64)
    return Across(
        ratio=float(math.exp(logs.mean())),
        low=float(math.exp(low)),
        high=float(math.exp(high)),
        t=t,
        p=None if t is None else student_p(t, n - 1),
        sign_p=sign_test(signs, np.zeros(n, np.int64)).p,
        texts=n,
    )
