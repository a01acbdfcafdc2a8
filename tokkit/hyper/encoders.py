"""Hyper-embedding: a vector for each hypertoken from the embeddings of its base ids (needs torch).

The three encoders of zip2zip (Geng et al. 2025, arXiv:2506.01084). Deviations from its code: means are over the base
ids alone, not over padding (bug Z4), and `attention` works on batches (bug Z5).
"""

import torch
from torch import Tensor, nn

from tokkit.errors import UsageError
from tokkit.hyper.options import EncoderConfig


class HyperEncoder(nn.Module):
    """Vectors of base ids, [n, max_subtokens, width], to one each, [n, width]."""

    def __init__(self, config: EncoderConfig, width: int, max_subtokens: int) -> None:
        """Raises UsageError: heads that do not divide the width."""
        super().__init__()
        self.config = config
        is_latent = config.kind == "res_latent_attn"
        inner = (config.latent or width) if is_latent else width
        if inner % config.heads:
            raise UsageError(f"heads must divide the width {inner}, got {config.heads}", hint="give --heads")
        # `attention` always has positions: without them it could not tell [a, b] from [b, a].
        has_positions = config.positions or config.kind == "attention"
        self.positions = nn.Parameter(torch.randn(max_subtokens, inner) * 0.02) if has_positions else None
        self.down = nn.Linear(width, inner) if is_latent and config.latent else nn.Identity()
        if config.kind == "attention":
            self.attention = nn.MultiheadAttention(inner, config.heads, batch_first=True)
            return
        layer = nn.TransformerEncoderLayer(
            inner,
            config.heads,
            config.feed_forward or 4 * inner,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=is_latent,
        )
        norm = nn.LayerNorm(inner) if is_latent else None
        self.layers = nn.TransformerEncoder(layer, config.layers, norm, enable_nested_tensor=False)
        if is_latent:
            self.up = nn.Linear(inner, width)
            # It begins as the first id's embedding, so that the model is not thrown off at the start.
            nn.init.zeros_(self.up.weight)
            nn.init.zeros_(self.up.bias)

    def forward(self, vectors: Tensor, is_real: Tensor) -> Tensor:
        """`is_real`: bool [n, max_subtokens], true for each id, false for padding; at least one a row."""
        x = self.down(vectors)
        if self.positions is not None:
            x = x + self.positions[: x.shape[1]]
        if self.config.kind == "attention":
            made, _ = self.attention(x, x, x, key_padding_mask=~is_real, need_weights=False)
            return _mean(made, is_real)
        is_causal = self.config.kind == "res_latent_attn" and self.config.pooling == "last"
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1) if is_causal else None
        made = self.layers(x, mask=mask, src_key_padding_mask=~is_real)
        if self.config.kind == "transformer":
            return _mean(made, is_real)
        pooled = made[torch.arange(len(x), device=x.device), is_real.sum(1) - 1] if is_causal else _mean(made, is_real)
        return vectors[:, 0] + self.up(pooled)


def _mean(vectors: Tensor, is_real: Tensor) -> Tensor:
    weights = is_real.unsqueeze(-1).to(vectors.dtype)
    return (vectors * weights).sum(1) / weights.sum(1)
