"""The options of a transplant that do not depend on its method."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from tokkit.spec import Spec


class TransplantConfig(Spec):
    """What holds whatever the method."""

    untie: bool = Field(False, description="give a tied model an output matrix of its own, made for output")
    pad_to_multiple_of: int = Field(1, ge=1, le=65536, description="fill the tables up to a multiple of this")
    chat_template: Literal["auto", "target", "base", "none"] = Field(
        "auto", description="whose chat template; auto is the target's, else the base's"
    )
    anchor_filter: Literal["none", "magikarp"] = Field(
        "none", description="leave hardly trained rows out of the anchors"
    )
    digit_policy: Literal["warn", "ignore", "error"] = Field(
        "warn", description="if digits are cut otherwise: warn and compose tokens of several digits, ignore, or stop"
    )
    verify: bool = Field(True, description="reopen the result and check it")
    forward: Literal["auto", "on", "off"] = Field(
        "auto", description="also run base and result on a sample; auto does with torch and up to 2 GB of weights"
    )
    sample: Path | None = Field(None, description="text of the forward pass; a short English one by default")
    tables: tuple[str, ...] = Field((), description="more tensors that have a row for each token")
