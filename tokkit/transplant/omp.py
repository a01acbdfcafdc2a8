"""Orthogonal matching pursuit: a new donor row as a few anchor rows of the donor, the same mixture in the base.

arXiv 2506.06607 (Goddard, Fernandes Neto 2025). k times: the anchor with the largest |<residual, a_j>| joins, the
coefficients are the least squares over all that joined; new = sum_j c_j base_j. Scores are raw inner products;
`normalized` divides by |a_j|. Ties go to the lowest anchor. It stops at k anchors, at a residual below the tolerance,
or when the best anchor depends on those chosen already: coefficients stay finite where k exceeds the rank.
The Gram form (Rubinstein et al. 2008) runs where the Gram matrix fits the memory, else products with all anchors; with
`--device cuda` such products run on the GPU.
"""

from collections.abc import Callable
from dataclasses import dataclass
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
_BLOCK_BYTES = 1 << 26
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

    `memory` bounds the Gram matrix; `double` forces f64 (default: for few atoms). `device` is one of torch.

    Raises:
        UsageError: no atoms or k < 1. ResourceError: the Gram matrix gets no memory.
    """
    is_double = len(atoms) <= _DOUBLE_UP_TO if double is None else double
    dtype: type[np.float32 | np.float64] = np.float64 if is_double else np.float32
    basis: Floats = np.ascontiguousarray(atoms, dtype)
    wanted: Floats = np.ascontiguousarray(signals, dtype)
    norms = np.sqrt(np.einsum("ij,ij->i", basis, basis, dtype=np.float64))
    if score == "normalized":
        basis = (basis / np.where(norms > 0, norms, 1)[:, None]).astype(dtype)
    k = min(k, len(basis))
    norm2 = np.einsum("ij,ij->i", wanted, wanted, dtype=np.float64)
    size = np.dtype(dtype).itemsize
    if device is not None:
        from tokkit.extrinsic.pursuit import pursue_on

        found = Pursuit(*pursue_on(device, basis, wanted, k=k, tolerance=tolerance, memory=memory, progress=progress))
    elif len(basis) ** 2 * size <= memory:
        found = _by_gram(basis, wanted, norm2, k, tolerance, threads, progress)
    else:
        found = _by_products(basis, wanted, norm2, k, tolerance, memory)
    if score == "normalized":
        scale = np.where(norms > 0, norms, 1)[np.maximum(found.atoms, 0)]
        found = Pursuit(found.atoms, found.coefficients / scale, found.used, found.residual)
    return found


def _by_gram(
    basis: Floats,
    wanted: Floats,
    norm2: NDArray[np.float64],
    k: int,
    tolerance: float,
    threads: int,
    progress: Progress,
) -> Pursuit:
    gram = _core.Gram(len(basis), is_double=basis.dtype == np.float64)
    rows = max(1, _BLOCK_BYTES // (basis.itemsize * len(basis)))
    for start in range(0, len(basis), rows):
        gram.push((basis[start : start + rows] @ basis.T).tobytes())
    parts: list[tuple[bytes, bytes, bytes, bytes]] = []
    report: Callable[[str, int, int], None] | None = None if progress is silent else progress
    for start in range(0, len(wanted), rows):
        alpha = wanted[start : start + rows] @ basis.T
        block = norm2[start : start + rows].tobytes()
        parts.append(gram.pursue(alpha.tobytes(), block, k=k, tolerance=tolerance, threads=threads, progress=report))
    joined = [b"".join(column) for column in zip(*parts, strict=True)] if parts else [b""] * 4
    atoms = np.frombuffer(joined[0], np.uint32).reshape(-1, k).astype(np.int64)
    atoms[atoms == NONE] = -1
    left = np.sqrt(np.frombuffer(joined[3], np.float64))
    return Pursuit(
        atoms,
        np.frombuffer(joined[1], np.float64).reshape(-1, k),
        np.frombuffer(joined[2], np.uint32).astype(np.int64),
        left / np.where(norm2 > 0, np.sqrt(norm2), 1),
    )


def _by_products(
    basis: Floats, wanted: Floats, norm2: NDArray[np.float64], k: int, tolerance: float, memory: int
) -> Pursuit:
    """The same without a Gram matrix: one product of a block's residuals with all atoms per step."""
    n, m, d = len(wanted), len(basis), basis.shape[1]
    atoms, coefficients = np.full((n, k), -1, np.int64), np.zeros((n, k))
    used, left = np.zeros(n, np.int64), np.zeros(n)
    dependent = 1e-7 if basis.dtype == np.float32 else 1e-14
    noise = 1e-6 if basis.dtype == np.float32 else 1e-13
    # A block holds its scores (and their magnitudes) and an orthonormal basis of k rows of f64 for each signal.
    rows = max(1, min(n, memory // (2 * basis.itemsize * m + 8 * k * (d + k))))
    for start in range(0, n, rows):
        y = wanted[start : start + rows].astype(np.float64)
        y2 = norm2[start : start + rows]
        b = len(y)
        q, triangle, along = np.zeros((b, k, d)), np.zeros((b, k, k)), np.zeros((b, k))
        triangle[:, range(k), range(k)] = 1
        residual, active = y.copy(), y2 > 0
        chosen = atoms[start : start + rows]
        for step in range(k):
            scores = np.abs(residual.astype(basis.dtype) @ basis.T)
            taken = chosen[:, :step]
            scores[np.repeat(np.arange(b), step)[(taken >= 0).ravel()], taken[taken >= 0]] = -1
            best = scores.argmax(axis=1)
            top = scores[np.arange(b), best].astype(np.float64)
            rest2 = np.einsum("bd,bd->b", residual, residual)
            atom = basis[best].astype(np.float64)
            own = np.einsum("bd,bd->b", atom, atom)
            heads = np.einsum("bsd,bd->bs", q[:, :step], atom)
            fresh = atom - np.einsum("bs,bsd->bd", heads, q[:, :step])
            again = np.einsum("bsd,bd->bs", q[:, :step], fresh)  # a second pass keeps Q orthogonal
            fresh -= np.einsum("bs,bsd->bd", again, q[:, :step])
            new2 = np.einsum("bd,bd->b", fresh, fresh)
            active = active & (rest2 > tolerance**2 * y2) & (top > noise * np.sqrt(own * y2)) & (new2 > dependent * own)
            if not active.any():
                break
            root = np.sqrt(np.where(active, new2, 1))
            q[:, step] = np.where(active[:, None], fresh / root[:, None], 0)
            triangle[active, step, :step] = (heads + again)[active]
            triangle[active, step, step] = root[active]
            along[:, step] = np.einsum("bd,bd->b", q[:, step], y)
            residual -= along[:, step, None] * q[:, step]
            chosen[active, step] = best[active]
            used[start : start + rows] += active
        solved = np.linalg.solve(np.swapaxes(triangle, 1, 2), along[..., None])[..., 0]
        coefficients[start : start + rows] = np.where(chosen >= 0, solved, 0)
        rest2 = np.einsum("bd,bd->b", residual, residual)
        left[start : start + rows] = np.sqrt(rest2 / np.where(y2 > 0, y2, 1))
    return Pursuit(atoms, coefficients, used, left)


@METHODS.register("omp")
class Omp(Method):
    """The donor's row as a few of its anchor rows, the same mixture of the base's; needs a donor model."""

    needs = frozenset({"donor"})

    class Config(Method.Config):
        """How many anchors, chosen how."""

        k: int = Field(64, ge=1, le=4096, description="anchors of a new row at most")
        score: Score = Field("raw", description="inner product, or normalized by the anchor's length")
        tolerance: float = Field(1e-6, ge=0, lt=1, description="enough when the residual is this share of the row")
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
        kept = found.atoms >= 0
        weights = Csr.of_table(np.where(kept, found.atoms, 0), found.coefficients, kept).renamed(problem.anchors)
        return Rows(weights, residual=found.residual, served=found.used > 0)
