"""A random Llama of a few kilobytes with hypertokens, and rows for it."""

from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tokkit.hyper import HypertokenCodec, HypertokenConfig
from tokkit.hyper.examples import Example, examples
from tokkit.hyper.model import HyperModel
from tokkit.hyper.options import EncoderConfig

BASE, SIZE, BEHIND = 20, 12, 3
CODEC = HypertokenConfig(
    initial_vocab_size=BASE, max_codebook_size=SIZE, max_subtokens=3, pad_token_id=0, disabled_ids=(1, 2)
)


def tiny(*, is_tied: bool = True, **encoder: Any) -> HyperModel:
    """Rows: BASE ids and BEHIND more, as models have whose matrix is larger than the vocabulary."""
    torch.manual_seed(3)
    base = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=BASE + BEHIND,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            tie_word_embeddings=is_tied,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        )
    )
    options = {"heads": 2, "layers": 1, **encoder}
    return HyperModel(base, CODEC, EncoderConfig.model_validate(options)).eval()


def rows(n_codes: int = 16) -> list[Example]:
    """A text of few ids that repeat, so that there are hypertokens."""
    draw = np.random.default_rng(5)
    words = [draw.integers(3, BASE, 3) for _ in range(6)]
    ids = np.concatenate([words[place] for place in draw.integers(0, 6, 120)]).astype(np.uint32)
    return examples(HypertokenCodec(CODEC), [ids[:200], ids[200:]], n_codes, 2)
