"""Hostile and odd models: nothing outside the folder is read, nothing is executed, nothing half done stays."""

import json
import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests import tiny_models
from tokkit.errors import GateError, InputError, ResourceError, TokenizerError, UsageError
from tokkit.transplant.back import restore
from tokkit.transplant.checkpoint import INDEX, open_checkpoint
from tokkit.transplant.config import TransplantConfig
from tokkit.transplant.run import transplant

TEXT = "the quick brown fox jumps over the lazy dog, the fox and the dog\n" * 4


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base`: a model with a tokenizer of 270 tokens; `target`: a tokenizer of 290 tokens."""
    home = tmp_path_factory.mktemp("models")
    tiny_models.model(tiny_models.tokenizer(home / "base", TEXT[:66], 270), 270)
    tiny_models.tokenizer(home / "target", TEXT + "the lazy foxes sleep " * 9, 290, ("<s>", "</s>", "<|tool|>"))
    return home


def variant(home: Path, folder: Path, **keywords: Any) -> Path:
    """A copy of the base's tokenizer with other tensors or config."""
    folder.mkdir()
    for path in (home / "base").glob("tokenizer*"):
        (folder / path.name).write_bytes(path.read_bytes())
    return tiny_models.model(folder, 270, **keywords)


def embed(rows: int = 270, dtype: Any = np.float32) -> Any:
    return np.random.default_rng(1).standard_normal((rows, 8)).astype(dtype)


def sharded(folder: Path, weight_map: dict[str, str]) -> Path:
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["../out.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "a\0b", "x" * 300])
def test_a_shard_outside_the_folder_is_refused(home: Path, tmp_path: Path, name: str) -> None:
    base = sharded(variant(home, tmp_path / "base"), {"model.embed_tokens.weight": name})
    with pytest.raises(TokenizerError, match="plain file name"):
        open_checkpoint(base)


def test_a_link_out_of_the_folder_is_refused(home: Path, tmp_path: Path) -> None:
    base = variant(home, tmp_path / "base")
    (tmp_path / "secret.safetensors").write_bytes((base / "model.safetensors").read_bytes())
    (base / "model.safetensors").unlink()
    (base / "model.safetensors").symlink_to(tmp_path / "secret.safetensors")
    with pytest.raises(TokenizerError, match="leads out of its folder"):
        open_checkpoint(base)


def test_the_hub_cache_may_link_into_its_blobs(home: Path, tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "blobs").mkdir()
    base = variant(home, tmp_path / "snapshots" / "abc")
    (base / "model.safetensors").rename(tmp_path / "blobs" / "123")
    (base / "model.safetensors").symlink_to(Path("../../blobs/123"))
    assert open_checkpoint(base).tensors["model.embed_tokens.weight"].shape == (270, 8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 10**9) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 64) + b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,9]}}'.ljust(64),
        struct.pack("<Q", 64) + b'{"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,1]}}'.ljust(64),
        struct.pack("<Q", 4) + b"\xff\xff\xff\xff",
    ],
)
def test_a_broken_header_is_refused(home: Path, tmp_path: Path, content: bytes) -> None:
    base = variant(home, tmp_path / "base")
    (base / "model.safetensors").write_bytes(content)
    with pytest.raises(TokenizerError):
        open_checkpoint(base)


def test_pickled_weights_are_refused_with_the_way_out(home: Path, tmp_path: Path) -> None:
    base = variant(home, tmp_path / "base")
    (base / "model.safetensors").rename(base / "pytorch_model.bin")
    with pytest.raises(TokenizerError, match="never opened") as caught:
        open_checkpoint(base)
    assert "safe_serialization" in str(caught.value.hint)


@pytest.mark.parametrize(
    "tensors",
    [
        {
            "model.embed_tokens.weight": embed(dtype=ml_dtypes.float8_e4m3fn),
            "model.embed_tokens.weight_scale": np.ones(1),
        },
        {"model.embed_tokens.weight": np.zeros((270, 8), np.int32)},
        {"model.embed_tokens.qweight": np.zeros((270, 8), np.int32)},
    ],
)
def test_a_quantised_vocabulary_is_refused(home: Path, tmp_path: Path, tensors: Any) -> None:
    base = variant(home, tmp_path / "base", tensors=tensors)
    with pytest.raises(TokenizerError, match="quantised"):
        transplant(base, home / "target", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_table_needs_a_word(home: Path, tmp_path: Path) -> None:
    tensors = {"model.embed_tokens.weight": embed(), "model.extra_embed.weight": embed()}
    base = variant(home, tmp_path / "base", tensors=tensors)
    with pytest.raises(TokenizerError, match=r"extra_embed.*not a known table"):
        transplant(base, home / "target", tmp_path / "out")
    config = TransplantConfig(tables=("model.extra_embed.weight",))
    report = transplant(base, home / "target", tmp_path / "out", config=config)
    assert "model.extra_embed.weight" in report.tensors


def test_a_full_disk_is_noticed_first(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(ResourceError, match="are needed"):
        transplant(home / "base", home / "target", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_verification_leaves_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tokkit.transplant.run as run

    def broken(*_: object, **__: object) -> list[str]:
        raise GateError("no")

    monkeypatch.setattr(run, "verify", broken)
    with pytest.raises(GateError):
        transplant(home / "base", home / "target", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2])
def test_types_are_kept_and_copies_are_bit_equal(home: Path, tmp_path: Path, dtype: Any) -> None:
    base = variant(home, tmp_path / "base", tensors={"model.embed_tokens.weight": embed(dtype=dtype)})
    report = transplant(base, home / "target", tmp_path / "out")
    made = open_checkpoint(tmp_path / "out").read("model.embed_tokens.weight")
    assert made.dtype == np.dtype(dtype)
    assert made.shape == (290, 8)
    assert report.origins["exact"] >= 256


def test_padded_rows_and_ids_beyond_rows(home: Path, tmp_path: Path) -> None:
    base = variant(
        home, tmp_path / "wide", tensors={"model.embed_tokens.weight": embed(300)}, config={"vocab_size": 300}
    )
    transplant(base, home / "target", tmp_path / "a", config=TransplantConfig(pad_to_multiple_of=64))
    made = load_file(tmp_path / "a" / "model.safetensors")["model.embed_tokens.weight"]
    assert made.shape == (320, 8)
    assert (made[290:] == embed(300)[270]).all()  # the base's own padding, not zero
    short = variant(
        home, tmp_path / "short", tensors={"model.embed_tokens.weight": embed(265)}, config={"vocab_size": 265}
    )
    report = transplant(short, home / "target", tmp_path / "b")
    assert any("beyond" in warning for warning in report.warnings)


def test_a_special_without_counterpart_is_the_mean_of_specials(home: Path, tmp_path: Path) -> None:
    report = transplant(home / "base", home / "target", tmp_path / "out")
    assert report.origins["new_special"] == 1
    base = load_file(home / "base" / "model.safetensors")["model.embed_tokens.weight"]
    made = load_file(tmp_path / "out" / "model.safetensors")["model.embed_tokens.weight"]
    np.testing.assert_allclose(made[-1], base[-2:].mean(axis=0), rtol=1e-6)


def test_biases_follow_their_rows(home: Path, tmp_path: Path) -> None:
    bias = np.arange(270, dtype=np.float32)
    tensors = {"model.embed_tokens.weight": embed(), "lm_head.weight": embed() + 1, "lm_head.bias": bias}
    base = variant(home, tmp_path / "base", tensors=tensors, config={"tie_word_embeddings": False})
    report = transplant(base, home / "target", tmp_path / "out")
    made = load_file(tmp_path / "out" / "model.safetensors")
    assert report.tensors == ("model.embed_tokens.weight", "lm_head.weight")
    assert made["lm_head.bias"].shape == (290,)
    assert (made["lm_head.bias"][:256] == bias[:256]).all()


def test_a_tied_model_with_a_copy_loses_the_copy(home: Path, tmp_path: Path) -> None:
    tensors = {"model.embed_tokens.weight": embed(), "lm_head.weight": embed()}
    base = variant(home, tmp_path / "base", tensors=tensors)
    transplant(base, home / "target", tmp_path / "out")
    assert set(load_file(tmp_path / "out" / "model.safetensors")) == {"model.embed_tokens.weight"}


def test_ids_in_nested_and_listed_settings_are_mapped(home: Path, tmp_path: Path) -> None:
    config = {"vocab_size": None, "text_config": {"vocab_size": 270, "eos_token_id": [269, 5]}, "image_token_id": 268}
    base = variant(home, tmp_path / "base", config=config)
    generation = {"eos_token_id": [269, 263], "suppress_tokens": [5, 262], "max_length": 9}
    (base / "generation_config.json").write_text(json.dumps(generation), encoding="utf-8")
    transplant(base, home / "target", tmp_path / "out")
    made = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert made["text_config"]["vocab_size"] == 290
    assert made["image_token_id"] == 287
    after = json.loads((tmp_path / "out" / "generation_config.json").read_text(encoding="utf-8"))
    assert after["eos_token_id"][0] == 288
    assert after["suppress_tokens"][0] == 5
    assert after["max_length"] == 9


def test_restoring_gives_the_base_back(home: Path, tmp_path: Path) -> None:
    transplant(home / "base", home / "target", tmp_path / "out")
    counts = restore(tmp_path / "out", home / "base", tmp_path / "back")
    assert counts["from_transplant"] >= 256
    before, after = (load_file(folder / "model.safetensors") for folder in (home / "base", tmp_path / "back"))
    assert {name: values.tobytes() for name, values in before.items()} == {n: v.tobytes() for n, v in after.items()}


def test_another_fine_tune_is_not_taken_for_the_base(home: Path, tmp_path: Path) -> None:
    transplant(home / "base", home / "target", tmp_path / "out")
    tuned = variant(home, tmp_path / "tuned", tensors={"model.embed_tokens.weight": embed() * 3})
    with pytest.raises(UsageError, match=r"embed_tokens\.weight is not the one that the transplant began with"):
        restore(tmp_path / "out", tuned, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_the_rows_can_be_made_again_for_a_fine_tune(home: Path, tmp_path: Path) -> None:
    transplant(home / "base", home / "target", tmp_path / "one")
    tensors = {"model.embed_tokens.weight": embed() * 3}
    tuned = variant(home, tmp_path / "tuned", tensors=tensors)
    transplant(tuned, home / "target", tmp_path / "two", weights=tmp_path / "one")
    transplant(tuned, home / "target", tmp_path / "three")
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("two", "three")]
    assert files[0] == files[1]
    with pytest.raises(UsageError, match="no weights"):
        config = TransplantConfig(pad_to_multiple_of=64)
        transplant(tuned, home / "target", tmp_path / "four", weights=tmp_path / "one", config=config)


def test_a_donor_of_another_tokenizer_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the target's"):
        transplant(home / "base", home / "target", tmp_path / "out", method="omp", donor=home / "base")
    with pytest.raises(UsageError, match="needs the rows of a donor"):
        transplant(home / "base", home / "target", tmp_path / "out", method="omp")


def test_missing_folders_are_named(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing-here"):
        transplant(tmp_path / "nothing-here", home / "target", tmp_path / "out")


def test_custom_code_is_copied_as_a_file_and_stale_weights_are_not(home: Path, tmp_path: Path) -> None:
    base = variant(home, tmp_path / "base")
    (base / "modeling_own.py").write_text("raise SystemExit('executed')", encoding="utf-8")
    (base / "model.gguf").write_bytes(b"old")
    save_file({"x": np.zeros(1)}, base / "other.safetensors")
    transplant(base, home / "target", tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "modeling_own.py" in names
    assert not names & {"model.gguf", "other.safetensors", "tokkit.json"}
