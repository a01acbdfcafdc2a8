"""An orthogonal map from the donor's space to the base's, fitted on the anchors.

R = U V' with U S V' = (A - mean_A)' (P - mean_P) minimises |(A - mean_A) R - (P - mean_P)| (Schönemann 1966);
new = (y - mean_A) R + mean_P. `pca` first projects both sides on their q = min(dd, d) principal axes (landmark PCA
with the rotation that is the minimiser, not its transpose); `pad` (SAVA, arXiv 2410.11020) pads the narrower side with
zeros, after each column and then the mean length were scaled to one.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr, Floats


def rotation(anchors: Floats, base: Floats) -> NDArray[np.float64]:
    """The orthogonal R [d, d] that brings centred `anchors` [m, d] closest to centred `base` [m, d]."""
    left = anchors - anchors.mean(axis=0, dtype=np.float64)
    right = base - base.mean(axis=0, dtype=np.float64)
    u, _, v = np.linalg.svd(left.T @ right)
    return np.asarray(u @ v, np.float64)


def by_principal_axes(anchors: Floats, base: Floats, wanted: Floats) -> NDArray[np.float64]:
    """Rows [n, d] of `wanted` [n, dd]: rotated between the leading principal axes of both sides."""
    from_mean, to_mean = anchors.mean(axis=0, dtype=np.float64), base.mean(axis=0, dtype=np.float64)
    left, right = anchors - from_mean, base - to_mean
    q = min(left.shape[1], right.shape[1])
    from_axes, to_axes = _axes(left)[:, :q], _axes(right)[:, :q]
    turned = rotation(left @ from_axes, right @ to_axes)
    return np.asarray((wanted - from_mean) @ from_axes @ turned @ to_axes.T + to_mean, np.float64)


def by_padding(anchors: Floats, base: Floats, wanted: Floats) -> NDArray[np.float64]:
    """Rows [n, d] of `wanted` [n, dd]: both sides standardised, padded to the same width, rotated, scaled back."""
    width = max(anchors.shape[1], base.shape[1])
    left, from_mean, from_scale = _standard(anchors)
    right, to_mean, to_scale = _standard(base)
    turned = rotation(_pad(left, width), _pad(right, width))
    made = _pad((wanted - from_mean) / from_scale, width) @ turned
    return np.asarray(made[:, : base.shape[1]] * to_scale + to_mean, np.float64)


def _axes(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Principal axes as columns, by falling variance; of [m, d] always d of them."""
    values, vectors = np.linalg.eigh(centred.T @ centred)
    return np.asarray(vectors[:, np.argsort(-values, kind="stable")], np.float64)


def _standard(rows: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(standardised rows of mean length 1, mean, scale of each column)."""
    mean = rows.mean(axis=0, dtype=np.float64)
    deviation = rows.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > 0, deviation, 1)
    made = (rows - mean) / scale
    length = float(np.linalg.norm(made, axis=1).mean()) or 1.0
    return made / length, mean, scale * length


def _pad(rows: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])))


@METHODS.register("procrustes")
class Procrustes(Method):
    """An orthogonal map from the donor's space to the base's (SAVA, landmark PCA); needs a donor model."""

    needs = frozenset({"donor"})

    class Config(Method.Config):
        """How spaces of different width meet."""

        widths: Literal["pad", "pca"] = Field("pad", description="pad with zeros (SAVA), or go by principal axes")

    config: Config

    def solve(self, problem: Problem) -> Rows:
        """All rows, as constants: the map mixes all anchors."""
        anchors, wanted = problem.donor()
        fit = by_padding if self.config.widths == "pad" else by_principal_axes
        return Rows(Csr.empty(problem.n), constant=fit(anchors, problem.anchor_rows(), wanted))
