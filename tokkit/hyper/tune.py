"""Training of hyper-embedding: AdamW on rows of codes, with checkpoints that go on exactly (needs torch).

Loss: cross-entropy of the next code among base ids and the hypertokens known at that place, and a little for reading
base ids back out of hypertokens (zip2zip has such an auxiliary loss; its form there is unpublished).
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tokkit.atomic import atomic_folder
from tokkit.errors import InputError, UsageError
from tokkit.hyper.examples import Example
from tokkit.hyper.folder import chosen_device, put, trained
from tokkit.hyper.model import HyperModel
from tokkit.hyper.options import TuneConfig

_IGNORED: Final = -100
_MOST_READ: Final = 256
# What may differ between the run that wrote a checkpoint and the one that goes on.
_FREE: Final = {"device", "checkpoint_every"}
Report = Callable[[int, float], None]


@dataclass
class Tuned:
    """What a run measured: the loss of each step; nats per base id of the held-out rows before and after."""

    losses: list[float] = field(default_factory=list)
    before: float | None = None
    after: float | None = None


def tune(
    model: HyperModel,
    rows: Sequence[Example],
    config: TuneConfig,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    report: Report | None = None,
) -> Tuned:
    """Trains the hyper-embedding of `model`, in place; the same seed, device and threads give the same weights.

    `checkpoint`: a folder that is written every `checkpoint_every` steps; with `resume` it is gone on from.

    Raises:
        UsageError: no rows, no GPU, or a checkpoint of other options. InputError: a damaged checkpoint.
    """
    n_held = int(len(rows) * config.held_out)
    held, seen = rows[:n_held], rows[n_held:]
    if not seen and config.steps:
        raise UsageError("there is nothing to train on", hint="give more text")
    device = chosen_device(config.device)
    with _deterministic(device):
        run = _Run(model.to(device), config)
        tuned = Tuned()
        if resume and checkpoint is not None and checkpoint.is_dir():
            tuned = run.load(checkpoint)
        elif held:
            tuned.before = run.measure(held)
        model.train()
        for step in range(len(tuned.losses), config.steps):
            tuned.losses.append(run.step(step, [seen[place] for place in _places(config, step, len(seen))]))
            if report is not None:
                report(step + 1, tuned.losses[-1])
            if checkpoint is not None and (step + 1) % config.checkpoint_every == 0:
                run.save(checkpoint, tuned)
        if held:
            tuned.after = run.measure(held)
    model.eval()
    return tuned


def _places(config: TuneConfig, step: int, n: int) -> list[int]:
    """Rows of a step: every epoch has its own order, drawn from the seed alone."""
    wanted = range(step * config.batch_size, (step + 1) * config.batch_size)
    epochs = {at // n for at in wanted}
    orders = {epoch: np.random.default_rng([config.seed, epoch]).permutation(n) for epoch in epochs}
    return [int(orders[at // n][at % n]) for at in wanted]


class _Run:
    def __init__(self, model: HyperModel, config: TuneConfig) -> None:
        self.model, self.config = model, config
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(config.train_base or not name.startswith("base."))
        self.weights = trained(model)
        self.optimizer = torch.optim.AdamW(
            self.weights.values(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    def step(self, step: int, rows: Sequence[Example]) -> float:
        """One step of AdamW; the loss before it."""
        config = self.config
        rate = min((step + 1) / max(1, config.warmup), 1.0) * (1 - step / config.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * rate
        nats, n_codes, vectors, books = self._nats(rows)
        loss = nats / max(1, n_codes)
        if config.reading:
            draws = torch.Generator().manual_seed((config.seed * 1_000_003 + step) % 2**63)
            loss = loss + config.reading * self._reading(vectors.input, books, draws)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def measure(self, rows: Sequence[Example]) -> float:
        """Nats per base id, the first of each row not counted."""
        self.model.eval()
        nats, n_ids = 0.0, 0
        with torch.no_grad():
            for start in range(0, len(rows), self.config.batch_size):
                batch = rows[start : start + self.config.batch_size]
                nats += float(self._nats(batch)[0])
                n_ids += sum(row.n_ids - 1 for row in batch)
        self.model.train()
        return nats / max(1, n_ids)

    def _nats(self, rows: Sequence[Example]) -> tuple[Tensor, int, Any, Tensor]:
        pad, first = self.model.codec.pad_token_id, self.model.codec.initial_vocab_size
        length, n = max(len(row.codes) for row in rows), max(len(row.book) for row in rows)
        codes = torch.full((len(rows), length), pad)
        mask = torch.zeros(len(rows), length, dtype=torch.long)
        books = torch.full((len(rows), n, self.model.codec.max_subtokens), pad)
        born = torch.full((len(rows), n), length)
        for number, row in enumerate(rows):
            codes[number, : len(row.codes)], mask[number, : len(row.codes)] = torch.from_numpy(row.codes), 1
            books[number, : len(row.book)] = torch.from_numpy(row.book)
            born[number, : len(row.born)] = torch.from_numpy(row.born)
        codes, mask, books, born = (part.to(self.model.device) for part in (codes, mask, books, born))
        vectors = self.model.vectors(books)
        places = torch.arange(length, device=codes.device)
        is_known = born.unsqueeze(1) <= places[None, :, None]
        logits, _ = self.model(codes, vectors, attention_mask=mask, is_known=is_known)
        labels = codes[:, 1:].masked_fill(mask[:, 1:] == 0, _IGNORED)
        # A code that makes the hypertoken it stands for cannot be foretold: it is read, never learnt.
        at = (labels - first).clamp(0, max(0, n - 1))
        if n:
            is_new = (labels >= first) & (labels < first + n) & (born.gather(1, at) > places[None, :-1])
            labels = labels.masked_fill(is_new, _IGNORED)
        nats = torch.nn.functional.cross_entropy(
            logits[:, :-1].float().transpose(1, 2), labels, ignore_index=_IGNORED, reduction="sum"
        )
        return nats, int((labels != _IGNORED).sum()), vectors, books

    def _reading(self, vectors: Tensor, books: Tensor, draws: torch.Generator) -> Tensor:
        is_real = books != self.model.codec.pad_token_id
        there = is_real.any(-1).nonzero()
        if not len(there):
            return vectors.new_zeros(())
        # Some of them: the logits of all would need more memory than the rest of the step.
        drawn = torch.randperm(len(there), generator=draws)[:_MOST_READ].to(there.device)
        rows, places = there[drawn].unbind(1)
        logits = self.model.read_back(vectors[rows, places]).float()
        labels = books[rows, places].masked_fill(~is_real[rows, places], _IGNORED)
        return torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=_IGNORED)

    def save(self, folder: Path, tuned: Tuned) -> None:
        """Everything that going on needs; no pickle."""
        state = {
            f"{name}.{kind}": value.detach().cpu().clone()
            for name, parameter in self.weights.items()
            for kind, value in self.optimizer.state[parameter].items()
        }
        about = {"config": self._options(), "losses": tuned.losses, "before": tuned.before}
        with atomic_folder(folder, overwrite=True) as temporary:
            save_file({name: value.detach().cpu().clone() for name, value in self.weights.items()}, temporary / "w")
            save_file(state, temporary / "adamw")
            (temporary / "state.json").write_text(json.dumps(about), encoding="utf-8")

    def load(self, folder: Path) -> Tuned:
        """Takes everything back; what was measured so far."""
        try:
            about = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            weights, state = load_file(folder / "w"), load_file(folder / "adamw")
            tuned = Tuned(list(about["losses"]), about["before"])
            written = about["config"]
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise InputError(
                f"{folder}: not a whole checkpoint: {error}", hint="start again without --resume"
            ) from None
        for name, value in self._options().items():
            if written.get(name) != value:
                raise UsageError(
                    f"{folder}: the checkpoint has {name} {written.get(name)!r}, now it is {value!r}",
                    hint="give the same options, or start again without --resume",
                )
        put(self.model, weights, folder / "w")
        for name, parameter in self.weights.items():
            kinds = {
                kind: state[f"{name}.{kind}"] for kind in ("step", "exp_avg", "exp_avg_sq") if f"{name}.{kind}" in state
            }
            self.optimizer.state[parameter] = {
                kind: value if kind == "step" else value.to(parameter.device) for kind, value in kinds.items()
            }
        return tuned

    def _options(self) -> dict[str, object]:
        codec = self.model.codec.model_dump(mode="json")
        encoder = self.model.input_encoder.config.model_dump(mode="json")
        return {**codec, **encoder, **self.config.model_dump(mode="json", exclude=_FREE)}


@contextmanager
def _deterministic(device: str) -> Iterator[None]:
    was_on, only_warns = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    if device == "cuda":
        # cuBLAS reads it when it is first used.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=device == "cuda")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was_on, warn_only=only_warns)
