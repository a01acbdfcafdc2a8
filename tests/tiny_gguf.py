"""A small llama as a model folder and as the GGUF that llama.cpp's converter would make of it, by the package gguf."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from tests import tiny_models

WIDTH, INNER, HEADS = 64, 96, 4
EMBED, HEAD = "model.embed_tokens.weight", "lm_head.weight"
_BLOCK = {
    "input_layernorm": ("attn_norm", (WIDTH,)),
    "post_attention_layernorm": ("ffn_norm", (WIDTH,)),
    "self_attn.q_proj": ("attn_q", (WIDTH, WIDTH)),
    "self_attn.k_proj": ("attn_k", (WIDTH, WIDTH)),
    "self_attn.v_proj": ("attn_v", (WIDTH, WIDTH)),
    "self_attn.o_proj": ("attn_output", (WIDTH, WIDTH)),
    "mlp.gate_proj": ("ffn_gate", (INNER, WIDTH)),
    "mlp.up_proj": ("ffn_up", (INNER, WIDTH)),
    "mlp.down_proj": ("ffn_down", (WIDTH, INNER)),
}
_BODY: dict[str, tuple[str, tuple[int, ...]]] = {
    f"model.layers.{block}.{name}.weight": (f"blk.{block}.{theirs}.weight", shape)
    for block in range(2)
    for name, (theirs, shape) in _BLOCK.items()
} | {"model.norm.weight": ("output_norm.weight", (WIDTH,))}
NAMES = {EMBED: "token_embd.weight", HEAD: "output.weight"} | {name: theirs for name, (theirs, _) in _BODY.items()}


def folder(path: Path, text: str, size: int, *, is_tied: bool = True, **specials: Any) -> Path:
    """A model folder with a tokenizer of `size` tokens."""
    draw = np.random.default_rng(size)
    tiny_models.tokenizer(path, text, size, **specials)
    shapes: dict[str, tuple[int, ...]] = {EMBED: (size, WIDTH)} | ({} if is_tied else {HEAD: (size, WIDTH)})
    shapes |= {name: shape for name, (_, shape) in _BODY.items()}
    tensors = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    config = {"num_hidden_layers": 2, "hidden_size": WIDTH, "tie_word_embeddings": is_tied, "eos_token_id": size - 1}
    return tiny_models.model(path, size, config=config, tensors=tensors)


def write(
    path: Path,
    model: Path,
    *,
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
    keys: Mapping[str, Any] | None = None,
    changed: Mapping[str, NDArray[np.generic] | None] | None = None,
    packed: Mapping[str, tuple[NDArray[np.uint8], gguf.GGMLQuantizationType]] | None = None,
    architecture: str = "llama",
) -> Path:
    """The folder's tensors under llama.cpp's names: matrices in `kind`, vectors in F32, `rope_freqs` besides.

    `keys` replaces keys (None: left out), `changed` tensors in their own type (None: left out), `packed` (bytes, type).
    """
    writer = gguf.GGUFWriter(path, architecture)
    arrays = {NAMES[name]: values for name, values in load_file(model / "model.safetensors").items()}
    rows = len(arrays["token_embd.weight"])
    values: dict[str, Any] = {
        "general.name": "Tiny",
        "general.tags": ["a", "b"],
        f"{architecture}.block_count": 2,
        f"{architecture}.embedding_length": WIDTH,
        f"{architecture}.feed_forward_length": INNER,
        f"{architecture}.context_length": 512,
        f"{architecture}.attention.head_count": HEADS,
        f"{architecture}.attention.layer_norm_rms_epsilon": 1e-5,
        f"{architecture}.vocab_size": rows,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "llama-bpe",
        "tokenizer.ggml.tokens": [f"old{row}" for row in range(rows)],
        "tokenizer.ggml.merges": ["o l", "ol d"],
        "tokenizer.ggml.eos_token_id": rows - 1,
        "tokenizer.ggml.eot_token_id": rows - 1,
        "tokenizer.chat_template": "the base's",
        f"{architecture}.rope.freq_base": 10000.0,
        **(keys or {}),
    }
    for name, value in values.items():
        if isinstance(value, bool):
            writer.add_bool(name, value)
        elif isinstance(value, int):
            writer.add_uint32(name, value)
        elif isinstance(value, float):
            writer.add_float32(name, value)
        elif isinstance(value, str):
            writer.add_string(name, value)
        elif value is not None:
            writer.add_array(name, value)
    for name, array in {
        **arrays,
        "rope_freqs.weight": np.ones(WIDTH // HEADS // 2, np.float32),
        **(changed or {}),
    }.items():
        if name in (packed or {}):
            writer.add_tensor(name, packed[name][0], raw_dtype=packed[name][1])
            continue
        if array is None:
            continue
        own = name in (changed or {}) or array.ndim == 1
        data = array if own else gguf.quants.quantize(array.astype(np.float32), kind)
        writer.add_tensor(name, data, raw_dtype=None if own else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tensors(path: Path) -> dict[str, tuple[str, bytes]]:
    """Tensor name -> (type, bytes), in the order of the file."""
    return {tensor.name: (tensor.tensor_type.name, tensor.data.tobytes()) for tensor in gguf.GGUFReader(path).tensors}


def matrix(path: Path, name: str) -> NDArray[np.float32]:
    """A tensor as numbers."""
    (tensor,) = (tensor for tensor in gguf.GGUFReader(path).tensors if tensor.name == name)
    return np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32)


def contents(path: Path) -> dict[str, Any]:
    """The keys of a file."""
    fields = gguf.GGUFReader(path).fields
    return {name: field.contents() for name, field in fields.items() if not name.startswith("GGUF.")}
