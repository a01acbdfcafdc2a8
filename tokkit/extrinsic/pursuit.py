"""Orthogonal matching pursuit by torch, for a GPU: products of all residuals with all atoms, at each step.

The definition is that of `tokkit.transplant.omp`: raw scores in the type of the atoms, orthogonalisation, coefficients
and residuals in f64; TF32 is off, since it picks other atoms.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import Progress, silent


def pursue_on(
    device: str,
    basis: NDArray[np.floating[Any]],
    wanted: NDArray[np.floating[Any]],
    *,
    k: int,
    tolerance: float,
    memory: int,
    progress: Progress = silent,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """(atoms [n, k] with -1 for unused, coefficients [n, k], used [n], relative residual [n]).

    `basis` [m, d] and `wanted` [n, d] are of one type; k is at most m. `memory` bounds a block of rows on the device.
    """
    import torch

    kept = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        atoms = torch.as_tensor(basis, device=device)
        # A block holds its scores and their magnitudes, and k orthonormal rows of f64 with their triangle.
        m, d = basis.shape
        rows = max(1, min(len(wanted), memory // (2 * basis.itemsize * m + 8 * k * (d + 2 * k))))
        parts = []
        for start in range(0, len(wanted), rows):
            block = torch.as_tensor(wanted[start : start + rows], device=device)
            parts.append([value.cpu().numpy() for value in _block(atoms, block, k, tolerance)])
            progress("pursue", min(start + rows, len(wanted)), len(wanted))
    finally:
        torch.backends.cuda.matmul.allow_tf32 = kept
    if not parts:
        return np.zeros((0, k), np.int64), np.zeros((0, k)), np.zeros(0, np.int64), np.zeros(0)
    found = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return found[0], found[1], found[2], found[3]


def _block(basis: Any, wanted: Any, k: int, tolerance: float) -> tuple[Any, Any, Any, Any]:
    import torch

    is_single = basis.dtype == torch.float32
    dependent, noise = (1e-7, 1e-6) if is_single else (1e-14, 1e-13)
    y = wanted.double()
    n, d = y.shape
    y2 = y.pow(2).sum(dim=1)
    own2 = basis.double().pow(2).sum(dim=1)
    chosen = torch.full((n, k), -1, dtype=torch.long, device=y.device)
    q = torch.zeros((n, k, d), dtype=torch.float64, device=y.device)
    triangle = torch.eye(k, dtype=torch.float64, device=y.device).repeat(n, 1, 1)
    along = torch.zeros((n, k), dtype=torch.float64, device=y.device)
    residual, active = y.clone(), y2 > 0
    taken = torch.zeros((n, basis.shape[0]), dtype=torch.bool, device=y.device)
    for step in range(k):
        scores = (residual.to(basis.dtype) @ basis.T).abs_().masked_fill_(taken, -1)
        top = scores.max(dim=1).values
        # The lowest of equal ones: torch promises no order among them.
        best = (scores == top[:, None]).int().argmax(dim=1)
        atom, own = basis[best].double(), own2[best]
        seen = q[:, :step]
        heads = (seen @ atom[:, :, None])[:, :, 0]
        fresh = atom - (heads[:, None] @ seen)[:, 0]
        again = (seen @ fresh[:, :, None])[:, :, 0]  # a second pass keeps Q orthogonal
        fresh = fresh - (again[:, None] @ seen)[:, 0]
        new2 = fresh.pow(2).sum(dim=1)
        rest2 = residual.pow(2).sum(dim=1)
        active &= (rest2 > tolerance**2 * y2) & (top.double() > noise * (own * y2).sqrt()) & (new2 > dependent * own)
        if not bool(active.any()):
            break
        root = torch.where(active, new2, 1.0).sqrt()
        q[:, step] = torch.where(active[:, None], fresh / root[:, None], 0.0)
        triangle[active, step, :step] = (heads + again)[active]
        triangle[active, step, step] = root[active]
        along[:, step] = (q[:, step] * y).sum(dim=1)
        residual -= along[:, step, None] * q[:, step]
        chosen[active, step] = best[active]
        taken[active, best[active]] = True
    solved = torch.linalg.solve_triangular(triangle.mT.contiguous(), along[:, :, None], upper=True)[:, :, 0]
    left = (residual.pow(2).sum(dim=1) / torch.where(y2 > 0, y2, 1.0)).sqrt()
    return chosen, torch.where(chosen >= 0, solved, 0.0), (chosen >= 0).sum(dim=1), left
