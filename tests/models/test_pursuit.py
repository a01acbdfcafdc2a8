"""Matching pursuit by torch picks what our own code picks, on any device."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden_folder import golden_folder
from tokkit.errors import UsageError
from tokkit.transplant.omp import Omp, pursue

pytestmark = pytest.mark.models


def both(atoms, signals, **options):
    return pursue(atoms, signals, **options), pursue(atoms, signals, device="cpu", **options)


@pytest.mark.parametrize(
    "name", ["omp_k1", "omp_k4", "omp_k8", "omp_k16", "omp_normalized", "omp_degenerate", "omp_bf16"]
)
def test_golden_atoms_are_those_of_the_compiled_code(name):
    path = golden_folder() / "transplant" / f"{name}.npz"
    if not path.is_file():
        pytest.skip("no golden vectors here")
    arrays = {key: value for key, value in np.load(path).items() if value.ndim == 2 and value.dtype.kind == "f"}
    widths = {}
    for key, value in arrays.items():
        widths.setdefault(value.shape[1], []).append((key, value))
    matrices = next(rows for rows in widths.values() if len(rows) >= 2)
    atoms, signals = (np.asarray(value, np.float32) for _, value in matrices[:2])
    score = "normalized" if "normalized" in name else "raw"
    ours, theirs = both(atoms, signals, k=min(16, len(atoms)), score=score)
    np.testing.assert_array_equal(ours.atoms, theirs.atoms)
    np.testing.assert_array_equal(ours.used, theirs.used)
    np.testing.assert_allclose(ours.coefficients, theirs.coefficients, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours.residual, theirs.residual, atol=1e-6)


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(0, 12), st.integers(1, 12), st.integers(1, 20), st.integers(0, 9))
def test_any_problem_gives_the_same_mixture(m, n, d, k, seed):
    draw = np.random.default_rng(seed)
    atoms, signals = draw.standard_normal((m, d)), draw.standard_normal((n, d))
    ours, theirs = both(atoms, signals, k=k)
    np.testing.assert_array_equal(ours.used, theirs.used)
    np.testing.assert_array_equal(ours.atoms, theirs.atoms)
    np.testing.assert_allclose(ours.coefficients, theirs.coefficients, rtol=1e-6, atol=1e-9)


def test_blocks_change_nothing():
    draw = np.random.default_rng(3)
    atoms = draw.standard_normal((50, 12)).astype(np.float32)
    signals = draw.standard_normal((30, 12)).astype(np.float32)
    whole = pursue(atoms, signals, k=5, device="cpu")
    parts = pursue(atoms, signals, k=5, device="cpu", memory=4000)
    np.testing.assert_array_equal(whole.atoms, parts.atoms)
    np.testing.assert_allclose(whole.coefficients, parts.coefficients, rtol=1e-9)


def test_more_steps_than_rank_and_rows_of_zero_stay_finite():
    atoms = np.repeat(np.eye(3), 4, axis=0)
    found = pursue(atoms, np.vstack([np.zeros(3), np.ones(3)]), k=12, device="cpu")
    assert found.used.tolist() == [0, 3]
    assert np.isfinite(found.coefficients).all()
    assert np.abs(found.coefficients).max() <= 1 + 1e-12


def test_a_gpu_that_is_not_there_is_named():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    from tokkit.transplant.base import Problem

    rows = np.ones((2, 2), np.float32)
    problem = Problem("in", rows, np.array([0, 1]), (b"x",), donor_new=rows[:1], donor_anchors=rows)
    with pytest.raises(UsageError, match="no GPU"):
        Omp(Omp.Config(device="cuda")).solve(problem)
