"""Trains one proxy on the tokens of one tokenizer and reads held-out text with it.

Texts are cut on a grid of bytes that all tokenizers share: a window holds the tokens that begin within it, and one
before them as context. Step n of every tokenizer takes the same windows.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from tokkit.atomic import atomic_file
from tokkit.errors import InputError, InternalError, TokenizerError, UsageError
from tokkit.extrinsic.measure import penalty
from tokkit.extrinsic.proxy_config import Proxy
from tokkit.extrinsic.proxy_model import RARE, START, flops_per_token, initial, nats
from tokkit.extrinsic.rows import batch_of, deterministic, digest_of
from tokkit.extrinsic.windows import Window, windows
from tokkit.metrics.base import Subject
from tokkit.metrics.batch import Batch
from tokkit.metrics.perplexity import uniform_bits_per_byte
from tokkit.progress import Progress, silent

_SAVE_EVERY: Final = 50
_READ_TOKENS: Final = 1 << 14
_BETAS: Final = (0.9, 0.98)
_DECAY: Final = 0.1
_MOMENTS: Final = (("first", "exp_avg"), ("second", "exp_avg_sq"))


@dataclass(frozen=True)
class Tokens:
    """Documents as rows of a model: ids [n_tokens] of each, the bytes at which they begin, the nats that loss costs."""

    ids: tuple[NDArray[np.int64], ...]
    starts: tuple[NDArray[np.int64], ...]
    sizes: tuple[int, ...]
    penalties: tuple[float, ...]

    @property
    def n_tokens(self) -> int:
        """Tokens of all documents."""
        return sum(map(len, self.ids))


def tokens_of(subject: Subject, documents: Sequence[str], name: str, *, lossy: str) -> Tokens:
    """Encodes documents.

    Raises:
        InputError: a document that the tokenizer changes, where `lossy` is "refuse".
    """
    batch = Batch.of(subject, documents)
    ids, starts, sizes, penalties = [], [], [], []
    for index, text in enumerate(documents):
        own = batch.document_ids(index).astype(np.int64)
        back = subject.decode(own.tolist())
        if back != text and lossy == "refuse":
            raise InputError(
                f"{name}: changes passage {index + 1}, which begins {text[:30]!a}",
                hint="its bits per byte would be too low; --lossy penalise pays for the changed lines",
            )
        size = len(text.encode())
        ids.append(own)
        starts.append(np.minimum(np.maximum.accumulate(batch.spans(index)[0]), max(size - 1, 0)))
        sizes.append(size)
        penalties.append(0.0 if back == text else penalty(text, back))
    return Tokens(tuple(ids), tuple(starts), tuple(sizes), tuple(penalties))


class Trainee:
    """The training of one seed. `rows` maps ids to rows of the model: those that the training text has, and RARE."""

    def __init__(self, tokens: Tokens, vocab_size: int, config: Proxy, *, steps: int, seed: int, device: str) -> None:
        seen = np.unique(np.concatenate(tokens.ids)) if tokens.n_tokens else np.zeros(0, np.int64)
        self.rows = np.full(vocab_size, RARE, np.int64)
        self.rows[seen] = np.arange(RARE + 1, RARE + 1 + len(seen))
        self.n_rare = vocab_size - len(seen)
        self.n_rows = RARE + 1 + len(seen)
        self.config, self.steps, self.seed, self.device = config, steps, seed, device
        self.done = 0
        self.tokens = tokens
        # Of the grid, not of the tokens: a window without any still has its turn, and its bytes count.
        self.grid = [
            (document, place)
            for document, size in enumerate(tokens.sizes)
            for place in range(-(-size // config.context))
        ]
        self.windows = {
            (document, int(starts[window.first]) // config.context): window
            for document, starts in enumerate(tokens.starts)
            for window in windows(starts, context=config.context, stride=config.context)
        }
        made = initial(self.n_rows, config, seed)
        self.parameters = {name: value.to(device).requires_grad_() for name, value in made.items()}
        matrices = [value for value in self.parameters.values() if value.dim() > 1]
        vectors = [value for value in self.parameters.values() if value.dim() == 1]
        groups = [{"params": matrices, "weight_decay": _DECAY}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=config.rate, betas=_BETAS)

    @property
    def n_parameters(self) -> int:
        """Numbers that training moves."""
        return sum(int(value.numel()) for value in self.parameters.values())

    @property
    def flops(self) -> float:
        """Floating point operations of the whole training, about."""
        bytes_a_step = self.config.batch * sum(self.tokens.sizes) / max(len(self.grid), 1)
        rate = self.tokens.n_tokens / max(sum(self.tokens.sizes), 1)
        return self.steps * bytes_a_step * rate * flops_per_token(self.n_rows, self.config)

    def train(self, *, state: Path | None = None, progress: Progress = silent, stage: str = "train") -> None:
        """Runs the steps that are left; `state` is read first, and written now and then."""
        key = self._key()
        if state is not None:
            self._resume(state, key)
        with deterministic():
            while self.done < self.steps:
                self._step()
                if state is not None and (self.done % _SAVE_EVERY == 0 or self.done == self.steps):
                    self._save(state, key)
                progress(stage, self.done, self.steps)

    def read(self, tokens: Tokens) -> NDArray[np.float64]:
        """Nats of each document, every token scored once in a window of at most `context` bytes.

        Raises:
            InternalError: the windows do not have every token once.
        """
        plan = [
            (document, window)
            for document, starts in enumerate(tokens.starts)
            for window in windows(starts, context=self.config.context, stride=self.config.context // 2)
        ]
        if sum(window.end - window.first for _, window in plan) != tokens.n_tokens:
            raise InternalError("windows don't score every token once")
        found = np.array(tokens.penalties, np.float64)
        order = sorted(range(len(plan)), key=lambda place: plan[place][1].begin - plan[place][1].end)
        at = 0
        with torch.no_grad():
            while at < len(order):
                longest = plan[order[at]][1].end - plan[order[at]][1].begin
                chosen = [plan[place] for place in order[at : at + max(1, _READ_TOKENS // max(longest, 1))]]
                at += len(chosen)
                values = self._nats(tokens, chosen).double().sum(dim=1).cpu().numpy()
                np.add.at(found, [document for document, _ in chosen], values)
        return found

    def uniform(self, tokens: Tokens) -> tuple[float, float]:
        """(bits per byte that this code gives a model that knows nothing, what they must be)."""
        table = self.parameters["table"]
        kept = table.detach().clone()
        with torch.no_grad():
            table.zero_()
            total = self.read(Tokens(tokens.ids, tokens.starts, tokens.sizes, (0.0,) * len(tokens.sizes))).sum()
            table.copy_(kept)
        n_bytes = sum(tokens.sizes)
        n_rare = sum(int((self.rows[ids] == RARE).sum()) for ids in tokens.ids)
        shared = n_rare * math.log2(max(self.n_rare, 1)) / n_bytes
        wanted = uniform_bits_per_byte(self.n_rows - RARE, tokens.n_tokens, n_bytes) + shared
        return float(total) / math.log(2) / n_bytes, wanted

    def _step(self) -> None:
        chosen = batch_of(self.done, n=len(self.grid), size=self.config.batch, seed=self.seed)
        cells = [self.grid[place] for place in chosen]
        n_bytes = sum(
            min(self.config.context, self.tokens.sizes[document] - place * self.config.context)
            for document, place in cells
        )
        rows = [
            (document, self.windows[document, place]) for document, place in cells if (document, place) in self.windows
        ]
        self.done += 1
        if not rows:
            return
        warm = max(1, self.steps // 10)
        scale = min(self.done / warm, (self.steps - self.done + 1) / max(1, self.steps - warm + 1))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.rate * scale
        self.optimizer.zero_grad(set_to_none=True)
        # Nats for each byte, not for each token: what a step asks for is the same for all tokenizers.
        (self._nats(self.tokens, rows).sum() / n_bytes).backward()
        torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), 1.0)
        self.optimizer.step()

    def _nats(self, tokens: Tokens, chosen: Sequence[tuple[int, Window]]) -> Any:
        """[windows, longest]: nats of what each window scores, 0 for its context."""
        longest = max(window.end - window.begin for _, window in chosen)
        ids = np.full((len(chosen), longest), START, np.int64)
        targets = np.full((len(chosen), longest), START, np.int64)
        for line, (document, window) in enumerate(chosen):
            own = self.rows[tokens.ids[document][window.begin : window.end]]
            ids[line, 1 : len(own)] = own[:-1]
            targets[line, window.first - window.begin : len(own)] = own[window.first - window.begin :]
        place = torch.device(self.device)
        given, wanted = (torch.from_numpy(values).to(place) for values in (ids, targets))
        return nats(self.parameters, given, wanted, self.config, n_rare=self.n_rare)

    def _key(self) -> str:
        """Changes with whatever decides the outcome."""
        ids = b"".join(own.astype("<i8").tobytes() for own in self.tokens.ids)
        return digest_of(self.config.model_dump(), self.steps, self.seed, self.device, len(self.rows), ids)

    def _save(self, path: Path, key: str) -> None:
        from safetensors.torch import save_file

        tensors = {f"value.{name}": value.detach().cpu() for name, value in self.parameters.items()}
        for name, value in self.parameters.items():
            for part, field in _MOMENTS:
                tensors[f"{part}.{name}"] = self.optimizer.state[value][field].cpu()
        with atomic_file(path, overwrite=True) as temporary:
            taken = int(next(iter(self.optimizer.state.values()))["step"])
            facts = json.dumps({"format": 1, "key": key, "done": self.done, "taken": taken})
            save_file(tensors, temporary, metadata={"tokkit": facts})

    def _resume(self, path: Path, key: str) -> None:
        import safetensors

        if not path.exists():
            return
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                facts = json.loads((file.metadata() or {}).get("tokkit", "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        except (safetensors.SafetensorError, OSError, ValueError) as error:
            raise TokenizerError(f"{path}: not a saved training: {error}", hint="remove it to begin anew") from error
        if facts.get("format") != 1 or facts.get("key") != key:
            raise UsageError(f"{path}: was saved by another training", hint="name another --state, or remove this one")
        self.done = int(facts["done"])
        with torch.no_grad():
            for name, value in self.parameters.items():
                value.copy_(tensors[f"value.{name}"])
                moments = {field: tensors[f"{part}.{name}"].to(value.device) for part, field in _MOMENTS}
                self.optimizer.state[value] = {"step": torch.tensor(float(facts["taken"])), **moments}
