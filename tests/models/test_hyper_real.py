"""Hypertokens on a small real model, and through the command line."""

import json
from pathlib import Path

import pytest
import torch

from tests.cli.command import PROJECT, tokkit
from tests.models_folder import models_folder
from tokkit.hyper import HypertokenConfig
from tokkit.hyper.folder import load_base
from tokkit.hyper.generate import generate
from tokkit.hyper.model import HyperModel
from tokkit.hyper.options import EncoderConfig
from tokkit.load import load_tokenizer

pytestmark = pytest.mark.models

STORIES = PROJECT / "tests" / "data" / "stories.txt"
PROMPT = "Once upon a time"
TUNE = ("--codebook-size", 64, "--max-subtokens", 3, "--row-codes", 64, "--batch-size", 2, "--held-out", 0.2, "-j", 1)


@pytest.fixture
def real() -> Path:
    folder = models_folder() / "stories260K"
    if not folder.is_dir():
        pytest.skip("no stories260K here")
    return folder


def test_without_hypertokens_the_model_writes_as_before(real: Path) -> None:
    base = load_base(real)
    codec = HypertokenConfig(initial_vocab_size=512, max_codebook_size=0, pad_token_id=2)
    model = HyperModel(base, codec, EncoderConfig())
    prompt = [1, *load_tokenizer(str(real)).encode(PROMPT)]
    with torch.no_grad():
        wanted = base.generate(torch.tensor([prompt]), max_new_tokens=40, do_sample=False, pad_token_id=2)[0].tolist()
    (found,) = generate(model, [prompt], max_codes=40, stop_ids=[2])
    assert [*prompt, *found.ids] == [token for token in wanted if token != 2]


def test_a_real_model_is_tuned_and_writes(real: Path, tmp_path: Path) -> None:
    made = tokkit("hyper", "tune", real, STORIES, "-o", "tuned", *TUNE, "--steps", 12, "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    report = json.loads(made.stdout)
    assert report["codes"] < report["ids"]
    assert report["nats_per_id"]["after"] < report["nats_per_id"]["before"]
    assert not (tmp_path / "tuned" / "checkpoint").exists()
    written = tokkit("hyper", "generate", "tuned", "--max-codes", 20, cwd=tmp_path, text=PROMPT + "\n")
    assert written.returncode == 0, written.stderr
    assert written.stdout.startswith(PROMPT + ",")
    as_json = tokkit("hyper", "generate", "tuned", "--max-codes", 20, "--json", cwd=tmp_path, text=PROMPT + "\n")
    (document,) = json.loads(as_json.stdout)["documents"]
    assert document["prompt"] + document["text"] + "\n" == written.stdout


def test_tune_says_what_is_wrong(real: Path, tmp_path: Path) -> None:
    def said(*arguments: object) -> tuple[int, str]:
        found = tokkit("hyper", *arguments, cwd=tmp_path)
        assert "Traceback" not in found.stderr
        return found.returncode, found.stderr

    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "there").mkdir()
    assert said("tune", real, STORIES) == (2, "error: -o/--output: tune needs it, no other action has it\n")
    assert said("tune", real, STORIES, "-o", "there")[0] == 2
    assert said("tune", real, STORIES, "-o", "x", "--learning-rate", "-1")[0] == 2
    assert said("tune", real, STORIES, "-o", "x", "--heads", "5")[0] == 2
    assert said("tune", real, STORIES, "-o", "x", "--policy", "lru")[0] == 2
    assert said("tune", real, "missing.txt", "-o", "x")[0] == 3
    code, message = said("tune", real, "empty.txt", "-o", "x")
    assert (code, "nothing to train on" in message) == (2, True)
    assert said("generate", "there")[0] == 3
    assert said("generate", "nowhere")[0] == 3
