"""Chooses a transplant method by what training makes of its rows, not by how they read at first."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tokkit.evaluate.statistics import draw_sums
from tokkit.extrinsic.probe import Probed, Probing, probe, split
from tokkit.metrics.perplexity import Likelihood
from tokkit.progress import Progress, silent
from tokkit.transplant.base import METHODS, Need
from tokkit.transplant.config import TransplantConfig

_DRAWS = 10_000


@dataclass(frozen=True)
class Candidate:
    """Bits per byte of held-out text before and after the steps.

    `behind` is how much more than the best it needs after them, with the 95 % bootstrap interval of that difference.
    """

    method: str
    before: float
    after: float
    behind: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def to_json(self) -> dict[str, object]:
        """The same as an object."""
        value, low, high = self.behind
        return {
            "method": self.method,
            "bits_per_byte_before": self.before,
            "bits_per_byte_after": self.after,
            "behind": {"value": value, "low": low, "high": high},
        }


def default_candidates(*, donor: bool, auxiliary: bool) -> list[str]:
    """Methods worth a probe with what is at hand, `auto` first."""
    having: set[Need] = {"pieces"}
    if donor:
        having.add("donor")
    if auxiliary:
        having.add("auxiliary")
    names = ("auto", "compose", "mean", "adaptivocab", "omp", "interpolate", "clp", "focus", "wechsel", "tokenadapt")
    found = [name for name in names if METHODS.get(name).needs <= having]
    return found if donor else [name for name in found if name != "compose"]  # which auto is, without a donor


def select_method(
    base: Path,
    target: Path,
    candidates: Sequence[str],
    documents: Sequence[str],
    probing: Probing,
    *,
    config: TransplantConfig,
    options: Mapping[str, Any],
    seed: int = 0,
    threads: int = 1,
    progress: Progress = silent,
) -> list[Candidate]:
    """All candidates, the best after the probe first; `options` are more arguments of `transplant`.

    Raises:
        MissingExtraError: no torch. InputError: too little text. Whatever `transplant` raises.
    """
    from tokkit.extrinsic.causal import need_torch
    from tokkit.transplant.run import transplant

    need_torch("for --cpt-probe")
    train, read = split(documents, probing)
    found: dict[str, Probed] = {}
    plain = config.model_copy(update={"verify": False})
    with tempfile.TemporaryDirectory(prefix="tokkit-probe-") as home:
        for name in dict.fromkeys(candidates):
            made = Path(home) / "model"
            transplant(
                base,
                target,
                made,
                method=name,
                config=plain,
                seed=seed,
                threads=threads,
                overwrite=True,
                progress=progress,
                **options,
            )
            found[name] = probe(made, train, read, probing, seed=seed, threads=threads, progress=progress)
    ranked = sorted(found, key=lambda name: (found[name].after.total.bits_per_byte, name))
    best = found[ranked[0]].after.documents
    return [
        Candidate(
            name,
            found[name].before.total.bits_per_byte,
            found[name].after.total.bits_per_byte,
            _behind(found[name].after.documents, best, seed),
        )
        for name in ranked
    ]


def _behind(ours: Sequence[Likelihood], best: Sequence[Likelihood], seed: int) -> tuple[float, float, float]:
    columns = np.array([(a.nats - b.nats, a.bytes) for a, b in zip(ours, best, strict=True)], np.float64)
    sums = draw_sums(columns, _DRAWS, seed)
    low, high = np.percentile(sums[:, 0] / sums[:, 1], [2.5, 97.5]) / math.log(2)
    value = float(columns[:, 0].sum() / columns[:, 1].sum() / math.log(2))
    return value, float(low), float(high)


def candidates_table(candidates: Sequence[Candidate], steps: int) -> str:
    """A few lines for people."""
    lines = [f"{'method':<14}{'bits/byte at 0':>16}{f'after {steps}':>14}   behind the best (95 %)"]
    for row in candidates:
        value, low, high = row.behind
        shown = "best" if row is candidates[0] else f"{value:+.4f} [{low:+.4f}, {high:+.4f}]"
        lines.append(f"{row.method:<14}{row.before:>16.4f}{row.after:>14.4f}   {shown}")
    return "\n".join(lines)
