"""Transplants of tiny models of many architectures load in transformers with every key in place, and generate."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from tests import tiny_models
from tokkit.transplant.checkpoint import open_checkpoint
from tokkit.transplant.config import TransplantConfig
from tokkit.transplant.run import transplant

pytestmark = pytest.mark.models
TEXT = "the quick brown fox jumps over the lazy dog, the fox and the dog\n" * 3
OLD, NEW = 270, 290
SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
LLAMA = {**SMALL, "num_key_value_heads": 1, "max_position_embeddings": 64, "bos_token_id": 268, "eos_token_id": 269}
# name -> (config class, model class, config, what is saved: dtype and size of a shard, sides that must be transplanted)
MODELS = {
    "llama tied": ("LlamaConfig", "LlamaForCausalLM", {**LLAMA, "tie_word_embeddings": True}, None, None, 1),
    "llama untied": ("LlamaConfig", "LlamaForCausalLM", {**LLAMA, "tie_word_embeddings": False}, None, None, 2),
    "mistral bf16 sharded": (
        "MistralConfig",
        "MistralForCausalLM",
        {**LLAMA, "tie_word_embeddings": False},
        "bfloat16",
        "6KB",
        2,
    ),
    "gpt2": (
        "GPT2Config",
        "GPT2LMHeadModel",
        {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64},
        None,
        None,
        1,
    ),
    "gpt-neox": ("GPTNeoXConfig", "GPTNeoXForCausalLM", {**SMALL, "max_position_embeddings": 64}, None, None, 2),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM", {**LLAMA, "tie_word_embeddings": True}, None, None, 1),
    "qwen3 moe": (
        "Qwen3MoeConfig",
        "Qwen3MoeForCausalLM",
        {**LLAMA, "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 8, "head_dim": 8},
        None,
        None,
        2,
    ),
    "gemma": ("GemmaConfig", "GemmaForCausalLM", {**LLAMA, "head_dim": 8}, None, None, 1),
    "phi (bias of the head)": ("PhiConfig", "PhiForCausalLM", {**SMALL, "max_position_embeddings": 64}, None, None, 2),
    "falcon": (
        "FalconConfig",
        "FalconForCausalLM",
        {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
        None,
        None,
        1,
    ),
    "bert": ("BertConfig", "BertForMaskedLM", {**SMALL, "max_position_embeddings": 64}, None, None, 1),
    "roberta": ("RobertaConfig", "RobertaForMaskedLM", {**SMALL, "max_position_embeddings": 64}, None, None, 1),
    "t5": (
        "T5Config",
        "T5ForConditionalGeneration",
        {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "decoder_start_token_id": 0},
        None,
        None,
        1,
    ),
    "mamba": (
        "MambaConfig",
        "MambaForCausalLM",
        {"hidden_size": 16, "num_hidden_layers": 1, "state_size": 4},
        None,
        None,
        1,
    ),
}


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory) -> tuple[Path, Path]:
    """(the models' own tokenizer of 270 tokens, the target of 290)."""
    home = tmp_path_factory.mktemp("tokenizers")
    old = tiny_models.tokenizer(home / "old", TEXT[:66], OLD)
    return old, tiny_models.tokenizer(home / "new", TEXT + "the lazy foxes sleep " * 9, NEW)


@pytest.mark.parametrize("name", MODELS)
def test_a_transplant_loads_whole_and_generates(name, tokenizers, tmp_path):
    kind, architecture, config, dtype, shard, n_tables = MODELS[name]
    torch.manual_seed(0)
    made = getattr(transformers, architecture)(getattr(transformers, kind)(vocab_size=OLD, **config))
    made = made.to(getattr(torch, dtype)) if dtype else made
    base = tmp_path / "base"
    made.save_pretrained(base, **({"max_shard_size": shard} if shard else {}))
    for path in tokenizers[0].iterdir():
        if path.name.startswith("tokenizer") and path.suffix == ".json":
            (base / path.name).write_bytes(path.read_bytes())
    assert (len(open_checkpoint(base).shards) > 1) == (shard is not None)

    report = transplant(base, tokenizers[1], tmp_path / "made", config=TransplantConfig(forward="on"))
    assert len(report.tensors) >= n_tables
    assert report.forward is not None
    assert report.forward.note is None
    loaded, info = getattr(transformers, architecture).from_pretrained(tmp_path / "made", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    assert loaded.get_input_embeddings().weight.shape[0] == NEW
    if dtype:
        assert open_checkpoint(tmp_path / "made").tensors[report.tensors[0]].dtype == "BF16"
    ids = torch.tensor([[65, 66, NEW - 3]])
    if loaded.can_generate():
        out = loaded.generate(ids, max_new_tokens=4, min_new_tokens=4, do_sample=False, pad_token_id=0)
        assert out.shape[1] >= 4
        assert int(out.max()) < NEW
    else:
        with torch.no_grad():
            assert loaded(input_ids=ids).logits.shape == (1, 3, NEW)


def test_rows_of_shared_tokens_give_the_same_states(tokenizers, tmp_path):
    config = transformers.LlamaConfig(vocab_size=OLD, **LLAMA, tie_word_embeddings=True)
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path / "base")
    for path in tokenizers[0].glob("tokenizer*.json"):
        (tmp_path / "base" / path.name).write_bytes(path.read_bytes())
    transplant(tmp_path / "base", tokenizers[1], tmp_path / "made", config=TransplantConfig(forward="off"))
    old, new = (
        transformers.LlamaForCausalLM.from_pretrained(tmp_path / folder, dtype=torch.float32)
        for folder in ("base", "made")
    )
    ids = torch.tensor([[104, 105, 32, 116]])  # bytes are tokens of the same ids in both
    with torch.no_grad():
        np.testing.assert_array_equal(
            old.model(ids).last_hidden_state.numpy(), new.model(ids).last_hidden_state.numpy()
        )
