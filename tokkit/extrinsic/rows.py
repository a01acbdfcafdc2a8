"""Training of vocabulary rows alone: the body of the model stays as it is, Adam moves rows of its tables.

The rate is a share of the root mean square of the table, since models differ by orders of magnitude in the size of
their rows; it rises over the first tenth of the steps and falls to zero linearly. Moments and rows are kept in f32,
whatever the model runs in. The same seed, threads and machine give the same bits, also after an interruption.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tokkit.atomic import atomic_file
from tokkit.errors import TokenizerError, UsageError
from tokkit.progress import Progress, silent

Side = Literal["in", "out"]
_BETAS: Final = (0.9, 0.999)
_TINY: Final = 1e-8
_SAVE_EVERY: Final = 25


class RowTrainer:
    """Adam over rows `ids` (None: all) of the input and output tables of a network.

    `damping` adds that share of the table's mean squared gradient to every number's own. Plain Adam (0) moves each
    number by the rate however small its gradient is, and most rows have no more than that of losing in each softmax.
    """

    def __init__(
        self, network: Any, ids: NDArray[np.int64] | None, *, rate: float, steps: int, damping: float = 0.0
    ) -> None:
        import torch

        network.requires_grad_(False)
        tables: dict[Side, Any] = {"in": network.get_input_embeddings().weight}
        head = network.get_output_embeddings()
        if head is not None and head.weight is not tables["in"]:
            tables["out"] = head.weight
        self.tables = tables
        self.steps, self.done, self.damping = steps, 0, damping
        device = tables["in"].device
        chosen = np.arange(len(tables["in"])) if ids is None else ids
        self.ids = torch.as_tensor(chosen, dtype=torch.long, device=device)
        self.rows = {side: table.data[self.ids].float() for side, table in tables.items()}
        self.first = {side: torch.zeros_like(rows) for side, rows in self.rows.items()}
        self.second = {side: torch.zeros_like(rows) for side, rows in self.rows.items()}
        self.rates = {side: rate * float(table.data.float().pow(2).mean().sqrt()) for side, table in tables.items()}
        for table in tables.values():
            table.requires_grad_(True)

    def step(self, loss: Any) -> None:
        """Moves the rows against the gradient of `loss`."""
        loss.backward()
        self.done += 1
        warm = max(1, self.steps // 10)
        scale = min(self.done / warm, (self.steps - self.done + 1) / max(1, self.steps - warm + 1))
        for side, table in self.tables.items():
            if table.grad is None:
                continue
            gradient = table.grad[self.ids].float()
            table.grad = None
            first = self.first[side].mul_(_BETAS[0]).add_(gradient, alpha=1 - _BETAS[0])
            second = self.second[side].mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
            size = self.rates[side] * scale / (1 - _BETAS[0] ** self.done)
            squares = second / (1 - _BETAS[1] ** self.done)
            squares += self.damping * squares.mean()
            self.rows[side].addcdiv_(first, squares.sqrt_().add_(_TINY), value=-size)
            self._put(side)

    def trained(self) -> dict[Side, NDArray[np.float32]]:
        """The rows by side, f32."""
        return {side: rows.cpu().numpy() for side, rows in self.rows.items()}

    def save(self, path: Path, key: str) -> None:
        """Writes all that is needed to go on; whole or not at all."""
        from safetensors.torch import save_file

        parts = {"rows": self.rows, "first": self.first, "second": self.second}
        tensors = {f"{part}.{side}": value.cpu() for part, sides in parts.items() for side, value in sides.items()}
        with atomic_file(path, overwrite=True) as temporary:
            save_file(tensors, temporary, metadata={"tokkit": json.dumps({"format": 1, "key": key, "done": self.done})})

    def resume(self, path: Path, key: str) -> None:
        """Goes on where `save` was called, if the file is there.

        Raises:
            UsageError: it belongs to other options, texts or models. TokenizerError: it is no such file.
        """
        import safetensors

        if not path.exists():
            return
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                facts = json.loads((file.metadata() or {}).get("tokkit", "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        except (safetensors.SafetensorError, OSError, ValueError) as error:
            raise TokenizerError(f"{path}: not a saved training: {error}") from error
        if facts.get("format") != 1 or facts.get("key") != key:
            raise UsageError(f"{path}: was saved by another training", hint="name another file, or remove this one")
        self.done = int(facts["done"])
        for part, sides in (("rows", self.rows), ("first", self.first), ("second", self.second)):
            for side, value in sides.items():
                value.copy_(tensors[f"{part}.{side}"])
        for side in self.tables:
            self._put(side)

    def _put(self, side: Side) -> None:
        table = self.tables[side]
        table.data[self.ids] = self.rows[side].to(table.dtype)


def train_rows(
    trainer: RowTrainer,
    loss: Callable[[int], Any],
    *,
    state: Path | None = None,
    key: str = "",
    progress: Progress = silent,
    stage: str = "train rows",
) -> None:
    """Runs all steps that are left; `loss(step)` must depend on nothing but the step. `state` is saved now and then."""
    if state is not None:
        trainer.resume(state, key)
    with deterministic():
        while trainer.done < trainer.steps:
            trainer.step(loss(trainer.done))
            if state is not None and (trainer.done % _SAVE_EVERY == 0 or trainer.done == trainer.steps):
                trainer.save(state, key)
            progress(stage, trainer.done, trainer.steps)


@contextmanager
def deterministic() -> Iterator[None]:
    """Only algorithms that give the same bits each time, where torch has them."""
    import torch

    was, warned = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    if torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was, warn_only=warned)


def next_token_loss(logits: Any, rows: Sequence[Sequence[int]], *, skip: int) -> Any:
    """Mean nats of each row's ids from place `skip` on, given those before; `skip` is at least 1."""
    import torch

    total: Any = 0.0
    n = 0
    for found, row in zip(logits, rows, strict=True):
        wanted = torch.as_tensor(row[skip:], dtype=torch.long, device=found.device)
        if len(wanted):
            total = total + torch.nn.functional.cross_entropy(
                found[skip - 1 : len(row) - 1].float(), wanted, reduction="sum"
            )
            n += len(wanted)
    return total / max(1, n)


def snippets(documents: Sequence[str], size: int) -> list[str]:
    """The text in pieces of about `size` bytes, cut after white space where there is some."""
    made: list[str] = []
    for document in documents:
        at = 0
        while at < len(document):
            end = at + max(1, len(document[at : at + size].encode()[:size].decode(errors="ignore")))
            if end < len(document):
                space = max(document.rfind(mark, at + 1, end) for mark in " \n")
                end = space + 1 if space > at else end
            made.append(document[at:end])
            at = end
    return [piece for piece in made if piece.strip()]


def batch_of(step: int, *, n: int, size: int, seed: int) -> list[int]:
    """Which of `n` pieces step `step` takes: each once before any comes again, in an order that the seed decides."""
    chosen = []
    for place in range(step * size, (step + 1) * size):
        order = np.random.default_rng([seed, place // n]).permutation(n)
        chosen.append(int(order[place % n]))
    return chosen


def digest_of(*parts: object) -> str:
    """A key that changes when any of the parts does."""
    found = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, default=str).encode()
        found.update(len(data).to_bytes(8, "little") + data)
    return found.hexdigest()
