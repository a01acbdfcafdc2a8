"""A causal language model that reads and writes hypertokens (needs torch).

Its vocabulary is base[:V], then the codebook's K hypertokens, then base[V:], where V is initial_vocab_size. What a
hypertoken means differs from row to row: each comes with the book of its row.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tokkit.errors import UsageError
from tokkit.hyper.codec import HypertokenConfig
from tokkit.hyper.encoders import HyperEncoder
from tokkit.hyper.options import EncoderConfig


@dataclass
class Vectors:
    """Of the hypertokens of each row: embeddings and output vectors, [rows, n, width]; which exist, bool [rows, n]."""

    input: Tensor
    output: Tensor
    is_there: Tensor

    def put(self, rows: Tensor, places: Tensor, new: "Vectors") -> None:
        """Replaces those at (rows[i], places[i]) by number i of `new`, which has one row."""
        self.input[rows, places] = new.input[0]
        self.output[rows, places] = new.output[0]
        self.is_there[rows, places] = new.is_there[0]


class HyperModel(nn.Module):
    """A causal model of `transformers` with hyper-embedding in front and behind."""

    def __init__(self, base: Any, codec: HypertokenConfig, encoder: EncoderConfig) -> None:
        """`base`: what AutoModelForCausalLM gives; its parameters train with the rest unless frozen.

        Raises UsageError: initial_vocab_size beyond the rows of the model, or heads that do not divide its width.
        """
        super().__init__()
        n_rows, width = base.get_input_embeddings().weight.shape
        if codec.initial_vocab_size > n_rows:
            raise UsageError(f"initial_vocab_size is {codec.initial_vocab_size}, but the model has {n_rows} rows")
        self.base = base
        self.codec = codec
        self.input_encoder = HyperEncoder(encoder, width, codec.max_subtokens)
        self.output_encoder = None if encoder.tied else HyperEncoder(encoder, width, codec.max_subtokens)
        # Reads the base ids back out of a vector: the auxiliary loss, not needed to generate.
        self.reader = nn.Linear(width, codec.max_subtokens * width, bias=False)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        found: torch.device = self.reader.weight.device
        return found

    def vectors(self, books: Tensor) -> Vectors:
        """Of books: base ids, [rows, n, max_subtokens], padded; all padding where there is no hypertoken."""
        is_real = books != self.codec.pad_token_id
        is_there = is_real.any(-1)
        ids, real = books[is_there], is_real[is_there]
        inputs = self.input_encoder(self._embedded(ids), real)
        matrix = self.base.get_output_embeddings().weight
        encoder = self.input_encoder if self.output_encoder is None else self.output_encoder
        outputs = encoder(nn.functional.embedding(ids.clamp(max=len(matrix) - 1), matrix), real)
        shape = (*books.shape[:2], inputs.shape[-1])
        made = [inputs.new_zeros(shape).masked_scatter(is_there.unsqueeze(-1), part) for part in (inputs, outputs)]
        return Vectors(made[0], made[1], is_there)

    def embed(self, codes: Tensor, vectors: Vectors) -> Tensor:
        """Embeddings of codes [rows, length], each row with the vectors of its book: [rows, length, width]."""
        first, end = self.codec.initial_vocab_size, self.codec.initial_vocab_size + self.codec.max_codebook_size
        is_hyper = (codes >= first) & (codes < end)
        base = self._embedded(torch.where(codes >= end, codes - self.codec.max_codebook_size, codes))
        n = vectors.input.shape[1]
        if n == 0:
            return base
        places = (codes - first).clamp(0, n - 1).unsqueeze(-1).expand(-1, -1, base.shape[-1])
        return torch.where(is_hyper.unsqueeze(-1), vectors.input.gather(1, places).to(base.dtype), base)

    def forward(
        self,
        codes: Tensor,
        vectors: Vectors,
        *,
        attention_mask: Tensor | None = None,
        is_known: Tensor | None = None,
        **others: Any,
    ) -> tuple[Tensor, Any]:
        """Logits, [rows, length, base[:V] ++ K hypertokens ++ base[V:]], and the base model's output.

        `is_known`: bool [rows, length, n], which hypertokens may follow each place; else all of the row's book.
        Those that may not have the logit -inf. `others` go to the base model: past_key_values and the like.
        """
        made = self.base.get_decoder()(
            inputs_embeds=self.embed(codes, vectors), attention_mask=attention_mask, **others
        )
        hidden = made.last_hidden_state
        base = self.base.get_output_embeddings()(hidden)
        hyper = hidden @ vectors.output.to(hidden.dtype).transpose(1, 2)
        allowed = vectors.is_there.unsqueeze(1) if is_known is None else is_known & vectors.is_there.unsqueeze(1)
        missing = self.codec.max_codebook_size - hyper.shape[-1]
        base, hyper = self._scaled(base), self._scaled(hyper).masked_fill(~allowed, float("-inf"))
        hyper = nn.functional.pad(hyper, (0, missing), value=float("-inf"))
        first = self.codec.initial_vocab_size
        return torch.cat([base[..., :first], hyper, base[..., first:]], dim=-1), made

    def read_back(self, vectors: Tensor) -> Tensor:
        """Logits over base ids of each place in hypertokens, from their embeddings [n, width]: [n, places, base]."""
        matrix = self.base.get_input_embeddings().weight
        made: Tensor = self.reader(vectors).view(len(vectors), self.codec.max_subtokens, -1) @ matrix.T
        return made

    def _embedded(self, ids: Tensor) -> Tensor:
        # Ids behind the matrix are padding, which nothing attends to.
        table = self.base.get_input_embeddings()
        made: Tensor = table(ids.clamp(max=len(table.weight) - 1))
        return made

    def _scaled(self, logits: Tensor) -> Tensor:
        # What some families do to logits behind the output matrix: Cohere, Granite, Gemma 2.
        config = self.base.config
        logits = (
            logits * (getattr(config, "logit_scale", None) or 1.0) / (getattr(config, "logits_scaling", None) or 1.0)
        )
        cap = getattr(config, "final_logit_softcapping", None)
        return logits if cap is None else cap * torch.tanh(logits / cap)
