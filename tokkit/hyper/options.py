"""The options of hyper-embedding and its training; needs no torch."""

from typing import Literal

from pydantic import Field

from tokkit.errors import MissingExtraError
from tokkit.spec import Spec


class EncoderConfig(Spec):
    """What a hypertoken's vector is computed by."""

    kind: Literal["attention", "transformer", "res_latent_attn"] = Field(
        "res_latent_attn",
        description="one attention layer; post-norm layers; or pre-norm layers that begin as the first id's embedding",
    )
    layers: int = Field(2, ge=1, le=64, description="layers of transformer and res_latent_attn")
    heads: int = Field(4, ge=1, le=1024, description="attention heads; divide the width")
    feed_forward: int | None = Field(None, ge=1, description="inner width of a layer; 4 times the width if not given")
    positions: bool = Field(True, description="learn a vector for each place in a hypertoken")
    latent: int | None = Field(None, ge=1, description="width inside of res_latent_attn; the model's if not given")
    pooling: Literal["mean", "last"] = Field(
        "mean", description="res_latent_attn: mean over the ids, or causal attention and the last id"
    )
    tied: bool = Field(True, description="one encoder for the input and the output matrix, or one for each")


class TuneConfig(Spec):
    """How `tokkit hyper tune` trains."""

    steps: int = Field(1000, ge=0, description="steps of AdamW")
    batch_size: int = Field(8, ge=1, description="rows in a step")
    row_codes: int = Field(256, ge=2, description="codes in a row")
    learning_rate: float = Field(1e-3, gt=0, description="reached after the warm-up, then falling to 0 on a line")
    warmup: int = Field(20, ge=0, description="steps of warm-up")
    weight_decay: float = Field(0.0, ge=0, description="of AdamW")
    reading: float = Field(0.1, ge=0, description="weight of the auxiliary loss: base ids read back from a hypertoken")
    train_base: bool = Field(False, description="train the model itself too, not the hyper-embedding alone")
    held_out: float = Field(0.05, ge=0, lt=1, description="share of the rows that is for measuring only")
    checkpoint_every: int = Field(200, ge=1, description="steps between checkpoints")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where it runs; auto: a GPU where there is one")
    seed: int = Field(0, ge=0, lt=2**63, description="of weights, order and draws")


def require_models_extra() -> None:
    """Raises MissingExtraError where torch or transformers are missing."""
    try:
        import torch  # noqa: F401 - asked for before files are read
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"{error.name} is needed for models with hypertokens", hint="pip install 'tokkit[models]'"
        ) from None
