"""The formulas of all methods on real rows."""

from typing import Any, get_args

import numpy as np
import pytest

from tests.golden_folder import golden_folder
from tokkit.transplant import mp_rope, procrustes, stb, tokenadapt
from tokkit.transplant.base import Rope
from tokkit.transplant.clp import cosine_shares
from tokkit.transplant.compose import pool
from tokkit.transplant.focus import cosines, sparsemax
from tokkit.transplant.hewitt import moments, sample
from tokkit.transplant.interpolate import Metric, Scheme, mixture, nearest
from tokkit.transplant.lsq import affine_map
from tokkit.transplant.sparse import Csr
from tokkit.transplant.undertrained import suspects
from tokkit.transplant.wechsel import soft_neighbours

FOLDER = golden_folder() / "transplant"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no golden vectors of transplantation here")


def load(name: str) -> Any:
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"{name}: not in the compact copy of the vectors")
    return np.load(path)


@pytest.mark.parametrize("scheme", get_args(Scheme))
@pytest.mark.parametrize("metric", get_args(Metric))
def test_interpolation(metric: Metric, scheme: Scheme) -> None:
    case = load("common_interpolation")
    anchors, targets = case["donor_anchors"].astype(np.float64), case["targets"].astype(np.float64)
    indices, away = nearest(anchors, targets, k=5, metric=metric)
    assert (indices == case[f"idx_{metric[:3]}"]).all()
    weights = [mixture(anchors[i], y, d, scheme, metric) for i, y, d in zip(indices, targets, away, strict=True)]
    np.testing.assert_allclose(weights, case[f"w_{metric[:3]}_{scheme}"], rtol=1e-3, atol=3e-4)
    made = Csr.of_table(indices, np.array(weights)).apply(case["base_anchors"])
    np.testing.assert_allclose(made, case[f"out_{metric[:3]}_{scheme}"], rtol=1e-3, atol=3e-4)


def test_linear_maps() -> None:
    case = load("linear_maps")
    anchors, base, targets = case["donor_anchors"], case["base_anchors"], case["targets"]
    for name, ridge in (("out_lsq_center_ridge0", 0), ("out_lsq_center_ridge1e3", 1e-3)):
        np.testing.assert_allclose(affine_map(anchors, base, targets, ridge=ridge), case[name], rtol=1e-4, atol=1e-5)
    made = procrustes.by_principal_axes(anchors, base, targets)
    np.testing.assert_allclose(made, case["out_landmark_pca_corrected"], rtol=1e-4, atol=1e-5)
    turned = procrustes.rotation(anchors[:, :48], base)
    np.testing.assert_allclose(turned, case["procrustes_R"], rtol=1e-4, atol=1e-5)
    made = (targets[:, :48] - anchors[:, :48].mean(axis=0)) @ turned + base.mean(axis=0)
    np.testing.assert_allclose(made, case["out_procrustes"], rtol=1e-4, atol=1e-5)


def test_sparse_token_basis() -> None:
    case = load("sparse_token_basis")
    found = stb.basis(case["base_anchors"], k=4)
    assert [set(row) for row in found.atoms.tolist()] == [set(row) for row in case["basis_indices"].tolist()]
    means = (case["donor_full_mean"], case["base_full_mean"])
    made = stb.carry(case["targets"], case["donor_anchors"], case["base_anchors"], found, means)
    np.testing.assert_allclose(made, case["out_f64"], rtol=1e-3, atol=1e-4)


def test_pooling_of_pieces() -> None:
    case = load("subword_pooling")
    kinds = {name.removeprefix("out_") for name in case.files if name.startswith("out_")}
    assert len(kinds) == 12
    for kind in sorted(kinds):
        name, _, decay = kind.partition("geometric_")
        rows = []
        for segment, lengths in zip(case["segments"], case["char_lens"], strict=True):
            kept = segment >= 0
            weights = pool(name or "geometric", lengths[kept], decay=float(decay or 0.5))
            rows.append((segment[kept], weights))
        made = Csr.of_rows(rows).apply(case["base_embed"])
        np.testing.assert_allclose(made, case[f"out_{kind}"], rtol=1e-6, atol=1e-6, err_msg=kind)


def test_focus() -> None:
    case = load("focus")
    weights = sparsemax(cosines(case["aux_new"], case["aux_overlap"]))
    np.testing.assert_allclose(weights, case["weights_f64"], atol=1e-5)
    np.testing.assert_allclose(weights @ case["base_overlap"], case["out_f64"], rtol=1e-4, atol=1e-5)


def test_wechsel() -> None:
    case = load("wechsel_topk")
    indices, weights = soft_neighbours(case["aux_target"], case["aux_source"], neighbors=10, temperature=0.1)
    assert [set(row) for row in indices.tolist()] == [set(row) for row in case["indices"].tolist()]
    made = Csr.of_table(indices, weights).apply(case["base"])
    np.testing.assert_allclose(made, case["out_f64"], rtol=1e-4, atol=1e-5)


def test_clp() -> None:
    case = load("clp")
    made = cosine_shares(case["aux_new"], case["aux_overlap"]) @ case["base_overlap"]
    np.testing.assert_allclose(made, case["out_f64"], rtol=1e-3, atol=1e-4)


def test_tokenadapt() -> None:
    case = load("tokenadapt")
    old = tokenadapt.global_weights(case["aux_full"], case["aux_old"], top_k=3, temperature=0.3, threshold=0.0)
    np.testing.assert_allclose(old.weights, case["global_weights"], atol=1e-5)
    far = Csr.of_table(old.indices, old.weights).apply(case["base_old"])
    np.testing.assert_allclose(far, case["global_out"], rtol=1e-4, atol=1e-5)
    for row, segment in enumerate(case["segments"]):
        kept = segment[segment >= 0]
        shares = case["sub_len"][kept] / case["full_len"][row]
        weights = tokenadapt.local_weights(case["aux_full"][row], case["aux_sub"][kept], shares, temperature=0.3)
        np.testing.assert_allclose(weights, case["local_weights"][row][: len(kept)], atol=1e-5)
        near = weights @ case["base_sub"][kept]
        np.testing.assert_allclose(near, case["local_out"][row], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(0.7 * near + 0.3 * far[row], case["hybrid_out"][row], rtol=1e-4, atol=1e-5)


def test_matching_pursuit_that_turns() -> None:
    case = load("mp_rope")
    chosen, positions, coefficients, _ = mp_rope.pursue_turning(
        case["donor_anchors"], case["targets"], k=4, rope=Rope(4, 10_000.0)
    )
    assert (chosen == case["indices"]).all()
    made = mp_rope.mixed(case["base_anchors"], chosen, positions, coefficients, Rope(3, 10_000.0))
    np.testing.assert_allclose(made, case["out"], rtol=5e-3, atol=5e-4)


def test_samples_around_the_mean() -> None:
    case = load("hewitt")
    mean, covariance = moments(case["base"])
    np.testing.assert_allclose(mean, case["mean"], atol=1e-6)
    np.testing.assert_allclose(covariance, case["cov_population"], atol=1e-6)
    drawn = sample(mean, covariance, 20_000, seed=1, scale=1.0)
    assert (np.abs(drawn.mean(axis=0) - mean) <= 5 * np.sqrt(np.diag(covariance) / 20_000)).all()
    found = np.cov(drawn.T)
    assert np.linalg.norm(found - covariance) / np.linalg.norm(covariance) < 0.05


@pytest.mark.parametrize("name", ["magikarp_tied", "magikarp_untied"])
def test_undertrained_rows(name: str) -> None:
    case = load(name)
    head = case["lm_head"] if "lm_head" in case.files else None
    found = np.flatnonzero(suspects(case["embed"], head, case["unused_ids"]))
    assert found[found < 269].tolist() == case["bad_ids"].tolist()
