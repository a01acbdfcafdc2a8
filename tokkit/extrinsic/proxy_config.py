"""The options of proxy language models."""

from typing import Literal

from pydantic import Field, model_validator

from tokkit.extrinsic.config import Device
from tokkit.spec import Spec


class Proxy(Spec):
    """How large the models are and how long they train; all of it is written into the manifest."""

    layers: int = Field(2, ge=1, le=64, description="blocks of the transformer")
    width: int = Field(128, ge=8, le=8192, description="numbers that stand for a token between blocks")
    heads: int = Field(4, ge=1, le=128, description="heads of attention of a block; must divide the width evenly")
    context: int = Field(
        512, ge=16, le=1 << 20, description="bytes that a window spans at most, whatever the tokenizer"
    )
    batch: int = Field(16, ge=1, le=4096, description="windows of a step: every tokenizer sees the same bytes in each")
    steps: int = Field(300, ge=1, le=10_000_000, description="steps of training")
    rate: float = Field(3e-3, gt=0, le=1, description="learning rate at its height")
    seeds: int = Field(3, ge=1, le=100, description="models of each tokenizer, which differ by their seeds")
    match: Literal["bytes", "flops"] = Field(
        "bytes",
        description="what tokenizers get alike: steps over the same bytes, or arithmetic of the first tokenizer",
    )
    lossy: Literal["refuse", "penalise"] = Field(
        "refuse", description="a text that the tokenizer changes: stop, or pay 8 bits for each byte of its lines"
    )
    device: Device = Field("auto", description="where the models train; auto takes a GPU if there is one")

    @model_validator(mode="after")
    def _even(self) -> "Proxy":
        if self.width % (2 * self.heads):
            raise ValueError(f"width must be a multiple of twice the heads, got {self.width} and {self.heads}")
        return self
