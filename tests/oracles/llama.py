"""A Llama forward pass in numpy, one text at a time: the judge of transplants where torch is not."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Floats = NDArray[np.float32]


class Llama:
    """A model folder with one safetensors file of f32."""

    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.weights = load_file(folder / "model.safetensors")

    def nats(self, ids: Sequence[int]) -> float:
        """-log likelihood of `ids[1:]` given what stands before each."""
        logits = self.logits(ids[:-1]).astype(np.float64)
        top = logits.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return float((log_sum - logits[np.arange(len(ids) - 1), list(ids[1:])]).sum())

    def logits(self, ids: Sequence[int]) -> Floats:
        """[len(ids), vocabulary]."""
        config, get = self.config, self.weights.__getitem__
        x = get("model.embed_tokens.weight")[list(ids)]
        for layer in range(config["num_hidden_layers"]):
            name = f"model.layers.{layer}."
            x = x + self._attention(self._norm(x, name + "input_layernorm.weight"), name + "self_attn.")
            h = self._norm(x, name + "post_attention_layernorm.weight")
            gate = h @ get(name + "mlp.gate_proj.weight").T
            x = (
                x
                + (gate / (1 + np.exp(-gate)) * (h @ get(name + "mlp.up_proj.weight").T))
                @ get(name + "mlp.down_proj.weight").T
            )
        head = self.weights.get("lm_head.weight", get("model.embed_tokens.weight"))
        made: Floats = self._norm(x, "model.norm.weight") @ head.T
        return made

    def _norm(self, x: Floats, name: str) -> Floats:
        scale = np.sqrt((x * x).mean(axis=1, keepdims=True) + self.config["rms_norm_eps"])
        made: Floats = x / scale * self.weights[name]
        return made

    def _attention(self, x: Floats, name: str) -> Floats:
        n, heads, groups = len(x), self.config["num_attention_heads"], self.config["num_key_value_heads"]
        size = self.config["head_dim"]
        q, k, v = (
            (x @ self.weights[f"{name}{part}_proj.weight"].T).reshape(n, count, size).transpose(1, 0, 2)
            for part, count in (("q", heads), ("k", groups), ("v", groups))
        )
        q, k = self._rotate(q), self._rotate(k)
        k, v = np.repeat(k, heads // groups, axis=0), np.repeat(v, heads // groups, axis=0)
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(size) + np.triu(np.full((n, n), -np.inf, np.float32), 1)
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        weights /= weights.sum(axis=2, keepdims=True)
        made: Floats = (weights @ v).transpose(1, 0, 2).reshape(n, heads * size) @ self.weights[
            f"{name}o_proj.weight"
        ].T
        return made

    def _rotate(self, x: Floats) -> Floats:
        half = x.shape[2] // 2
        frequency = self.config["rope_theta"] ** (-np.arange(half) / half)
        angle = np.arange(x.shape[1])[:, None] * frequency
        cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        left, right = x[..., :half], x[..., half:]
        return np.concatenate([left * cos - right * sin, right * cos + left * sin], axis=2)


def bits_per_byte(model: Llama, texts: Sequence[str], encoded: Sequence[Sequence[int]]) -> float:
    """Over whole texts; `encoded` begin with a token that isn't scored, such as bos."""
    nats = sum(model.nats(ids) for ids in encoded)
    return nats / math.log(2) / sum(len(text.encode()) for text in texts)
