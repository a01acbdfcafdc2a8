"""Token distillation: rows for which the model thinks of the new tokens what it thought of their old spelling.

Dobler, Elliott, de Melo 2025 (arXiv 2505.20133). Teacher: the base model on the base's tokens; student: the same body
on the new tokens. At every place where a token of both ends, the student's last hidden state must be the teacher's:
loss = mean |h - t|^2 / mean |t|^2. Next-token training of the new vocabulary is added at the same size (factor `ce`),
which is what teaches output rows. Only new rows move.
Deviations: whole snippets are spelled with the new tokenizer, where the authors swap one token a snippet; with
thousands of new tokens each step then teaches dozens of them. Snippets come from a text, they are not generated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.errors import InputError
from tokkit.extrinsic.causal import CausalModel, load_causal
from tokkit.extrinsic.config import Device
from tokkit.extrinsic.rows import RowTrainer, Side, batch_of, digest_of, next_token_loss, snippets, train_rows
from tokkit.progress import Progress, silent
from tokkit.spec import Spec

if TYPE_CHECKING:
    from tokkit.load.any import AnyTokenizer


class Distillation(Spec):
    """How long and on what a distillation trains."""

    corpus: Path | None = Field(None, description="text to learn on, anything that `tokkit train` reads; required")
    steps: int = Field(300, ge=1, le=1_000_000, description="training steps")
    batch: int = Field(8, ge=1, le=4096, description="snippets of a step")
    snippet: int = Field(256, ge=32, le=1 << 20, description="bytes of a snippet")
    rate: float = Field(0.06, gt=0, le=1, description="size of a step as a share of the table's root mean square")
    damping: float = Field(1.0, ge=0, description="how much less rows move that hardly occur; 0 is plain Adam")
    ce: float = Field(1.0, ge=0, le=100, description="weight of next-token training beside the distillation; 0 is none")
    state: Path | None = Field(None, description="file to save to every 25 steps and, if it is there, to go on from")
    device: Device = Field("auto", description="where the model runs; auto takes a GPU if there is one")
    dtype: str = Field("float32", pattern="^(float32|bfloat16|float16)$", description="numbers the model runs in")


@dataclass(frozen=True)
class Pair:
    """A snippet in both spellings, and places in each at which a token of both ends."""

    teacher: tuple[int, ...]
    student: tuple[int, ...]
    in_teacher: tuple[int, ...]
    in_student: tuple[int, ...]


def pair(text: str, base: "AnyTokenizer", target: "AnyTokenizer") -> Pair:
    """The alignment of a text; places count tokens from 0."""
    ours, theirs = target.encode_offsets(text), base.encode_offsets(text)
    # The last token that ends at a byte: tokens inside of a character all end at its end in some libraries.
    ends = {int(end): place for place, (_, end) in enumerate(theirs.byte_offsets)}
    mine = {int(end): place for place, (_, end) in enumerate(ours.byte_offsets)}
    common = sorted(end for end in mine if end in ends)
    return Pair(
        tuple(int(number) for number in theirs.ids),
        tuple(int(number) for number in ours.ids),
        tuple(ends[end] for end in common),
        tuple(mine[end] for end in common),
    )


def distil(
    base: Path,
    composed: Path,
    new_ids: NDArray[np.int64],
    documents: Sequence[str],
    options: Distillation,
    *,
    seed: int = 0,
    threads: int = 0,
    progress: Progress = silent,
) -> dict[Side, NDArray[np.float32]]:
    """Trained rows of `new_ids` by side (`out` only where untied). `composed` is the base with first new rows.

    Raises:
        MissingExtraError: no torch. InputError: no text. UsageError: `state` belongs to another training.
        TokenizerError: the model is no sound causal model.
    """
    pieces = snippets(documents, options.snippet)
    if not pieces:
        raise InputError(f"{options.corpus}: has no text to learn on")
    teacher = load_causal(base, device=options.device, dtype=options.dtype, threads=threads)
    student = load_causal(composed, device=options.device, dtype=options.dtype, threads=threads)
    _share_body(teacher, student)
    trainer = RowTrainer(student.network, new_ids, rate=options.rate, steps=options.steps, damping=options.damping)
    plain = options.model_dump(mode="json", exclude={"state", "corpus", "device"})
    begin = b"".join(rows.tobytes() for rows in trainer.trained().values())
    key = digest_of(plain, seed, new_ids.tobytes(), "\0".join(pieces).encode(), begin)

    def loss(step: int) -> Any:
        chosen = batch_of(step, n=len(pieces), size=options.batch, seed=seed)
        return _loss([pair(pieces[n], teacher.tokenizer, student.tokenizer) for n in chosen], teacher, student, options)

    train_rows(trainer, loss, state=options.state, key=key, progress=progress, stage="distil")
    return trainer.trained()


def _share_body(teacher: CausalModel, student: CausalModel) -> None:
    """One copy of all that isn't a table: the bodies are the same bytes."""
    import torch

    wanted = dict(student.network.named_parameters())
    tables = {id(module.weight) for module in (student.network.get_input_embeddings(),)}
    head = student.network.get_output_embeddings()
    tables |= {id(head.weight)} if head is not None else set()
    for name, parameter in teacher.network.named_parameters():
        same = wanted.get(name)
        if same is not None and id(same) not in tables and torch.equal(same, parameter):
            parameter.data = same.data


def _loss(pairs: Sequence[Pair], teacher: CausalModel, student: CausalModel, options: Distillation) -> Any:
    import torch

    with torch.no_grad():
        ids, seen, head = _batch(teacher, [found.teacher for found in pairs])
        wanted, _ = _states(teacher, ids, seen, is_told=False)
    ids, seen, own_head = _batch(student, [found.student for found in pairs])
    made, logits = _states(student, ids, seen, is_told=options.ce > 0)
    targets, states = [], []
    most = teacher.limit or (1 << 30), student.limit or (1 << 30)
    for row, found in enumerate(pairs):
        for theirs, ours in zip(found.in_teacher, found.in_student, strict=True):
            if theirs + head < most[0] and ours + own_head < most[1]:
                targets.append(wanted[row, theirs + head])
                states.append(made[row, ours + own_head])
    zero = made.float().sum() * 0
    loss = zero
    if targets:
        target, state = torch.stack(targets).float(), torch.stack(states).float()
        loss = (state - target).pow(2).mean() / target.pow(2).mean()
    if options.ce:
        rows = [[*([] if student.prefix is None else [student.prefix]), *found.student][: most[1]] for found in pairs]
        told = next_token_loss(logits, rows, skip=1)
        # Both at one size, as in the authors' code: neither drowns the other, whatever the model.
        loss = loss + options.ce * told * (
            loss.detach() / told.detach() if targets and float(told.detach()) > 0 else 1.0
        )
    return loss


def _states(model: CausalModel, ids: Any, seen: Any, *, is_told: bool) -> tuple[Any, Any]:
    """(last hidden states, logits where they are wanted) from one pass."""
    kept: list[Any] = []
    body = model.network.base_model
    hook = body.register_forward_hook(lambda *given: kept.append(given[-1].last_hidden_state))
    try:
        made = (model.network if is_told else body)(input_ids=ids, attention_mask=seen, use_cache=False)
    finally:
        hook.remove()
    return kept[0], made.logits if is_told else None


def _batch(model: CausalModel, rows: Sequence[Sequence[int]]) -> tuple[Any, Any, int]:
    """(ids, mask, how many ids stand before each row)."""
    head = [] if model.prefix is None else [model.prefix]
    ids, seen = model.batch([[*head, *row][: model.limit] for row in rows])
    return ids, seen, len(head)
