"""Transplants in torch: the order of methods on a real small model, training of rows, the forward pass, the probe."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import tokkit
from tests import tiny_models
from tests.cli.command import tokkit as run
from tests.models_folder import models_folder
from tokkit import artifact
from tokkit.corpus import texts
from tokkit.errors import UsageError
from tokkit.extrinsic.causal import load_causal
from tokkit.extrinsic.config import Reading
from tokkit.extrinsic.forward import forward_check
from tokkit.extrinsic.measure import measure
from tokkit.extrinsic.rows import RowTrainer
from tokkit.transplant.checkpoint import open_checkpoint
from tokkit.transplant.config import TransplantConfig
from tokkit.transplant.run import transplant

BASE = models_folder() / "stories260K"
LINES = (Path(__file__).parents[1] / "data" / "stories.txt").read_text(encoding="utf-8").splitlines()
TABLE = "model.embed_tokens.weight"
QUIET = TransplantConfig(forward="off")
pytestmark = [pytest.mark.models, pytest.mark.skipif(not BASE.is_dir(), reason="no stories260K here")]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """`train.txt`: stories that the model tells, `tok`: 700 tokens learnt from them, `read.txt`: other stories."""
    home = tmp_path_factory.mktemp("transplanted")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    teller = load_causal(BASE, device="cpu")
    told = teller.network.generate(torch.full((16, 1), 1), do_sample=True, max_new_tokens=250, pad_token_id=0)
    stories = [teller.tokenizer.decode([number for number in row if number > 2]) for row in told.tolist()]
    artifact.save(tokkit.train(texts(stories), vocab_size=700, special_tokens=("<s>", "</s>")), home / "tok")
    (home / "train.txt").write_text("\n".join(stories), encoding="utf-8")
    (home / "read.txt").write_text("\n".join(LINES), encoding="utf-8")
    return home


def command(*arguments, cwd):
    """One thread: many do nothing but wait for each other on models this small."""
    return run("transplant", *arguments, "-j", 1, cwd=cwd)


def bits(folder, documents=LINES):
    return measure(load_causal(folder, device="cpu"), documents, Reading()).total.bits_per_byte


def test_auto_beats_mean_beats_random(home):
    found = {}
    for method in ("auto", "mean", "random"):
        transplant(BASE, home / "tok", home / method, method=method, config=QUIET)
        found[method] = bits(home / method)
    assert found["auto"] < found["mean"] < found["random"], found
    assert bits(BASE) < found["auto"]


def test_distilled_rows_read_better_than_composed_ones(home):
    options = {"corpus": home / "train.txt", "steps": 40, "device": "cpu"}
    report = transplant(BASE, home / "tok", home / "distilled", method="distill", options=options, config=QUIET)
    transplant(BASE, home / "tok", home / "composed", config=QUIET)
    assert report.methods[TABLE]["distill"] > 100
    assert bits(home / "distilled") < bits(home / "composed") - 0.05
    body = open_checkpoint(BASE)
    for name in body.tensors:  # nothing but the table moved, and of it no copied row
        if name != TABLE:
            assert (open_checkpoint(home / "distilled").read(name) == body.read(name)).all(), name
    transplant(BASE, home / "tok", home / "again", weights=home / "distilled", config=QUIET)
    assert (home / "again/model.safetensors").read_bytes() == (home / "distilled/model.safetensors").read_bytes()


def test_damping_spares_rows_that_hardly_get_a_gradient():
    """Plain Adam moves each number by the rate, however small its gradient is; damped, in proportion."""
    gradient = torch.tensor([[1.0, -1.0], [1e-3, 1e-3], [0.0, 0.0]])
    moved = {}
    for damping in (0.0, 1.0):
        network = torch.nn.Module()
        network.table = torch.nn.Embedding.from_pretrained(torch.ones(3, 2))
        network.get_input_embeddings = lambda network=network: network.table
        network.get_output_embeddings = lambda: None
        trainer = RowTrainer(network, None, rate=0.1, steps=1, damping=damping)
        trainer.step((network.table.weight * gradient).sum())
        moved[damping] = (trainer.trained()["in"] - 1).tolist()
    flat = pytest.approx
    assert moved[0.0] == [flat([-0.1, 0.1]), flat([-0.1, -0.1], rel=1e-3), [0, 0]]
    scale = 0.1 / (1 + (1 + 1e-6) / 3) ** 0.5
    assert moved[1.0] == [flat([-scale, scale]), flat([-0.1 * 1e-3 / (1 / 3) ** 0.5] * 2, rel=1e-3), [0, 0]]


def test_an_interrupted_distillation_goes_on_with_the_same_bits(home, tmp_path):
    options = {"corpus": home / "train.txt", "steps": 30, "batch": 2, "device": "cpu"}
    transplant(BASE, home / "tok", tmp_path / "whole", method="distill", options=options, config=QUIET)

    def stop(stage, done, total):
        if stage == "distil" and done == 27:
            raise KeyboardInterrupt

    saved = {**options, "state": tmp_path / "state.safetensors"}
    with pytest.raises(KeyboardInterrupt):
        transplant(BASE, home / "tok", tmp_path / "x", method="distill", options=saved, config=QUIET, progress=stop)
    transplant(BASE, home / "tok", tmp_path / "resumed", method="distill", options=saved, config=QUIET)
    whole, resumed = (open_checkpoint(tmp_path / name).read(TABLE) for name in ("whole", "resumed"))
    np.testing.assert_array_equal(whole, resumed)
    with pytest.raises(UsageError, match="saved by another training"):
        transplant(BASE, home / "tok", tmp_path / "y", method="distill", options={**saved, "steps": 31}, config=QUIET)


def test_an_untied_model_gets_both_matrices(home, tmp_path):
    options = {"corpus": home / "train.txt", "steps": 10, "device": "cpu"}
    config = TransplantConfig(untie=True, forward="off")
    report = transplant(BASE, home / "tok", tmp_path / "two", method="distill", options=options, config=config)
    assert {name: "distill" in made for name, made in report.methods.items()} == {TABLE: True, "lm_head.weight": True}
    made = open_checkpoint(tmp_path / "two")
    assert not np.array_equal(made.read(TABLE), made.read("lm_head.weight"))
    assert bits(tmp_path / "two") < 4


def test_distill_without_a_text_says_so(home, tmp_path):
    done = command(BASE, home / "tok", "-o", tmp_path / "x", "--method", "distill", cwd=tmp_path)
    assert done.returncode == 2
    assert "--corpus FILE" in done.stderr
    assert not (tmp_path / "x").exists()


def test_the_forward_pass_is_in_the_report(home, tmp_path):
    arguments = ("--sample", home / "read.txt", "--json")
    done = command(BASE, home / "tok", "-o", "made", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["forward"]
    assert 0.4 < found["bits_per_byte"]["base"] < found["bits_per_byte"]["result"] < 4
    assert found["sample_bytes"] == (home / "read.txt").stat().st_size
    assert forward_check(BASE, BASE, "off").note == "left out (--forward off)"


def test_a_base_that_cannot_run_is_no_failure_by_default(home, tmp_path):
    tiny_models.model(tiny_models.tokenizer(tmp_path / "base", LINES[0], 300), 300)
    plain = command("base", home / "tok", "-o", "made", cwd=tmp_path)
    assert plain.returncode == 0, plain.stderr
    assert "left out, the base model does not run" in plain.stderr
    assert command("base", home / "tok", "-o", "two", "--forward", "on", cwd=tmp_path).returncode == 4


def test_the_probe_chooses_what_reads_best_after_training(home, tmp_path):
    probe = ("--cpt-probe", "8", "--probe-text", home / "train.txt", "--candidates", "random,auto,mean")
    done = command(BASE, home / "tok", "-o", "made", *probe, "--forward", "off", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["probe"][0]["method"] == found["method"] == "auto"
    assert all(row["bits_per_byte_after"] < row["bits_per_byte_before"] for row in found["probe"])
    last = found["probe"][-1]["behind"]
    assert last["low"] <= last["value"] <= last["high"]
    transplant(BASE, home / "tok", tmp_path / "plain", config=QUIET)  # the probe's training leaves no trace
    assert (tmp_path / "made/model.safetensors").read_bytes() == (tmp_path / "plain/model.safetensors").read_bytes()


def test_the_probe_tries_the_methods_that_learnt_vectors_allow(home, tmp_path):
    probe = ("--cpt-probe", "2", "--probe-text", home / "read.txt", "--learn-from", home / "read.txt")
    done = command(BASE, home / "tok", "-o", "made", *probe, "--forward", "off", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {row["method"] for row in found["probe"]} > {"auto", "focus", "tokenadapt"}
    assert found["method"] == found["probe"][0]["method"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--cpt-probe", "8"), "--probe-text FILE"),
        (("--probe-text", "a.txt"), "--cpt-probe N"),
        (("--cpt-probe", "8", "--probe-text", "a.txt", "--method", "mean"), "chooses the method"),
        (("--cpt-probe", "8", "--probe-text", "a.txt", "--candidates", "nope"), "unknown transplant method"),
        (("--cpt-probe", "8", "--probe-text", "a.txt", "--candidates", ","), "names no method"),
        (("--cpt-probe", "0", "--probe-text", "a.txt"), "0"),
    ],
)
def test_bad_probes_name_themselves(home, tmp_path, arguments, words):
    (tmp_path / "a.txt").write_text("short", encoding="utf-8")
    done = command(BASE, home / "tok", "-o", "made", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
