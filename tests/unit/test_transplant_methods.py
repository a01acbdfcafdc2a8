"""Every method end to end on a tiny model: all rows are made, none is zero, each is accounted for."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests import tiny_models
from tokkit.transplant import METHODS, transplant
from tokkit.transplant.checkpoint import open_checkpoint
from tokkit.transplant.provenance import NAME, read_provenance

TEXT = "the quick brown fox jumps over the lazy dog, the fox and the dog 1234 1234\n" * 4
TABLE = "model.embed_tokens.weight"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base` of 270 tokens, `donor` of 290 tokens and another width, `vectors.safetensors` for both."""
    home = tmp_path_factory.mktemp("methods")
    config = {"num_attention_heads": 2, "rope_parameters": {"rope_theta": 500.0}}
    tiny_models.model(tiny_models.tokenizer(home / "base", TEXT[:66], 270), 270, config=config)
    tiny_models.model(tiny_models.tokenizer(home / "donor", TEXT, 290), 290, width=12, config=config)
    draw = np.random.default_rng(3)
    vectors = {"target": draw.standard_normal((290, 5)), "base": draw.standard_normal((270, 5))}
    vectors["target"][280] = np.nan
    save_file(vectors, home / "vectors.safetensors")
    return home


@pytest.mark.parametrize("method", [name for name in METHODS if "model" not in METHODS.get(name).needs])
@pytest.mark.parametrize("is_tied", [True, False])
def test_every_row_is_made_and_accounted_for(home: Path, tmp_path: Path, method: str, is_tied: bool) -> None:
    base, donor = home / "base", home / "donor"
    if not is_tied:
        for folder, rows, width in ((base, 270, 8), (donor, 290, 12)):
            copy = tmp_path / folder.name
            copy.mkdir()
            for path in folder.glob("tokenizer*"):
                (copy / path.name).write_bytes(path.read_bytes())
            draw = np.random.default_rng(rows)
            tensors = {
                TABLE: draw.standard_normal((rows, width), np.float32),
                "lm_head.weight": draw.standard_normal((rows, width), np.float32),
            }
            config = {"tie_word_embeddings": False, "num_attention_heads": 2, "rope_theta": 500.0}
            tiny_models.model(copy, rows, tensors=tensors, config=config)
        base, donor = tmp_path / "base", tmp_path / "donor"
    vectors = home / "vectors.safetensors"
    report = transplant(base, donor, tmp_path / "out", donor=donor, method=method, auxiliary=vectors)
    assert len(report.tensors) == (1 if is_tied else 2)
    before, after = open_checkpoint(base), load_file(tmp_path / "out" / "model.safetensors")
    kept = read_provenance(tmp_path / "out" / NAME)
    for name in report.tensors:
        assert after[name].shape == (290, 8)
        assert np.isfinite(after[name]).all()
        assert method == "zero" or after[name].any(axis=1).all()
        assert sum(report.methods[name].values()) == 290
        assert kept.operators[name].rows(before.read(name)).tobytes() == after[name].tobytes()
    assert kept.facts["method"] == method
