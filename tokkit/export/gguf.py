"""The vocabulary of a GGUF file (version 3, no tensors), as llama.cpp reads it for byte-level BPE."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.gguf_file import ARRAY, BOOL, INT32, STRING, UINT32, Value, encode, write_header
from tokkit.export.plain import require_plain
from tokkit.export.roles import roles_of
from tokkit.model.model import Model
from tokkit.model.vocab import NOT_IN_VOCAB, merged_specials, output_ids, special_ids, token_strings

FILE: Final = "vocab.gguf"
_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
_ROLES: Final = {"bos": "bos_token_id", "eos": "eos_token_id", "pad": "padding_token_id", "unk": "unknown_token_id"}


@EXPORTERS.register("gguf")
def export(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:
    """Writes vocab.gguf; llama.cpp cuts texts by the name in `tokenizer.ggml.pre`, `superbpe` for SuperBPE.

    Raises:
        TokenizerError: not byte-level plain BPE, or llama.cpp has no such pre-tokenizer.
    """
    path = folder / FILE
    values = metadata(model, roles=roles)
    with path.open("wb") as file:
        write_header(file, {name: encode(value) for name, value in values.items()})
    return [path]


def metadata(model: Model, *, roles: Mapping[str, str] | None = None, rows: int = 0) -> dict[str, Value]:
    """Key -> (type number, value), in the order of the file; ids up to `rows` without a token are named as unused.

    Raises:
        TokenizerError: as `export`.
    """
    pre = _pretokenizer(model)
    ids, strings = output_ids(model), token_strings(model)
    size = max(rows, int(ids[ids != NOT_IN_VOCAB].max()) + 1)
    # llama.cpp wants all names different.
    unused = "[UNUSED"
    while any(text.startswith(unused) for text in strings):
        unused = f"[{unused}"
    tokens = [f"{unused}{place}]" for place in range(size)]
    kinds = np.full(size, _UNUSED, np.int32)
    for token in np.flatnonzero(ids != NOT_IN_VOCAB).tolist():
        tokens[ids[token]] = strings[token]
        kinds[ids[token]] = _kind(model, token)
    merges = [f"{strings[left]} {strings[right]}" for left, right, _ in model.events.merges().tolist()]
    values: dict[str, Value] = {
        "general.architecture": (STRING, "llama"),
        "general.type": (STRING, "vocab"),
        "tokenizer.ggml.model": (STRING, "gpt2"),
        "tokenizer.ggml.pre": (STRING, pre),
        "tokenizer.ggml.tokens": (ARRAY, (STRING, tokens)),
        "tokenizer.ggml.token_type": (ARRAY, (INT32, kinds.tolist())),
        "tokenizer.ggml.merges": (ARRAY, (STRING, merges)),
    }
    numbers = special_ids(model)
    for role, text in roles_of(model, roles).items():
        if role in _ROLES:
            values[f"tokenizer.ggml.{_ROLES[role]}"] = (UINT32, numbers[text])
    # Without these llama.cpp puts bos and a space in front by habits of its own.
    values["tokenizer.ggml.add_bos_token"] = (BOOL, False)
    values["tokenizer.ggml.add_space_prefix"] = (BOOL, False)
    return values


def _kind(model: Model, token: int) -> int:
    if token >= model.n_specials:
        return _NORMAL
    return _USER_DEFINED if model.specials[token] in model.user_defined else _CONTROL


def _pretokenizer(model: Model) -> str:
    from tokkit.pretokenizers import llama_cpp_name, names

    require_plain(model, "gguf")
    if model.alphabet.unit != "byte" or model.alphabet.prefix or model.alphabet.suffix or model.normalizer:
        raise TokenizerError("gguf: only byte-level models without prefix, suffix and normalizer fit")
    if merged_specials(model):
        raise TokenizerError("gguf: a special token is also made by merges, which llama.cpp never does")
    pre = llama_cpp_name(model.pretokenizer)
    if pre is None:
        known = ", ".join(name for name in names() if llama_cpp_name(name))
        raise TokenizerError(
            f"gguf: llama.cpp has no pre-tokenizer like `{model.pretokenizer}`", hint=f"train with one of: {known}"
        )
    return pre
