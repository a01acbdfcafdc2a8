"""The last check of a transplant: does the new model run, and how does it read beside its base?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tokkit.errors import GateError, TokenizerError
from tokkit.transplant.checkpoint import open_checkpoint

Choice = Literal["auto", "on", "off"]
LIMIT: Final = 2 << 30
"""Bytes of weights up to which `auto` runs a model."""
SAMPLE: Final = (
    "The old lighthouse keeper climbed the stairs every evening, 128 of them, with a lamp in one hand and a book in "
    "the other. From the top he could see the harbour, the fishing boats, and on clear days the mountains beyond the "
    'bay. "Nothing ever happens here," he used to say, and that was exactly how he liked it.\n\n'
    "One night in November, while the wind was howling around the tower, somebody knocked at the door. It was a girl "
    "of about ten, wet to the skin, who asked him whether this was the house where the light comes from. He gave her "
    "tea, a blanket and two biscuits; then she fell asleep in his chair, and he never learned her name.\n"
)


@dataclass(frozen=True)
class Forward:
    """Bits per byte of both on a sample, None for models that are not causal; `note` says what wasn't done and why."""

    base: float | None = None
    result: float | None = None
    sample_bytes: int = 0
    note: str | None = None

    def to_json(self) -> dict[str, object]:
        """The same as an object."""
        return {
            "bits_per_byte": {"base": self.base, "result": self.result},
            "sample_bytes": self.sample_bytes,
            "note": self.note,
        }

    def line(self) -> str:
        """The same for people."""
        if self.base is None or self.result is None:
            return f"forward pass: {self.note or 'finite; no causal model, so no bits per byte'}"
        return f"forward pass: {self.base:.3f} -> {self.result:.3f} bits per byte on {self.sample_bytes:,} bytes"


def forward_check(
    base: Path, made: Path, choice: Choice, sample: Sequence[str] | None = None, *, threads: int = 0
) -> Forward:
    """Runs base and result on `sample`; `auto` does so where torch is installed and the model is small.

    Raises:
        GateError: the base runs, the result does not, or gives numbers that are not finite.
        MissingExtraError: no torch and `on`. TokenizerError: the base doesn't run and `on`.
    """
    from tokkit.extrinsic.causal import has_torch, need_torch

    if choice == "off":
        return Forward(note="left out (--forward off)")
    if choice == "on":
        need_torch("for the forward pass")
    elif not has_torch():
        return Forward(note="left out, torch is not installed (pip install 'tokkit[models]')")
    weights = sum(tensor.end - tensor.start for tensor in open_checkpoint(base).tensors.values())
    if choice == "auto" and weights > LIMIT:
        return Forward(note=f"left out, the model has {weights / 1e9:.1f} GB (--forward on runs it)")
    texts = list(sample or [SAMPLE])
    try:
        before = _read(base, texts, threads)
    except TokenizerError as error:
        if choice == "on":
            raise
        return Forward(note=f"left out, the base model does not run: {error.message}")
    try:
        after = _read(made, texts, threads)
    except TokenizerError as error:
        raise GateError(f"forward pass: {error.message}", hint="please report this: the result was not kept") from error
    return Forward(before, after, sum(len(text.encode()) for text in texts))


def _read(folder: Path, texts: Sequence[str], threads: int) -> float | None:
    """Bits per byte of a causal model; None after a finite pass of another one."""
    from tokkit.extrinsic.causal import is_causal, load_causal
    from tokkit.extrinsic.config import Reading
    from tokkit.extrinsic.measure import measure

    if not is_causal(folder):
        _run_once(folder)
        return None
    model = load_causal(folder, threads=threads)
    return measure(model, texts, Reading(lossy="penalise")).total.bits_per_byte


def _run_once(folder: Path) -> None:
    """One pass of a model of any kind over a few ids.

    Raises:
        TokenizerError: it doesn't load or run, or its output is not finite.
    """
    import torch

    from tokkit.extrinsic.causal import as_errors, load_network, network_class

    checkpoint = open_checkpoint(folder)
    network, _ = load_network(checkpoint, network_class(checkpoint.config), "float32", 0)
    ids = torch.arange(6)[None] % max(1, int(network.get_input_embeddings().weight.shape[0]))
    given: dict[str, Any] = {"input_ids": ids}
    if getattr(network.config, "is_encoder_decoder", False):
        given["decoder_input_ids"] = ids[:, :3]
    with as_errors(folder), torch.no_grad():
        made = network(**given)
    values = made.logits if hasattr(made, "logits") else made.last_hidden_state
    if not bool(torch.isfinite(values).all()):
        raise TokenizerError(f"{folder}: the model's output is not finite")
