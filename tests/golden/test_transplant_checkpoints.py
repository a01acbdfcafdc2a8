"""Whole transplants of tiny checkpoints: values of new rows, bits of copied ones, the body, the configs."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.golden_folder import golden_folder
from tokkit.transplant.checkpoint import open_checkpoint
from tokkit.transplant.run import transplant

FOLDER = golden_folder() / "transplant" / "e2e"
CASES = ("tied_bf16_sharded", "untied_f32")
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no golden vectors of transplantation here")


def expected(case: str) -> Any:
    return json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))[case]


def run(case: str, output: Path, **keywords: Any) -> Any:
    facts = expected(case)
    overrides = {left: str(right) for left, right in facts["special_map"].items()}
    base, donor = FOLDER / case / "base", FOLDER / case / "donor"
    return transplant(base, donor, output, overrides=overrides, **keywords)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", ["omp", "subword_mean"])
def test_new_rows(case: str, method: str, tmp_path: Path) -> None:
    facts, wanted = expected(case), load_file(FOLDER / case / "expected.safetensors")
    options: dict[str, Any] = {"pooling_in": "mean", "pooling_out": "mean"}
    if method == "omp":
        report = run(case, tmp_path / "out", method="omp", options={"k": facts["k"]}, donor=FOLDER / case / "donor")
    else:
        report = run(case, tmp_path / "out", method="compose", options=options)
    made = open_checkpoint(tmp_path / "out")
    assert report.matched == facts["matched"]
    names = {"model.embed_tokens.weight": f"embed_{method}", "lm_head.weight": f"head_{method}"}
    if facts["tied"]:
        del names["lm_head.weight"]
    new = np.array(facts["new_ids"])
    for name, key in names.items():
        values = made.read(name).astype(np.float64)
        relative = 1e-3 if facts["dtype"] == "float32" else 2**-7
        np.testing.assert_allclose(values[new], wanted[key][new], rtol=relative, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_body_copies_and_config(case: str, tmp_path: Path) -> None:
    facts = expected(case)
    run(case, tmp_path / "out")
    base, made = open_checkpoint(FOLDER / case / "base"), open_checkpoint(tmp_path / "out")
    for name, digest in facts["body_sha256"].items():
        assert hashlib.sha256(b"".join(made.blocks(name))).hexdigest() == digest, name
    left, right = np.array(facts["matched_pairs"]).T
    for name in set(made.tensors) - set(facts["body_sha256"]):
        assert made.tensors[name].shape[0] == facts["n_rows"]
        assert made.read(name)[left].tobytes() == base.read(name)[right].tobytes()
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert {key: config[key] for key in facts["expect_config"]} == facts["expect_config"]
    assert (base.index is None) == (made.index is None)
    if made.index is not None:
        assert made.index["weight_map"] == base.index["weight_map"]  # type: ignore[index] # has one as the other has
        sizes = sum(tensor.end - tensor.start for tensor in made.tensors.values())
        metadata: Any = made.index["metadata"]
        assert metadata == {"total_size": sizes, "total_parameters": sizes // 2}
