"""Orthogonal matching pursuit: a new donor row as a few anchor rows of the donor, the same mixture in the base.

arXiv 2506.06607 (Goddard, Fernandes Neto 2025). k times: the anchor with the largest |<residual, a_j>| joins, the
coefficients are the least squares over all that joined; new = sum_j c_j base_j. Scores are raw inner products;
`normalized` divides by |a_j|. Ties go to the lowest anchor. It stops at k anchors, at a residual below the tolerance,
or when the best anchor depends on those chosen already: coefficients stay finite where k exceeds the rank.
The Gram form (Rubinstein et al. 2008), with rows of the Gram matrix made when a new row first needs them: few anchors
are chosen over and over, and the core keeps theirs in a byte a number without any loss in the result.
`--device cuda` runs products with all anchors on the GPU instead.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit import _core
from tokkit.progress import Progress, silent
from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr, Floats

_DOUBLE_UP_TO = 1024
"""Anchors up to which all is done in f64: it costs nothing there."""
_SCORE_BYTES = 1 << 23
"""Products in f32 at a time, before the core takes them over."""
_BLOCK_BYTES = 1 << 25
"""Scores of the tokens that go through the steps together, two bytes each in the core."""
_LEAST_ROWS_BYTES = 80 << 20
"""Gram rows kept at least, if the memory allows."""
NONE = 2**32 - 1

Score = Literal["raw", "normalized"]


@dataclass(frozen=True)
class Pursuit:
    """`atoms` [n, k] int64 (-1 unused), `coefficients` [n, k] f64, `used` [n], `residual` [n]: |y - sum| / |y|."""

    atoms: NDArray[np.int64]
    coefficients: NDArray[np.float64]
    used: NDArray[np.int64]
    residual: NDArray[np.float64]


def pursue(
    atoms: Floats,
    signals: Floats,
    *,
    k: int,
    score: Score = "raw",
    tolerance: float = 1e-6,
    threads: int = 1,
    memory: int = 1 << 30,
    double: bool | None = None,
    device: str | None = None,
    progress: Progress = silent,
) -> Pursuit:
    """Writes each of `signals` [n, d] as at most k of `atoms` [m, d]; k is cut to m.

    `memory` bounds the Gram rows that are kept: fewer cost time, never another result. By default as much as the atoms
    themselves take, at least 80 MiB. `double` keeps the atoms in f64 (default: for few atoms).
    `device` is one of torch: products with all anchors there.

    Raises:
        UsageError: no atoms or k < 1.
    """
    is_double = len(atoms) <= _DOUBLE_UP_TO if double is None else double
    dtype: type[np.float32 | np.float64] = np.float64 if is_double else np.float32
    basis: Floats = np.ascontiguousarray(atoms, dtype)
    norms = np.sqrt(np.einsum("ij,ij->i", basis, basis, dtype=np.float64))
    if score == "normalized":
        basis = (basis / np.where(norms > 0, norms, 1)[:, None]).astype(dtype)
    if device is not None:
        from tokkit.extrinsic.pursuit import pursue_on

        rows: Floats = np.ascontiguousarray(signals, dtype)
        made = pursue_on(
            device, basis, rows, k=min(k, len(basis)), tolerance=tolerance, memory=memory, progress=progress
        )
        return _unscaled(Pursuit(*made), score, norms)
    m, width = basis.shape
    kept = min(memory, max(4 * basis.size, _LEAST_ROWS_BYTES)) // max(1, m)
    core = _core.Pursuit(basis.tobytes(), width, k=k, tolerance=tolerance, rows=kept, is_double=is_double)
    parts: list[tuple[bytes, bytes, bytes, bytes]] = []
    block, part = max(1, _BLOCK_BYTES // (2 * m)), max(1, _SCORE_BYTES // (4 * m))
    for start in range(0, len(signals), block):
        progress("pursue", start, len(signals))
        for at in range(start, min(start + block, len(signals)), part):
            wanted: Floats = np.ascontiguousarray(signals[at : min(at + part, start + block)], dtype)
            core.add(wanted.tobytes(), _products(wanted, basis))
        while (missing := core.missing()) is not None:
            lacking = np.frombuffer(missing, np.uint32)
            for at in range(0, len(lacking), part):
                core.fill(lacking[at : at + part].tobytes(), _products(basis[lacking[at : at + part]], basis))
            core.step(threads=threads)
        parts.append(core.take())
    joined = [b"".join(column) for column in zip(*parts, strict=True)] if parts else [b""] * 4
    found = np.frombuffer(joined[0], np.uint32).reshape(-1, min(k, m)).astype(np.int64)
    found[found == NONE] = -1
    coefficients = np.frombuffer(joined[1], np.float64).reshape(found.shape)
    used = np.frombuffer(joined[2], np.uint32).astype(np.int64)
    return _unscaled(Pursuit(found, coefficients, used, np.frombuffer(joined[3], np.float64)), score, norms)


def _unscaled(found: Pursuit, score: Score, norms: NDArray[np.float64]) -> Pursuit:
    """The coefficients of the atoms as they were, before `normalized` made them unit vectors."""
    if score == "raw":
        return found
    return replace(found, coefficients=found.coefficients / np.where(norms > 0, norms, 1)[np.maximum(found.atoms, 0)])


def _products(left: Floats, right: Floats) -> bytes:
    return (left @ right.T).astype(np.float32, copy=False).tobytes()


@METHODS.register("omp")
class Omp(Method):
    """The donor's row as a few of its anchor rows, the same mixture of the base's; needs a donor model."""

    needs = frozenset({"donor"})

    class Config(Method.Config):
        """How many anchors, chosen how."""

        k: int = Field(64, ge=1, le=4096, description="anchors of a new row at most")
        score: Score = Field("raw", description="inner product, or normalized by the anchor's length")
        tolerance: float = Field(1e-6, ge=0, lt=1, description="enough when the residual is this share of the row")
        max_l1: float | None = Field(
            None,
            gt=0,
            description="longer mixtures are shortened to this sum of |coefficients|; 1 keeps logits in bounds",
        )
        device: Literal["core", "cpu", "cuda"] = Field(
            "core", description="compiled code of ours, or torch on a device (extra `models`)"
        )

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """Rows that the donor has; a zero donor row is not served."""
        anchors, wanted = problem.donor()
        device = self.config.device
        if device != "core":
            from tokkit.extrinsic.causal import chosen_device, need_torch

            need_torch(f"for --device {device}")
            chosen_device(device)
        found = pursue(
            anchors,
            wanted,
            k=self.config.k,
            score=self.config.score,
            tolerance=self.config.tolerance,
            threads=problem.threads,
            memory=problem.memory,
            device=None if device == "core" else device,
            progress=problem.progress,
        )
        kept, coefficients = found.atoms >= 0, found.coefficients
        if self.config.max_l1 is not None:
            sums = np.abs(np.where(kept, coefficients, 0)).sum(axis=1, keepdims=True)
            coefficients = coefficients / np.maximum(1, sums / self.config.max_l1)
        weights = Csr.of_table(np.where(kept, found.atoms, 0), coefficients, kept).renamed(problem.anchors)
        return Rows(weights, residual=found.residual, served=found.used > 0)
