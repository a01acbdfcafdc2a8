"""Orthogonal matching pursuit on real rows: indices, coefficients, new rows, and the degenerate case."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.golden_folder import golden_folder
from tokkit.transplant.omp import Score, pursue
from tokkit.transplant.sparse import Csr

FOLDER = golden_folder() / "transplant"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no golden vectors of transplantation here")

WAYS: dict[str, dict[str, Any]] = {
    "f64": {"double": True},
    "f32": {"double": False},
    "f32, few rows kept": {"double": False, "memory": 20_000},
    "two threads": {"threads": 2},
}


def load(name: str) -> Any:
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"{name}: not in the compact copy of the vectors")
    return np.load(path)


def widened(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    return (bits.astype(np.uint32) << 16).view(np.float32)


def check(found: Any, case: Any, targets: Any, anchors: Any, base: Any) -> None:
    sure = case["margin"] > 1e-4
    assert (found.atoms == case["indices"])[sure].all()
    rebuilt = Csr.of_table(found.atoms, found.coefficients).apply(np.asarray(anchors, np.float64))
    same = (found.atoms == case["indices"]).all(axis=1)
    np.testing.assert_allclose(found.coefficients[same], case["coef_f64"][same], rtol=1e-3, atol=1e-4)
    made = Csr.of_table(found.atoms, found.coefficients).apply(base)
    np.testing.assert_allclose(made[same], case["out_f64"][same], rtol=1e-3, atol=1e-4)
    left = np.linalg.norm(rebuilt - targets, axis=1) / np.linalg.norm(targets, axis=1)
    np.testing.assert_allclose(found.residual, left, atol=2e-6)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["omp_k1", "omp_k4", "omp_k8", "omp_k16", "omp_normalized"])
def test_indices_and_coefficients(name: str, way: str) -> None:
    case = load(name)
    score: Score = "normalized" if name == "omp_normalized" else "raw"
    found = pursue(case["donor_anchors"], case["targets"], k=case["indices"].shape[1], score=score, **WAYS[way])
    check(found, case, case["targets"], case["donor_anchors"], case["base_anchors"])


def test_bf16_rows() -> None:
    case = load("omp_bf16")
    anchors, base, targets = (widened(case[f"{name}_bf16"]) for name in ("donor_anchors", "base_anchors", "targets"))
    found = pursue(anchors, targets, k=8)
    check(found, case, targets, anchors, base)


@pytest.mark.parametrize("way", WAYS)
def test_more_atoms_than_rank_stay_finite(way: str) -> None:
    case = load("omp_degenerate")
    targets, anchors = case["targets"].astype(np.float64), case["donor_anchors"]
    found = pursue(anchors, case["targets"], k=10, **WAYS[way])
    assert (found.used <= int(case["rank"])).all()
    assert found.used[2] == 0
    assert np.isfinite(found.coefficients).all()
    assert np.abs(found.coefficients).max() < 1e3
    rebuilt = Csr.of_table(found.atoms, found.coefficients).apply(anchors)
    bound = 1e-5 * np.maximum(np.linalg.norm(targets, axis=1), 1e-6)
    assert (np.linalg.norm(rebuilt - targets, axis=1) <= bound).all()


def test_k_beyond_the_number_of_anchors_is_cut() -> None:
    found = pursue(np.eye(3), np.array([[1.0, 2.0, 3.0]]), k=9)
    assert found.atoms.tolist() == [[2, 1, 0]]
    assert found.coefficients.tolist() == [[3.0, 2.0, 1.0]]


def test_cases_are_all_known() -> None:
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    cases = index if isinstance(index, list) else index["cases"]
    assert {case["id"] for case in cases} >= {"omp_k1", "omp_degenerate", "focus", "hewitt"}
