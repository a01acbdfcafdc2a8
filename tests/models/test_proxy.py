"""Proxies: small models trained on each tokenizer, the same bytes for all, the same bits each time."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import tokkit
from tests.golden_models import golden_model

pytest.importorskip("torch")

from tokkit.errors import InputError, TokenizerError, UsageError
from tokkit.evaluate import BASELINES
from tokkit.extrinsic.proxy import evaluate_proxies, passages
from tokkit.extrinsic.proxy_config import Proxy
from tokkit.extrinsic.proxy_model import RARE, START, initial, nats
from tokkit.extrinsic.proxy_train import Trainee, tokens_of
from tokkit.model.tokenizer import Tokenizer

pytestmark = pytest.mark.models
LINES = (Path(__file__).parents[1] / "data" / "stories.txt").read_text(encoding="utf-8").splitlines()
TINY = Proxy(layers=1, width=16, heads=2, context=64, batch=4, steps=12, seeds=2, device="cpu")


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    return Tokenizer.from_model(golden_model("p1_byte_v500", "tokkit"))


def trainee(subject, steps=12, **options):
    config = TINY.model_copy(update=options)
    tokens = tokens_of(subject, passages(LINES, 256), "t", lossy="refuse")
    return Trainee(tokens, subject.vocab_size, config, steps=steps, seed=0, device="cpu"), tokens


def test_probabilities_of_the_whole_vocabulary_sum_to_one():
    import torch

    config, n_rare = TINY, 7
    parameters = initial(5, config, seed=1)
    given = torch.tensor([[START, 3, 2]])
    with torch.no_grad():
        total = sum(
            (n_rare if row == RARE else 1)
            * torch.exp(-nats(parameters, given, torch.full((1, 3), row), config, n_rare=n_rare)).double()
            for row in range(RARE, 5)
        )
    assert total.tolist()[0] == pytest.approx([1.0] * 3, rel=1e-5)


def test_model_does_not_see_what_it_foretells():
    import torch

    parameters = initial(6, TINY, seed=1)
    targets = torch.tensor([[2, 3, 4, 5]])
    with torch.no_grad():
        one = nats(parameters, torch.tensor([[START, 2, 3, 4]]), targets, TINY, n_rare=1)
        other = nats(parameters, torch.tensor([[START, 2, 3, 5]]), targets, TINY, n_rare=1)
    assert torch.equal(one[0, :3], other[0, :3])
    assert not torch.equal(one[0, 3], other[0, 3])


@pytest.mark.parametrize("which", ["bytes", "trained"])
def test_uniform_model_pays_log_v_for_each_token(which, trained):
    subject = trained if which == "trained" else BASELINES["bytes"]()
    model, tokens = trainee(subject)
    got, wanted = model.uniform(tokens)
    assert got == pytest.approx(wanted, rel=1e-5)
    unseen = tokens_of(subject, ["ünseen ☃ letters"], "t", lossy="refuse")
    got, wanted = model.uniform(unseen)
    assert got == pytest.approx(wanted, rel=1e-5)


def test_batches_and_order_of_reading_do_not_change_the_numbers(trained):
    model, tokens = trainee(trained)
    model.train()
    together = model.read(tokens)
    alone = [model.read(tokens_of(trained, [text], "t", lossy="refuse"))[0] for text in passages(LINES, 256)[:5]]
    assert together[:5] == pytest.approx(alone, rel=1e-5)


def test_every_tokenizer_takes_the_same_bytes_in_each_step(trained):
    ours, _ = trainee(trained)
    theirs, _ = trainee(BASELINES["bytes"]())
    assert ours.grid == theirs.grid
    assert sum(window.end - window.first for window in ours.windows.values()) == ours.tokens.n_tokens
    assert len(theirs.windows) == len(theirs.grid)


def test_training_lowers_the_bits(trained):
    model, tokens = trainee(trained, steps=40, rate=0.03)
    before = model.read(tokens).sum()
    model.train()
    after = model.read(tokens).sum()
    assert after < 0.8 * before


def test_interrupted_training_goes_on_to_the_same_bits(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("tokkit.extrinsic.proxy_train._SAVE_EVERY", 5)
    whole, tokens = trainee(trained)
    whole.train()
    broken, _ = trainee(trained)

    def stop(stage, done, total):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.train(state=tmp_path / "kept", progress=stop)
    again, _ = trainee(trained)
    steps = []
    again.train(state=tmp_path / "kept", progress=lambda stage, done, total: steps.append(done))
    assert steps == list(range(6, 13))
    assert np.array_equal(again.read(tokens), whole.read(tokens))
    finished, _ = trainee(trained)
    finished.train(state=tmp_path / "kept", progress=lambda *_: pytest.fail("nothing is left to do"))
    assert np.array_equal(finished.read(tokens), whole.read(tokens))


def test_state_of_another_training_is_refused(trained, tmp_path):
    model, _ = trainee(trained)
    model.train(state=tmp_path / "kept")
    other, _ = trainee(trained, rate=0.01)
    with pytest.raises(UsageError, match="saved by another training"):
        other.train(state=tmp_path / "kept")
    (tmp_path / "kept").write_bytes(b"no such file")
    with pytest.raises(TokenizerError, match="not a saved training"):
        other.train(state=tmp_path / "kept")


def test_results_are_the_same_twice_and_say_what_was_done(trained):
    subjects = {"bytes": BASELINES["bytes"](), "bpe": trained}
    one, two = (evaluate_proxies(subjects, {"s": LINES}, proxy=TINY, threads=1) for _ in range(2))
    assert one.to_json() == two.to_json()
    row = one.row("bpe", "s", "proxy_lm.bits_per_byte")
    assert row.low <= row.value <= row.high
    assert one.value("bytes", "s", "proxy_lm.ratio") == 1.0
    facts = one.manifest["tokenizers"]["bpe"]
    assert len(facts["bits_per_byte"]["s"]) == 2
    assert np.mean(facts["bits_per_byte"]["s"]) == pytest.approx(row.value)
    assert facts["bytes_of_training"] == one.manifest["tokenizers"]["bytes"]["bytes_of_training"]
    assert any("few" in warning for warning in one.warnings)


def test_same_tokenizer_twice_is_a_ratio_of_one(trained):
    results = evaluate_proxies({"a": trained, "b": trained}, {"s": LINES}, proxy=TINY)
    row = results.row("b", "s", "proxy_lm.ratio")
    assert (row.value, row.low, row.high) == (1.0, 1.0, 1.0)


def test_like_arithmetic_gives_each_tokenizer_steps_of_its_own(trained):
    proxy = TINY.model_copy(update={"match": "flops", "seeds": 1})
    results = evaluate_proxies({"bytes": BASELINES["bytes"](), "bpe": trained}, {"s": LINES}, proxy=proxy)
    facts = results.manifest["tokenizers"]
    assert facts["bytes"]["steps"] == 12 != facts["bpe"]["steps"]
    assert facts["bpe"]["flops"] == pytest.approx(facts["bytes"]["flops"], rel=0.1)


def test_too_little_text_and_lossy_tokenizers_are_refused(trained):
    with pytest.raises(InputError, match="too little text to hold some out"):
        evaluate_proxies({"a": trained}, {"s": ["short"]}, proxy=TINY)

    class Lossy(BASELINES["bytes"]):
        def decode(self, ids):
            return super().decode(ids).lower()

    with pytest.raises(InputError, match="changes passage 1"):
        evaluate_proxies({"a": Lossy()}, {"s": LINES}, proxy=TINY)
    penalised = TINY.model_copy(update={"lossy": "penalise"})
    paid = evaluate_proxies({"a": Lossy()}, {"s": LINES}, proxy=penalised).rows[0].value
    assert paid > evaluate_proxies({"a": BASELINES["bytes"]()}, {"s": LINES}, proxy=TINY).rows[0].value
    assert math.isfinite(paid)


def test_command_prints_bits_per_byte_and_keeps_its_trainings(tmp_path):
    (tmp_path / "s.txt").write_text("\n".join(LINES), encoding="utf-8")
    small = ("--layers", 1, "--width", 16, "--heads", 2, "--context", 64, "--steps", 4, "--seeds", 2)
    arguments = ("eval", "bytes", "--proxy-lm", "--on", "s.txt", *small, "--state", "kept", "--json", "-q")
    first = tokkit(*arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    rows = json.loads(first.stdout)["rows"]
    assert [row["metric"] for row in rows] == ["proxy_lm.bits_per_byte@1"]
    assert len(list((tmp_path / "kept").iterdir())) == 2
    assert tokkit(*arguments, cwd=tmp_path).stdout == first.stdout
    odd = tokkit(*arguments, "--width", 18, cwd=tmp_path)
    assert odd.returncode == 2
    assert "width must be a multiple of twice the heads" in odd.stderr
