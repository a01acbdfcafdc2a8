"""Which tensors of a model have a row for each token: found by name and shape, never by an architecture's code."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from tokkit.errors import TokenizerError
from tokkit.transplant.base import Side
from tokkit.transplant.checkpoint import DTYPES, Checkpoint

# Ends of names, the commonest first: llama and most others, gpt2, gpt-neox, falcon and bert, internlm2, mamba, t5.
_IN: Final = (
    "embed_tokens.weight",
    "wte.weight",
    "embed_in.weight",
    "word_embeddings.weight",
    "tok_embeddings.weight",
    "backbone.embeddings.weight",
    "shared.weight",
    "embed_tokens_per_layer.weight",
)
_OUT: Final = (
    "lm_head.weight",
    "embed_out.weight",
    "output_layer.weight",
    "cls.predictions.decoder.weight",
    "lm_head.decoder.weight",
    "vocab_projector.weight",
    "shared_head.head.weight",
)
_BIAS: Final = (
    "lm_head.bias",
    "embed_out.bias",
    "cls.predictions.bias",
    "cls.predictions.decoder.bias",
    "lm_head.decoder.bias",
    "vocab_projector.bias",
    "final_logits_bias",
)
_LIKELY: Final = re.compile(r"(embed|wte|word_emb|lm_head|embed_out)")
_NEVER: Final = re.compile(r"(position|token_type|wpe|patch|vision|norm)", re.IGNORECASE)
_SIDES: Final = ("_scale", "_scale_inv", "_zero_point", "_absmax")


@dataclass(frozen=True)
class Tables:
    """`inputs`, `outputs` are names of [rows, d], `biases` of vectors over rows. `is_tied`: one matrix serves both.

    `dropped` are output tensors that only repeat the input matrix of a tied model.
    """

    rows: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    biases: tuple[str, ...]
    is_tied: bool
    dropped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def sides(self) -> dict[str, Side]:
        """Matrix name -> side, inputs first."""
        found: dict[str, Side] = dict.fromkeys(self.inputs, "in")
        found.update(dict.fromkeys(self.outputs, "out"))
        return found

    def names(self) -> frozenset[str]:
        """All tensors that have something for each token."""
        return frozenset((*self.inputs, *self.outputs, *self.biases, *self.dropped))

    def head(self) -> str | None:
        """The output matrix where it is a tensor of its own; None where the input's serves."""
        own = (name for name in (*self.outputs, *self.inputs) if is_head(name))
        return min(own, key=lambda name: (len(name), name), default=None)


def find_tables(model: Checkpoint, *, extra: tuple[str, ...] = ()) -> Tables:
    """The tables of a model; `extra` names more input-like ones.

    Raises:
        TokenizerError: none, quantised ones, or one of a kind that is not known and not in `extra`.
    """
    matrices = [name for name, tensor in model.tensors.items() if len(tensor.shape) == 2]
    inputs = [name for name in matrices if (_ends(name, _IN) and not _NEVER.search(name)) or name in extra]
    if not inputs:
        packed = [
            name for name in model.tensors if re.search(r"(embed_tokens|wte|word_embeddings)\.(qweight|q_)", name)
        ]
        if packed:
            raise TokenizerError(f"{model.folder}: the vocabulary is quantised: {packed[0]}", hint=_DEQUANTISE)
        raise TokenizerError(f"{model.folder}: no input embedding found", hint="name it with --table NAME")
    main = min(
        inputs, key=lambda name: (min((at for at, end in enumerate(_IN) if name.endswith(end)), default=99), len(name))
    )
    rows = model.tensors[main].shape[0]
    inputs = [main, *sorted(name for name in inputs if name != main and model.tensors[name].shape[0] == rows)]
    outputs = sorted(name for name in matrices if is_head(name) and model.tensors[name].shape[0] == rows)
    biases = sorted(
        name for name, tensor in model.tensors.items() if _ends(name, _BIAS) and tensor.shape[-1:] == (rows,)
    )
    for name in matrices:
        known = name in inputs or name in outputs or _NEVER.search(name)
        if not known and model.tensors[name].shape[0] == rows and _LIKELY.search(name):
            raise TokenizerError(
                f"{model.folder}: {name} has a row for each token, but is not a known table",
                hint=f"if it is one, say --table {name}",
            )
    for name in (*inputs, *outputs):
        _refuse_quantised(model, name)
    return _tied(model, rows, tuple(inputs), tuple(outputs), tuple(biases))


_DEQUANTISE: Final = "dequantise the model first, or take its unquantised original"


def is_head(name: str) -> bool:
    """Whether a tensor of this name is an output matrix."""
    return _ends(name, _OUT) or name == "output.weight"


def _ends(name: str, ends: tuple[str, ...]) -> bool:
    return any(name == end or name.endswith("." + end) for end in ends)


def _refuse_quantised(model: Checkpoint, name: str) -> None:
    stem = name.removesuffix(".weight")
    sides = [
        side for side in (*(name + end for end in _SIDES), f"{stem}.scales", f"{stem}.qweight") if side in model.tensors
    ]
    if sides or model.tensors[name].dtype not in DTYPES:
        what = sides[0] if sides else model.tensors[name].dtype
        raise TokenizerError(f"{model.folder}: {name} is quantised ({what})", hint=_DEQUANTISE)


def _tied(
    model: Checkpoint, rows: int, inputs: tuple[str, ...], outputs: tuple[str, ...], biases: tuple[str, ...]
) -> Tables:
    flag = tie_flag(model.config)
    if not outputs:
        return Tables(rows, inputs, (), biases, is_tied=True)
    main = model.read(inputs[0])
    if flag is not False and all(model.tensors[n].shape == main.shape for n in outputs):
        same = [name for name in outputs if np.array_equal(_bits(model.read(name)), _bits(main))]
        if len(same) == len(outputs):
            if flag:
                note = f"tied model with {same[0]} besides: the copy is left out"
                return Tables(rows, inputs, (), biases, is_tied=True, dropped=outputs, warnings=(note,))
            return Tables(rows, (*inputs, *outputs), (), biases, is_tied=True)
    notes = ("config.json says tied, but the two matrices differ: treated as untied",) if flag else ()
    return Tables(rows, inputs, outputs, biases, is_tied=False, warnings=notes)


def _bits(values: "np.typing.NDArray[np.generic]") -> "np.typing.NDArray[np.uint8]":
    return np.ascontiguousarray(values).view(np.uint8)


def tie_flag(config: dict[str, object]) -> bool | None:
    """`tie_word_embeddings` of the config or of its text part; None when absent."""
    for part in (config, config.get("text_config")):
        if isinstance(part, dict) and isinstance(part.get("tie_word_embeddings"), bool):
            return bool(part["tie_word_embeddings"])
    return None
