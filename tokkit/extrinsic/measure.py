"""Negative log likelihood of documents under a causal model: every token scored once, the first one included.

The rules are those of lm-evaluation-harness and lighteval, with context in bytes: sums over documents, bytes of the
original text, bos is context and never scored, eos is not scored. A model that has neither bos nor eos to begin with
pays the uniform log V for the first token.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError, InternalError
from tokkit.extrinsic.causal import CausalModel
from tokkit.extrinsic.config import Reading
from tokkit.extrinsic.windows import Window, windows
from tokkit.metrics.perplexity import Likelihood, total, uniform_bits_per_byte
from tokkit.progress import Progress, silent

_NUMBERS: Final = 1 << 25
"""Logits of a batch at most: 128 MB of f32."""
_CHECKED: Final = 64
Logits = Callable[[Sequence[Sequence[int]]], Any]


@dataclass(frozen=True)
class Measured:
    """One likelihood for each document; `cut` windows had less context than wanted; `lost` documents were changed."""

    documents: tuple[Likelihood, ...]
    n_windows: int
    cut: int
    lost: int

    @property
    def total(self) -> Likelihood:
        """The sum."""
        return total(self.documents)


@dataclass(frozen=True)
class _Task:
    document: int
    ids: tuple[int, ...]
    scored: int


def measure(model: CausalModel, documents: Sequence[str], reading: Reading, *, progress: Progress = silent) -> Measured:
    """Reads every document, and checks the pipeline on a model whose number is known.

    Raises:
        InputError: no text at all, or a document that the tokenizer changes (unless `reading` penalises that).
        InternalError: a uniform model does not get log2 V x tokens / bytes.
    """
    encoded = [_encode(model, text, place, reading) for place, text in enumerate(documents)]
    if not any(len(ids) for ids, *_ in encoded):
        raise InputError("no text to measure on: all documents are empty")
    tasks: list[_Task] = []
    cut = 0
    room = None if model.limit is None else model.limit - (model.prefix is not None)
    for place, (ids, starts, _) in enumerate(encoded):
        plan = windows(starts, context=reading.context, stride=reading.stride, limit=room)
        cut += sum(window.is_cut for window in plan)
        tasks += [_task(place, ids, window, model.prefix) for window in plan]
    check_uniform(tasks, encoded, documents, model.vocab_size)
    nats = np.zeros(len(documents))
    for done, (document, value) in enumerate(_scores(model.logits, tasks, model.vocab_size)):
        nats[document] += value
        progress("score", done + 1, len(tasks))
    found = tuple(
        Likelihood(float(nats[place]) + penalty, len(ids), len(text.encode()), len(text), len(text.split()))
        for place, (text, (ids, _, penalty)) in enumerate(zip(documents, encoded, strict=True))
    )
    return Measured(found, len(tasks), cut, sum(penalty > 0 for *_, penalty in encoded))


def _encode(model: CausalModel, text: str, place: int, reading: Reading) -> tuple[list[int], NDArray[np.int64], float]:
    """(ids, bytes at which they begin, nats to pay for what the tokenizer changed)."""
    if not text:
        return [], np.zeros(0, np.int64), 0.0
    made = model.tokenizer.encode_offsets(text)
    starts = np.array([start for start, _ in made.byte_offsets], np.int64).reshape(-1)
    ids = [int(number) for number in made.ids]
    back = model.tokenizer.decode(ids)
    if back == text:
        return ids, starts, 0.0
    if reading.lossy == "refuse":
        at = next((n for n, (a, b) in enumerate(zip(text, back, strict=False)) if a != b), min(len(text), len(back)))
        raise InputError(
            f"document {place + 1}: the tokenizer changes it at character {at}: {text[at : at + 12]!a} "
            f"comes back as {back[at : at + 12]!a}",
            hint="its bits per byte would be too low; --lossy penalise pays for the changed lines",
        )
    return ids, starts, penalty(text, back)


def penalty(text: str, back: str) -> float:
    """Nats to say the lines that a tokenizer changed: 8 bits a byte, of the whole text where lines are lost."""
    ours, theirs = text.split("\n"), back.split("\n")
    if len(ours) != len(theirs):
        return len(text.encode()) * 8 * math.log(2)
    changed = sum(len(a.encode()) + 1 for a, b in zip(ours, theirs, strict=True) if a != b)
    return changed * 8 * math.log(2)


def _task(document: int, ids: Sequence[int], window: Window, prefix: int | None) -> _Task:
    head = () if prefix is None else (prefix,)
    return _Task(document, (*head, *ids[window.begin : window.end]), window.end - window.first)


def _scores(logits: Logits, tasks: Sequence[_Task], vocab_size: int) -> Iterator[tuple[int, float]]:
    """(document, nats) of each task, the longest first so that batches are of like lengths."""
    import torch

    order = sorted(range(len(tasks)), key=lambda place: (-len(tasks[place].ids), place))
    at = 0
    while at < len(order):
        longest = len(tasks[order[at]].ids)
        batch = [tasks[place] for place in order[at : at + max(1, min(64, _NUMBERS // (longest * vocab_size)))]]
        at += len(batch)
        found = logits([task.ids for task in batch])
        for row, task in zip(found, batch, strict=True):
            n, scored = len(task.ids), task.scored
            uniform = math.log(vocab_size) if scored == n else 0.0
            scored -= scored == n  # nothing stands before the first id: no logits foretell it
            wanted = torch.as_tensor(task.ids[n - scored :], dtype=torch.long, device=row.device)
            chosen = row[n - scored - 1 : n - 1].float()
            nats = torch.logsumexp(chosen, dim=-1) - chosen.gather(1, wanted[:, None])[:, 0]
            yield task.document, float(nats.double().sum()) + uniform


def check_uniform(
    tasks: Sequence[_Task],
    encoded: Sequence[tuple[list[int], NDArray[np.int64], float]],
    documents: Sequence[str],
    vocab_size: int,
) -> None:
    """A model that knows nothing must get exactly log2 V x N / B on the first documents, or this code is wrong."""
    import torch

    last = tasks[min(len(tasks), _CHECKED) - 1].document
    some = [task for task in tasks if task.document <= last]
    if len(some) > 4 * _CHECKED:  # one long document: its tokens are counted instead
        if sum(task.scored for task in tasks) != sum(len(ids) for ids, *_ in encoded):
            raise InternalError("windows don't score every token once")
        return
    flat = torch.zeros(1, 1, 1)
    made = _scores(lambda rows: flat.expand(len(rows), max(map(len, rows)), vocab_size), some, vocab_size)
    nats = sum(value for _, value in made)
    n_bytes = sum(len(text.encode()) for text in documents[: last + 1])
    wanted = uniform_bits_per_byte(vocab_size, sum(len(ids) for ids, *_ in encoded[: last + 1]), n_bytes)
    if not math.isclose(nats / math.log(2) / n_bytes, wanted, rel_tol=1e-5):
        raise InternalError(f"a uniform model gets {nats / math.log(2) / n_bytes} bits per byte, not {wanted}")
