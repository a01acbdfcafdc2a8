"""Continued-pretraining probe: which new rows learn best, since their quality before any training tells little.

arXiv 2608.03494: bits per byte right after a transplant rank methods otherwise than training does; about 50 steps are a
cheap and reliable selector. Only rows of the vocabulary move, all of them; the body is frozen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from tokkit.errors import InputError
from tokkit.extrinsic.causal import CausalModel, load_causal
from tokkit.extrinsic.config import Device, Reading
from tokkit.extrinsic.measure import Measured, measure
from tokkit.extrinsic.rows import RowTrainer, batch_of, next_token_loss, snippets, train_rows
from tokkit.progress import Progress, silent
from tokkit.spec import Spec

_HELD_OUT: Final = 8
"""Every so many snippets one is not trained on, but read."""


class Probing(Spec):
    """How a probe trains and reads."""

    steps: int = Field(50, ge=0, le=100_000, description="training steps on the vocabulary rows")
    batch: int = Field(4, ge=1, le=4096, description="snippets of a step")
    snippet: int = Field(512, ge=32, le=1 << 20, description="bytes of a snippet")
    rate: float = Field(0.01, gt=0, le=1, description="size of a step as a share of the table's root mean square")
    damping: float = Field(1.0, ge=0, description="how much less rows move that hardly occur; 0 is plain Adam")
    held_out: int = Field(16_384, ge=256, description="bytes of text to read, never trained on")
    device: Device = Field("auto", description="where the model runs; auto takes a GPU if there is one")
    dtype: str = Field("float32", pattern="^(float32|bfloat16|float16)$", description="numbers the model runs in")


@dataclass(frozen=True)
class Probed:
    """What a model made of the held-out text before and after training."""

    before: Measured
    after: Measured


def split(documents: Sequence[str], probing: Probing) -> tuple[list[str], list[str]]:
    """(snippets to train on, snippets to read): one in eight is held out, up to the number of bytes wanted.

    Raises:
        InputError: too little text for both.
    """
    pieces = snippets(documents, probing.snippet)
    read: list[str] = []
    train: list[str] = []
    size = 0
    for place, piece in enumerate(pieces):
        if place % _HELD_OUT == 0 and size < probing.held_out:
            read.append(piece)
            size += len(piece.encode())
        else:
            train.append(piece)
    if not train or not read:
        raise InputError(
            f"the text has {len(pieces)} snippets of {probing.snippet} bytes, at least 2 are needed to train and read",
            hint="give more text",
        )
    return train, read


def probe(
    folder: Path,
    train: Sequence[str],
    read: Sequence[str],
    probing: Probing,
    *,
    seed: int = 0,
    threads: int = 0,
    progress: Progress = silent,
) -> Probed:
    """Reads `read`, trains on `train`, reads again; the folder stays as it is.

    Raises:
        MissingExtraError, TokenizerError, InputError: as `load_causal` and `measure`.
    """
    model = load_causal(folder, device=probing.device, dtype=probing.dtype, threads=threads)
    reading = Reading(context=max(2048, probing.snippet), stride=max(1024, probing.snippet), lossy="penalise")
    before = measure(model, read, reading, progress=progress)
    if not probing.steps:
        return Probed(before, before)
    continue_training(model, train, probing, seed=seed, progress=progress)
    return Probed(before, measure(model, read, reading, progress=progress))


def continue_training(
    model: CausalModel, train: Sequence[str], probing: Probing, *, seed: int, progress: Progress = silent
) -> None:
    """Next-token training of all vocabulary rows of a loaded model, in place."""
    head = [] if model.prefix is None else [model.prefix]
    most = model.limit or (1 << 30)
    trainer = RowTrainer(model.network, None, rate=probing.rate, steps=probing.steps, damping=probing.damping)

    def loss(step: int) -> Any:
        chosen = batch_of(step, n=len(train), size=probing.batch, seed=seed)
        rows = [[*head, *model.tokenizer.encode(train[place])][:most] for place in chosen]
        return next_token_loss(trained_logits(model, rows), rows, skip=1)

    train_rows(trainer, loss, progress=progress, stage="probe")


def trained_logits(model: CausalModel, rows: Sequence[Sequence[int]]) -> Any:
    """As `CausalModel.logits`, with gradients."""
    ids, seen = model.batch(rows)
    return model.network(input_ids=ids, attention_mask=seen, use_cache=False).logits
