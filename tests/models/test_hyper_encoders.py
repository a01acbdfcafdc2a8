"""Vectors of hypertokens: padding and batch do not matter, order does."""

import pytest
import torch

from tokkit.errors import UsageError
from tokkit.hyper.encoders import HyperEncoder
from tokkit.hyper.options import EncoderConfig

pytestmark = pytest.mark.models

CONFIGS = [
    EncoderConfig(kind="attention", heads=2),
    EncoderConfig(kind="transformer", heads=2, layers=1),
    EncoderConfig(kind="transformer", heads=2, layers=1, positions=False),
    EncoderConfig(kind="res_latent_attn", heads=2, layers=1),
    EncoderConfig(kind="res_latent_attn", heads=2, layers=1, latent=4),
    EncoderConfig(kind="res_latent_attn", heads=2, layers=1, pooling="last"),
]


def encoder_of(config: EncoderConfig) -> HyperEncoder:
    torch.manual_seed(1)
    encoder = HyperEncoder(config, 8, 3).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.3)
    return encoder


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_what_stands_in_padding_changes_nothing(config: EncoderConfig) -> None:
    encoder, vectors = encoder_of(config), torch.randn(5, 3, 8)
    is_real = torch.tensor([[True, True, False]]).expand(5, 3)
    other = vectors.clone()
    other[:, 2] = 100.0
    with torch.no_grad():
        torch.testing.assert_close(encoder(vectors, is_real), encoder(other, is_real))


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_batch_gives_what_each_alone_gives(config: EncoderConfig) -> None:
    encoder, vectors = encoder_of(config), torch.randn(4, 3, 8)
    is_real = torch.tensor([[True, True, True], [True, True, False], [True, True, False], [True, True, True]])
    with torch.no_grad():
        together = encoder(vectors, is_real)
        alone = torch.cat([encoder(vectors[i : i + 1], is_real[i : i + 1]) for i in range(4)])
    assert together.shape == (4, 8)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("config", [config for config in CONFIGS if config.positions], ids=str)
def test_the_order_of_ids_matters(config: EncoderConfig) -> None:
    encoder, vectors = encoder_of(config), torch.randn(2, 3, 8)
    is_real = torch.ones(2, 3, dtype=torch.bool)
    with torch.no_grad():
        assert not torch.allclose(encoder(vectors, is_real), encoder(vectors.flip(1), is_real), atol=1e-3)


def test_a_residual_encoder_begins_as_the_first_id() -> None:
    encoder, vectors = HyperEncoder(EncoderConfig(heads=2), 8, 3), torch.randn(4, 3, 8)
    assert torch.equal(encoder(vectors, torch.ones(4, 3, dtype=torch.bool)), vectors[:, 0])


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(UsageError, match="heads must divide the width 8"):
        HyperEncoder(EncoderConfig(heads=3), 8, 3)
