"""Matching pursuit over rotated anchors: each atom may be turned by a RoPE angle before it counts.

k times: the anchor with the largest |<residual, a_j>| joins; its position p is the projection of the angles between
its pairs of numbers and the residual's on the inverse frequencies, mean over the heads, for the residual or its
negative, whichever turns less; the residual loses its projection on the turned atom. At last all coefficients by least
squares over the turned atoms; new = sum_j c_j R_base(p_j) base_j. From mergekit, whose command cannot run it with
transformers 5 (`rope_theta` has moved). Of little use, kept for comparison.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.errors import UsageError
from tokkit.transplant.base import METHODS, Method, Problem, Rope, Rows
from tokkit.transplant.sparse import Csr, Floats

Doubles = NDArray[np.float64]


def turned(rows: Doubles, positions: Doubles, rope: Rope) -> Doubles:
    """Each row [n, d] turned to its position [n], head by head, first half of a head with its second half."""
    left, right = _halves(rows, rope)
    angles = positions[:, None, None] * _frequencies(rows.shape[1], rope)
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([left * cos - right * sin, right * cos + left * sin], axis=2).reshape(rows.shape)


def position(atoms: Doubles, residuals: Doubles, rope: Rope) -> Doubles:
    """The position [n] that turns each atom [n, d] towards its residual or the negative of it."""
    frequencies = _frequencies(atoms.shape[1], rope)
    left, right = _halves(atoms, rope)
    own = np.arctan2(right, left)
    found: list[Doubles] = []
    for sign in (1, -1):
        there_left, there_right = _halves(sign * residuals, rope)
        angle = np.arctan2(there_right, there_left) - own
        wrapped = (angle + np.pi) % (2 * np.pi) - np.pi
        found.append((wrapped @ frequencies / (frequencies @ frequencies)).mean(axis=1))
    return np.where(np.abs(found[1]) < np.abs(found[0]), found[1], found[0])


def pursue_turning(
    atoms: Floats, signals: Floats, *, k: int, rope: Rope
) -> tuple[NDArray[np.int64], Doubles, Doubles, Doubles]:
    """(anchors [n, k], positions [n, k], coefficients [n, k], relative residual [n])."""
    basis, wanted = np.asarray(atoms, np.float64), np.asarray(signals, np.float64)
    n, k = len(wanted), min(k, len(basis))
    chosen, positions = np.zeros((n, k), np.int64), np.zeros((n, k))
    rows = np.zeros((n, k, basis.shape[1]))
    residual = wanted.copy()
    for step in range(k):
        scores = np.abs(residual @ basis.T)
        scores[np.arange(n)[:, None], chosen[:, :step]] = -1
        best = scores.argmax(axis=1)
        positions[:, step] = position(basis[best], residual, rope)
        chosen[:, step] = best
        atom = rows[:, step] = turned(basis[best], positions[:, step], rope)
        length2 = np.einsum("nd,nd->n", atom, atom)
        along = np.einsum("nd,nd->n", residual, atom) / np.where(length2 > 0, length2, 1)
        residual -= along[:, None] * atom
    fitted = [np.linalg.lstsq(near.T, target, rcond=None)[0] for near, target in zip(rows, wanted, strict=True)]
    coefficients = np.array(fitted, np.float64).reshape(n, k)
    left = np.linalg.norm(wanted - np.einsum("nk,nkd->nd", coefficients, rows), axis=1)
    length = np.linalg.norm(wanted, axis=1)
    return chosen, positions, coefficients, left / np.where(length > 0, length, 1)


def mixed(base: Floats, chosen: NDArray[np.int64], positions: Doubles, coefficients: Doubles, rope: Rope) -> Doubles:
    """New rows [n, d]: the base's anchor rows, turned by its own frequencies."""
    made = np.zeros((len(chosen), base.shape[1]))
    for step in range(chosen.shape[1]):
        rows = np.asarray(base[chosen[:, step]], np.float64)
        made += coefficients[:, step, None] * turned(rows, positions[:, step], rope)
    return made


def _halves(rows: Doubles, rope: Rope) -> tuple[Doubles, Doubles]:
    split = rows.reshape(len(rows), rope.heads, -1)
    half = split.shape[2] // 2
    return split[..., :half], split[..., half:]


def _frequencies(width: int, rope: Rope) -> Doubles:
    if width % (2 * rope.heads):
        raise UsageError(f"rows of {width} numbers cannot be {rope.heads} heads of pairs", hint="take another method")
    half = width // rope.heads // 2
    return np.asarray(rope.theta ** (-np.arange(half) / half), np.float64)


@METHODS.register("mp_rope")
class MatchingPursuitRope(Method):
    """Matching pursuit over anchors that may turn by RoPE angles; needs a donor model."""

    needs = frozenset({"donor"})

    class Config(Method.Config):
        """How many anchors."""

        k: int = Field(16, ge=1, le=1024, description="anchors of a new row at most")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """All rows, as constants: a turned row is no multiple of a base row; in blocks of tokens."""
        anchors, wanted = problem.donor()
        if problem.ropes is None:
            raise UsageError("this method needs the heads and the rope_theta of both models", hint="take omp")
        of_donor, of_base = problem.ropes
        base = problem.anchor_rows()
        made, residual = np.zeros((problem.n, base.shape[1])), np.zeros(problem.n)
        for start in range(0, problem.n, 512):
            span = slice(start, start + 512)
            chosen, positions, coefficients, left = pursue_turning(
                anchors, wanted[span], k=self.config.k, rope=of_donor
            )
            made[span], residual[span] = mixed(base, chosen, positions, coefficients, of_base), left
        return Rows(Csr.empty(problem.n), constant=made, residual=residual, served=(wanted != 0).any(axis=1))
