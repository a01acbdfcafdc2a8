"""The folder of a tuned hyper-embedding: hyper.json and hyper.safetensors beside the name of the base model."""

import json
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tokkit.errors import InputError, UsageError
from tokkit.hyper.codec import HypertokenConfig
from tokkit.hyper.model import HyperModel
from tokkit.hyper.options import EncoderConfig

_FORMAT: Final = 1
CARD: Final = "hyper.json"
WEIGHTS: Final = "hyper.safetensors"


def load_base(folder: Path) -> Any:
    """The causal model of a local `transformers` folder, in f32; executes nothing from it.

    Raises InputError: not there, or not readable as such a model.
    """
    from transformers import AutoModelForCausalLM

    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", hint="give a local folder with config.json and weights")
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder}: cannot be read as a causal model: {str(error).splitlines()[0]}") from None
    return model.to(torch.float32)


def trained(model: HyperModel) -> dict[str, Tensor]:
    """The parameters that training changes, by name; a tied matrix once."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def write_model(folder: Path, model: HyperModel, encoder: EncoderConfig, base: Path, about: dict[str, object]) -> None:
    """Writes what training made into a folder that exists; the card last, so that with it all is there."""
    save_file({name: value.detach().cpu().contiguous() for name, value in trained(model).items()}, folder / WEIGHTS)
    card = {
        "format": _FORMAT,
        "base": str(base.resolve()),
        "codec": model.codec.model_dump(mode="json"),
        "encoder": encoder.model_dump(mode="json"),
        **about,
    }
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def load_model(folder: str | Path, *, base: str | Path | None = None, device: str = "cpu") -> HyperModel:
    """A tuned model; `base` where its base model lies elsewhere now.

    Raises:
        InputError: a file is missing or damaged, or the weights do not fit the base model.
        UsageError: sizes that cannot work.
    """
    folder = Path(folder)
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be read: {error.strerror or error}") from None
    except (ValueError, SafetensorError) as error:
        raise InputError(f"{folder}: damaged: {error}") from None
    if card.get("format") != _FORMAT:
        raise InputError(f"{folder / CARD}: format {card.get('format')!r} is not known", hint="install a newer tokkit")
    try:
        codec = HypertokenConfig.model_validate(card["codec"])
        encoder = EncoderConfig.model_validate(card["encoder"])
    except (KeyError, ValidationError) as error:
        raise InputError(f"{folder / CARD}: {str(error).splitlines()[0]}") from None
    model = HyperModel(load_base(Path(base or card["base"])), codec, encoder)
    put(model, weights, folder / WEIGHTS)
    model.to(device).eval()
    return model


def put(model: HyperModel, weights: dict[str, Tensor], path: Path) -> None:
    """Copies weights into the model's parameters of the same names. Raises InputError: names or shapes differ."""
    own = dict(model.named_parameters())
    missing = {name for name in own if not name.startswith("base.")} - weights.keys()
    for name, value in weights.items():
        if name not in own or own[name].shape != value.shape:
            raise InputError(f"{path}: {name} does not fit this model")
    if missing:
        raise InputError(f"{path}: {min(missing)} is missing")
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(value)


def chosen_device(name: str) -> str:
    """`auto` is a GPU where there is one. Raises UsageError: cuda without a GPU."""
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise UsageError("device: no GPU is to be seen here", hint="--device cpu")
    return ("cuda" if has_gpu else "cpu") if name == "auto" else name
