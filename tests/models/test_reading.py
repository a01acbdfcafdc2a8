"""Bits per byte of a real small model: against a forward pass in numpy, whatever the windows and batches."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import tokkit
from tests.models_folder import models_folder
from tests.oracles.llama import Llama, bits_per_byte
from tokkit.errors import InputError, TokenizerError
from tokkit.extrinsic.causal import load_causal
from tokkit.extrinsic.config import Reading
from tokkit.extrinsic.evaluate import evaluate_models
from tokkit.extrinsic.measure import measure, penalty
from tokkit.metrics.perplexity import uniform_bits_per_byte

BASE = models_folder() / "stories260K"
STORIES = (Path(__file__).parents[1] / "data" / "stories.txt").read_text(encoding="utf-8").splitlines()
pytestmark = [pytest.mark.models, pytest.mark.skipif(not BASE.is_dir(), reason="no stories260K here")]
ONE_WINDOW = Reading(context=4096, stride=4096)


@pytest.fixture(scope="module")
def model():
    return load_causal(BASE, device="cpu")


def test_one_window_is_what_the_forward_pass_in_numpy_says(model):
    short = [text[:900] for text in STORIES]
    found = measure(model, short, ONE_WINDOW)
    wanted = bits_per_byte(Llama(BASE), short, [[1, *model.tokenizer.encode(text)] for text in short])
    assert found.cut == 0
    assert found.total.bits_per_byte == pytest.approx(wanted, rel=1e-4)


def test_windows_with_a_stride_are_what_numpy_says_of_each_token(model):
    text, context, stride = STORIES[0][:420], 150, 50
    made = model.tokenizer.encode_offsets(text)
    ids, starts = list(made.ids), [start for start, _ in made.byte_offsets]
    judge, nats = Llama(BASE), 0.0
    for place, start in enumerate(starts):
        floor = (start // stride + 1) * stride - context
        scored = next(n for n in range(len(starts)) if starts[n] // stride == start // stride)
        first = min(next(n for n in range(len(starts)) if starts[n] >= floor), max(0, scored - 1))
        before = judge.nats([1, *ids[first:place]]) if place > first else 0.0
        nats += judge.nats([1, *ids[first : place + 1]]) - before
    found = measure(model, [text], Reading(context=context, stride=stride))
    assert found.n_windows == -(-len(text.encode()) // stride)
    assert found.total.nats == pytest.approx(nats, rel=1e-3)


def test_more_context_reads_better_and_a_cut_is_told(model):
    text = ["\n".join(STORIES[:4])]
    little = measure(model, text, Reading(context=64, stride=64))
    more = measure(model, text, Reading(context=800, stride=200))
    assert more.total.bits_per_byte < little.total.bits_per_byte
    assert (little.cut, more.cut) == (0, 0)
    assert measure(model, text, Reading(context=8192, stride=8192)).cut > 0


def test_a_model_without_knowledge_gets_the_uniform_number(model):
    import torch

    blind = load_causal(BASE, device="cpu")
    with torch.no_grad():
        blind.network.model.norm.weight.zero_()
    found = measure(blind, STORIES[:2], ONE_WINDOW).total
    assert found.bits_per_byte == pytest.approx(uniform_bits_per_byte(512, found.tokens, found.bytes), rel=1e-6)
    assert math.isclose(found.perplexity("tokens"), 512, rel_tol=1e-5)


def test_lost_text_is_refused_or_paid_for(tmp_path):
    import shutil

    folder = tmp_path / "lossy"
    shutil.copytree(BASE, folder)
    (folder / "tokenizer.json").chmod(0o644)
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    content["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, content["normalizer"]]}
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    lossy = load_causal(folder, device="cpu")
    with pytest.raises(InputError, match="document 1: the tokenizer changes it at character 0"):
        measure(lossy, ["Once\nupon a time"], ONE_WINDOW)
    paid = measure(lossy, ["Once\nupon a time"], Reading(lossy="penalise"))
    free = measure(lossy, ["once\nupon a time"], ONE_WINDOW)
    assert paid.lost == 1
    assert paid.total.nats - free.total.nats == pytest.approx(5 * 8 * math.log(2))


def test_what_lines_cost():
    assert penalty("a\nb", "a\nb") == 0
    assert penalty("ab\ncd", "ab\ncx") == pytest.approx(3 * 8 * math.log(2))
    assert penalty("ab\ncd", "ab") == pytest.approx(5 * 8 * math.log(2))


def test_batches_change_nothing(model, monkeypatch):
    texts = [text[: 50 + 40 * place] for place, text in enumerate(STORIES)]
    together = measure(model, texts, ONE_WINDOW)
    monkeypatch.setattr("tokkit.extrinsic.measure._NUMBERS", 1)
    alone = measure(model, texts, ONE_WINDOW)
    np.testing.assert_allclose([d.nats for d in together.documents], [d.nats for d in alone.documents], rtol=1e-4)


def test_results_have_intervals_and_a_manifest():
    found = evaluate_models({"m": BASE}, {"s": [text[:300] for text in STORIES]}, intervals=True)
    row = found.row("m", "s", "bits_per_byte")
    assert row.low is not None
    assert row.low < row.value < row.high
    assert found.value("m", "s", "byte_perplexity") == pytest.approx(2**row.value)
    assert found.manifest["models"]["m"]["prefix"] == 1


def test_a_masked_model_is_refused(tmp_path):
    from transformers import BertConfig, BertLMHeadModel

    from tests import tiny_models

    tiny_models.tokenizer(tmp_path / "bert", "the cat sat on the mat " * 5, 270)
    config = BertConfig(
        vocab_size=270, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    BertLMHeadModel(config).save_pretrained(tmp_path / "bert")
    with pytest.raises(TokenizerError, match="not a causal model"):
        load_causal(tmp_path / "bert", device="cpu")


def test_code_in_a_folder_is_never_run(tmp_path):
    import shutil

    folder = tmp_path / "code"
    shutil.copytree(BASE, folder)
    (folder / "config.json").chmod(0o644)
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    auto = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    content |= {"model_type": "evil", "architectures": ["Evil"], "auto_map": auto}
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n", encoding="utf-8")
    with pytest.raises(TokenizerError, match="cannot run this model") as caught:
        load_causal(folder, device="cpu")
    assert caught.value.hint is not None
    assert not (tmp_path / "ran").exists()


def test_the_command_line(tmp_path):
    (tmp_path / "s.txt").write_text("\n".join(STORIES[:2]), encoding="utf-8")
    done = tokkit("eval", "--model", f"small={BASE}", "s.txt", "--json", "--gate", "bits_per_byte<=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {row["metric"]: row["value"] for row in json.loads(done.stdout)["rows"]}
    assert 0.4 < rows["bits_per_byte@1"] < 1.2
    assert tokkit("eval", "--model", BASE, "s.txt", "--gate", "bits_per_byte<=0.1", cwd=tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--model", "nowhere", "s.txt"), 3, "no such folder"),
        (("--model", BASE), 2, "no text is given"),
        (("--model", BASE, "none.txt"), 3, "none.txt"),
        (("--model", BASE, "empty.txt"), 3, "no text"),
        (("--model", BASE, "s.txt", "--suite", "core@1"), 2, "measure tokenizers"),
        (("--model", BASE, "s.txt", "--metric", "fertility.ws"), 2, "a model gives no"),
        (("--model", BASE, "s.txt", "--stride", "4096"), 2, "stride must be no more"),
        (("--model", BASE, "--model", BASE, "s.txt"), 2, "two models"),
        (("--model", "pickle", "s.txt"), 4, "pickled weights"),
    ],
)
def test_bad_arguments_name_themselves(tmp_path, arguments, code, words):
    (tmp_path / "s.txt").write_text("Once upon a time", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    (tmp_path / "pickle").mkdir()
    (tmp_path / "pickle" / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "pickle" / "pytorch_model.bin").write_bytes(b"x")
    done = tokkit("eval", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_config_of_wrong_types_is_told(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for file in BASE.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": "wide"}), encoding="utf-8")
    with pytest.raises(TokenizerError, match="hidden_size"):
        load_causal(folder, device="cpu")
