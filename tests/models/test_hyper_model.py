"""A model with hypertokens: layout of logits, training, checkpoints and generation."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.models.tiny_llama import BASE, BEHIND, CODEC, SIZE, rows, tiny
from tokkit.errors import InputError, UsageError
from tokkit.hyper import HypertokenCodec, HypertokenConfig
from tokkit.hyper.examples import examples
from tokkit.hyper.folder import load_model, write_model
from tokkit.hyper.generate import generate
from tokkit.hyper.model import HyperModel
from tokkit.hyper.options import EncoderConfig, TuneConfig
from tokkit.hyper.tune import tune

pytestmark = pytest.mark.models

CONFIG = TuneConfig(steps=6, batch_size=3, row_codes=16, learning_rate=5e-3, warmup=1, held_out=0.1, device="cpu")


def weights(model: HyperModel) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_base_logits_stand_around_those_of_the_hypertokens() -> None:
    model = tiny()
    ids = torch.tensor([[3, 4, 5, 21]])
    # Row 21 of the base model is the code behind all hypertokens.
    codes = torch.where(ids >= BASE, ids + SIZE, ids)
    books = torch.zeros(1, 2, 3, dtype=torch.long)
    books[0, 1] = torch.tensor([3, 4, 0])
    with torch.no_grad():
        logits, _ = model(codes, model.vectors(books))
        wanted = model.base(ids).logits
    assert logits.shape == (1, 4, BASE + SIZE + BEHIND)
    torch.testing.assert_close(logits[..., :BASE], wanted[..., :BASE])
    torch.testing.assert_close(logits[..., BASE + SIZE :], wanted[..., BASE:])
    # The only hypertoken there is begins with id 3, and a new residual encoder gives the vector of the first id.
    torch.testing.assert_close(logits[..., BASE + 1], wanted[..., 3])
    others = [place for place in range(SIZE) if place != 1]
    assert torch.isinf(logits[..., BASE : BASE + SIZE][..., others]).all()


@pytest.mark.parametrize("is_tied", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_output_vectors_come_from_the_output_matrix(is_tied: bool, tied: bool) -> None:
    model = tiny(is_tied=is_tied, tied=tied)
    vectors = model.vectors(torch.tensor([[[5, 6, 0]]]))
    torch.testing.assert_close(vectors.input[0, 0], model.base.get_input_embeddings().weight[5])
    torch.testing.assert_close(vectors.output[0, 0], model.base.get_output_embeddings().weight[5])
    assert (model.output_encoder is None) == tied


def test_hypertokens_are_known_when_a_decoder_has_learnt_them() -> None:
    found = rows()
    assert any(len(row.book) for row in found)
    for row in found:
        decoder = HypertokenCodec(CODEC).row("strict")
        known = []
        for place, code in enumerate(row.codes.tolist()):
            decoder.push([code])
            known += [place] * (len(decoder.codebook()) - len(known))
        # The encoder may have made one more behind the last code.
        assert row.born[: len(known)].tolist() == known
        assert set(row.born[len(known) :].tolist()) <= {len(row.codes)}


def test_rows_hold_all_ids() -> None:
    codec = HypertokenCodec(CODEC)
    ids = np.random.default_rng(1).integers(3, BASE, 150).astype(np.uint32)
    found = examples(codec, [ids[:70], ids[70:]], 9, 2)
    assert [token for row in found for token in codec.decode(row.codes).lists()[0]] == [*ids[:70], 2, *ids[70:]]
    assert sum(row.n_ids for row in found) == 151


def test_training_lowers_the_loss_and_leaves_the_base_alone() -> None:
    model = tiny(kind="transformer")
    before = weights(model)
    tuned = tune(model, rows(), CONFIG.model_copy(update={"steps": 40}))
    assert tuned.before is not None
    assert tuned.after is not None
    assert tuned.after < tuned.before
    changed = {name for name, value in weights(model).items() if not torch.equal(value, before[name])}
    assert changed
    assert not any(name.startswith("base.") for name in changed)


def test_the_base_trains_too_when_asked() -> None:
    model = tiny()
    before = weights(model)
    tune(model, rows(), CONFIG.model_copy(update={"train_base": True}))
    assert any(
        name.startswith("base.") and not torch.equal(value, before[name]) for name, value in weights(model).items()
    )


def test_a_resumed_run_ends_as_one_that_was_not_stopped(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"checkpoint_every": 2})
    whole = tiny()
    wanted = tune(whole, rows(), config)
    halves = tiny()

    def stop(step: int, loss: float) -> None:
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(halves, rows(), config, checkpoint=tmp_path / "checkpoint", report=stop)
    again = tiny()
    found = tune(again, rows(), config, checkpoint=tmp_path / "checkpoint", resume=True)
    assert dataclasses.asdict(found) == dataclasses.asdict(wanted)
    assert all(torch.equal(value, weights(whole)[name]) for name, value in weights(again).items())


def test_a_checkpoint_of_other_options_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    tune(tiny(), rows(), CONFIG.model_copy(update={"checkpoint_every": 2}), checkpoint=folder)
    with pytest.raises(UsageError, match="learning_rate"):
        tune(tiny(), rows(), CONFIG.model_copy(update={"learning_rate": 1.0}), checkpoint=folder, resume=True)
    (folder / "adamw").write_bytes(b"12")
    with pytest.raises(InputError, match="not a whole checkpoint"):
        tune(tiny(), rows(), CONFIG, checkpoint=folder, resume=True)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    model = tiny(kind="transformer")
    model.base.save_pretrained(tmp_path / "base")
    tune(model, rows(), CONFIG)
    write_model(tmp_path, model, EncoderConfig(heads=2, layers=1, kind="transformer"), tmp_path / "base", {})
    again = load_model(tmp_path)
    assert all(torch.equal(value, weights(model)[name]) for name, value in weights(again).items())
    (tmp_path / "hyper.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match="damaged"):
        load_model(tmp_path)


def test_generation_with_a_cache_and_a_batch_gives_what_a_plain_loop_gives() -> None:
    model = tiny(kind="transformer")
    tune(model, rows(), CONFIG.model_copy(update={"steps": 60, "train_base": True}))
    ids = HypertokenCodec(CODEC).decode(rows()[0].codes).lists()[0]
    prompts = [ids[:14], ids[3:9], ids[:1]]
    found = generate(model, prompts, max_codes=12)
    assert any(BASE <= code < BASE + SIZE for written in found for code in written.codes)
    for prompt, written in zip(prompts, found, strict=True):
        assert written.codes == plain(model, prompt, 12)


def plain(model: HyperModel, prompt: list[int], n: int) -> list[int]:
    """No cache, no batch: the whole row again for each code."""
    codec = HypertokenCodec(CODEC)
    start = codec.encode(prompt).lists()[0]
    codes = list(start)
    for _ in range(n):
        book = codec.decode(codes, tolerant=True).codebook().to_array().astype(np.int64)
        with torch.no_grad():
            logits, _ = model(torch.tensor([codes]), model.vectors(torch.from_numpy(book)[None]))
        last = logits[0, -1]
        last[BASE + SIZE :] = -torch.inf
        last[0] = -torch.inf
        codes.append(int(last.argmax()))
    return codes[len(start) :]


def test_the_same_seed_draws_the_same_codes() -> None:
    model = tiny()
    first, again, other = (generate(model, [[3, 4, 5]], max_codes=20, temperature=1.0, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_writing_ends_at_a_stop_id() -> None:
    model = tiny()
    (free,) = generate(model, [[3, 4, 5]], max_codes=8)
    stop = free.codes[2]
    (found,) = generate(model, [[3, 4, 5]], max_codes=8, stop_ids=[stop])
    assert found.codes == free.codes[: free.codes.index(stop)]


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(UsageError, match="prompt is empty"):
        generate(tiny(), [[3], []], max_codes=2)
    base = tiny().base
    with pytest.raises(UsageError, match="the model has 23 rows"):
        HyperModel(base, HypertokenConfig(initial_vocab_size=24, pad_token_id=0), EncoderConfig(heads=2))
    reset = HypertokenCodec(CODEC.model_copy(update={"policy": "reset"}))
    with pytest.raises(UsageError, match="policy freeze"):
        examples(reset, [], 8, None)
