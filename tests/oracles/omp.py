"""Orthogonal matching pursuit, slow and plain: one signal, all coefficients refitted at each step."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pursue(atoms: Floats, signal: Floats, k: int, tolerance: float = 1e-6) -> tuple[list[int], Floats]:
    """(chosen atoms in order, their coefficients); the lowest atom wins a tie; stops as the method's docstring says."""
    chosen: list[int] = []
    coefficients: Floats = np.zeros(0)
    residual = signal
    while len(chosen) < min(k, len(atoms)) and np.linalg.norm(residual) > tolerance * np.linalg.norm(signal):
        scores = np.abs(atoms @ residual)
        scores[chosen] = -1
        best = int(scores.argmax())
        if scores[best] <= 1e-13 * np.linalg.norm(atoms[best]) * np.linalg.norm(signal):
            break
        chosen.append(best)
        coefficients = np.asarray(np.linalg.lstsq(atoms[chosen].T, signal, rcond=None)[0], np.float64)
        residual = signal - coefficients @ atoms[chosen]
    return chosen, coefficients
