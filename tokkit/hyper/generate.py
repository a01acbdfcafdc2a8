"""Text by a model with hypertokens: the codebook of each row grows while it writes (needs torch)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tokkit.errors import UsageError
from tokkit.hyper.codec import HypertokenCodec, Ids
from tokkit.hyper.manager import CodebookManager
from tokkit.hyper.model import HyperModel, Vectors


@dataclass(frozen=True)
class Written:
    """What a model wrote behind a prompt: codes, and the base ids that they stand for."""

    codes: list[int]
    ids: list[int]


def generate(
    model: HyperModel,
    prompts: Sequence[Ids],
    *,
    max_codes: int,
    stop_ids: Collection[int] = (),
    temperature: float = 0.0,
    seed: int = 0,
) -> list[Written]:
    """Continues prompts of base ids, greedily or with a temperature, up to `max_codes` codes or a stop id each.

    Only hypertokens that are in the row's book can be written; the same seed gives the same codes.

    Raises:
        UsageError: an empty prompt or a temperature below 0. InputError: an id that is none.
    """
    if temperature < 0:
        raise UsageError(f"temperature must be at least 0, got {temperature}")
    if any(len(prompt) == 0 for prompt in prompts):
        raise UsageError("a prompt is empty", hint="begin with the model's first token, such as bos")
    if not prompts:
        return []
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return _Writer(model, prompts, stop_ids, temperature, seed).write(max_codes)
    finally:
        model.train(was_training)


class _Writer:
    def __init__(
        self, model: HyperModel, prompts: Sequence[Ids], stop_ids: Collection[int], temperature: float, seed: int
    ) -> None:
        self.model, self.config, self.temperature = model, model.codec, temperature
        self.codec = HypertokenCodec(self.config)
        self.prompts = prompts
        self.manager = CodebookManager(self.config)
        self.stops = {*stop_ids}
        self.draws = torch.Generator().manual_seed(seed)
        encoded = self.codec.encode_batch(prompts, padding="longest")
        self.starts = self.codec.encode_batch(prompts).lists()
        self.codes = torch.tensor(encoded.lists(), device=model.device)
        self.mask = torch.tensor(encoded.attention_masks, device=model.device)
        self.written: list[list[int]] = [[] for _ in prompts]
        self.is_done = [False] * len(prompts)
        width = model.base.get_input_embeddings().weight.shape[1]
        size = (len(prompts), self.config.max_codebook_size)
        like = model.reader.weight
        self.vectors = Vectors(
            like.new_zeros(*size, width),
            like.new_zeros(*size, width),
            torch.zeros(size, dtype=torch.bool).to(like.device),
        )

    def write(self, max_codes: int) -> list[Written]:
        codes, past = self.codes, None
        for _ in range(max_codes):
            self._learn(codes)
            places = (self.mask.cumsum(1) - 1).clamp(min=0)[:, -codes.shape[1] :]
            logits, made = self.model(
                codes,
                self.vectors,
                attention_mask=self.mask,
                position_ids=places,
                past_key_values=past,
                use_cache=True,
            )
            past = made.past_key_values
            codes = self._chosen(logits[:, -1]).unsqueeze(1)
            if all(self.is_done):
                break
            # A row that is done goes on with padding that is attended to: it no longer matters.
            self.mask = torch.cat([self.mask, torch.ones_like(codes)], dim=1)
        return [self._result(row) for row in range(len(self.written))]

    def _learn(self, codes: Tensor) -> None:
        entries, places = self.manager.update_codebooks(codes.tolist())
        width = self.config.max_subtokens
        new = [
            (row, place, flat[number * width : (number + 1) * width])
            for row, (flat, of_row) in enumerate(zip(entries, places, strict=True))
            for number, place in enumerate(of_row)
            if place < self.config.max_codebook_size
        ]
        if new:
            rows, at, books = (torch.tensor(part, device=self.model.device) for part in zip(*new, strict=True))
            self.vectors.put(rows, at, self.model.vectors(books.unsqueeze(0)))

    def _chosen(self, logits: Tensor) -> Tensor:
        first, end = self.config.initial_vocab_size, self.config.initial_vocab_size + self.config.max_codebook_size
        # Rows behind the boundary are no ids of the tokenizer, and padding would clear the phrase at hand.
        stops = {*self.config.disabled_ids, *self.stops}
        logits[:, [code for code in range(end, logits.shape[1]) if code not in stops]] = float("-inf")
        pad = self.config.pad_token_id
        if pad not in self.stops and not first <= pad < end and pad < logits.shape[1]:
            logits[:, pad] = float("-inf")
        if self.temperature:
            shares = torch.softmax(logits.float() / self.temperature, dim=-1).cpu()
            chosen: list[Any] = torch.multinomial(shares, 1, generator=self.draws)[:, 0].tolist()
        else:
            chosen = logits.argmax(dim=-1).tolist()
        for row, code in enumerate(chosen):
            if not self.is_done[row] and code in self.stops:
                self.is_done[row] = True
            elif not self.is_done[row]:
                self.written[row].append(code)
                continue
            chosen[row] = pad
        return torch.tensor(chosen, device=logits.device)

    def _result(self, row: int) -> Written:
        ids = self.codec.decode([*self.starts[row], *self.written[row]], tolerant=True).lists()[0]
        return Written(self.written[row], ids[len(self.prompts[row]) :])
