"""A small decoder: normalised blocks of attention with rotary positions and a GELU layer, tied in- and output.

Written as functions of named tensors, so that what is saved, moved and trained is one dict.
"""

import math
from typing import Any, Final

import torch
from torch.nn import functional

from tokkit.extrinsic.proxy_config import Proxy

START: Final = 0
"""The row that stands before each window; never foretold."""
RARE: Final = 1
"""The row of all ids that the training text doesn't have."""

_BASE: Final = 10_000.0


def initial(rows: int, config: Proxy, seed: int) -> dict[str, Any]:
    """Parameters by name, on the CPU: normal numbers, smaller where they are added to what passes by."""
    source = torch.Generator().manual_seed(seed)
    width = config.width

    def normal(*shape: int, scale: float) -> Any:
        return torch.randn(shape, generator=source) * scale

    made = {}
    for layer in range(config.layers):
        out = 0.02 / math.sqrt(2 * config.layers)
        made[f"{layer}.attention"] = normal(3 * width, width, scale=0.02)
        made[f"{layer}.attention_out"] = normal(width, width, scale=out)
        made[f"{layer}.up"] = normal(4 * width, width, scale=0.02)
        made[f"{layer}.down"] = normal(width, 4 * width, scale=out)
        for norm in ("attention_norm", "up_norm"):
            made[f"{layer}.{norm}"] = torch.ones(width)
    made["norm"] = torch.ones(width)
    # Last: the body of two tokenizers begins alike, whatever the size of their vocabularies.
    made["table"] = normal(rows, width, scale=0.02)
    return made


def hidden(parameters: dict[str, Any], ids: Any, config: Proxy) -> Any:
    """[windows, positions, width]: what the model thinks after each id of `ids` [windows, positions]."""
    n, length = ids.shape
    heads, size = config.heads, config.width // config.heads
    turn = _turns(length, size, ids.device)
    state = functional.embedding(ids, parameters["table"])
    for layer in range(config.layers):
        found = functional.rms_norm(state, (config.width,), parameters[f"{layer}.attention_norm"], 1e-6)
        mixed = functional.linear(found, parameters[f"{layer}.attention"]).view(n, length, 3, heads, size)
        query, key, value = (mixed[:, :, part].transpose(1, 2) for part in range(3))
        seen = functional.scaled_dot_product_attention(_turn(query, turn), _turn(key, turn), value, is_causal=True)
        joined = seen.transpose(1, 2).reshape(n, length, config.width)
        state = state + functional.linear(joined, parameters[f"{layer}.attention_out"])
        found = functional.rms_norm(state, (config.width,), parameters[f"{layer}.up_norm"], 1e-6)
        up = functional.gelu(functional.linear(found, parameters[f"{layer}.up"]))
        state = state + functional.linear(up, parameters[f"{layer}.down"])
    return functional.rms_norm(state, (config.width,), parameters["norm"], 1e-6)


def nats(parameters: dict[str, Any], ids: Any, targets: Any, config: Proxy, *, n_rare: int) -> Any:
    """[windows, positions]: -ln p of `targets` after `ids`, 0 where the target is START.

    The rare ids share one probability evenly, so that those of all ids of the vocabulary sum to 1.
    """
    states = hidden(parameters, ids, config)
    is_scored = targets != START
    logits = functional.linear(states[is_scored], parameters["table"][RARE:])
    wanted = targets[is_scored]
    found = functional.cross_entropy(logits.float(), wanted - RARE, reduction="none")
    found = found + (wanted == RARE) * math.log(max(n_rare, 1))
    return torch.zeros(ids.shape, device=ids.device).masked_scatter(is_scored, found)


def flops_per_token(rows: int, config: Proxy) -> int:
    """Floating point operations of training on one token, forward and back, the attention to others left out."""
    return 6 * (12 * config.layers * config.width**2 + rows * config.width)


def _turns(length: int, size: int, device: Any) -> tuple[Any, Any]:
    speeds = _BASE ** (-torch.arange(0, size, 2, dtype=torch.float32, device=device) / size)
    angles = torch.arange(length, dtype=torch.float32, device=device)[:, None] * speeds
    return torch.cos(angles), torch.sin(angles)


def _turn(value: Any, turn: tuple[Any, Any]) -> Any:
    """Rotary positions: pairs of numbers turned by an angle that grows with the position."""
    cosine, sine = turn
    first, second = value.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)
