"""The options of reading a text with a language model."""

from typing import Literal

from pydantic import Field, model_validator

from tokkit.spec import Spec

Device = Literal["auto", "cpu", "cuda"]


class Reading(Spec):
    """What decides a number of bits per byte besides model and text; all of it is written into the manifest."""

    context: int = Field(
        2048, ge=16, le=1 << 24, description="bytes that a window spans at most, so that all tokenizers see as much"
    )
    stride: int = Field(1024, ge=1, le=1 << 24, description="bytes between windows; no more than the context")
    lossy: Literal["refuse", "penalise"] = Field(
        "refuse", description="a document that the tokenizer changes: stop, or pay 8 bits for each byte of its lines"
    )
    unit: Literal["document", "line"] = Field(
        "document", description="what one document of a text file is; context never goes beyond it"
    )
    device: Device = Field("auto", description="where the model runs; auto takes a GPU if there is one")
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="numbers that the model runs in")

    @model_validator(mode="after")
    def _ordered(self) -> "Reading":
        if self.stride > self.context:
            raise ValueError(f"stride must be no more than the context, got {self.stride} and {self.context}")
        return self
