"""The vocabulary of a GGUF file (version 3, no tensors), as llama.cpp reads it for byte-level BPE."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.plain import require_plain
from tokkit.export.roles import roles_of
from tokkit.model.model import Model
from tokkit.model.vocab import NOT_IN_VOCAB, merged_specials, output_ids, special_ids, token_strings

FILE: Final = "vocab.gguf"
_MAGIC: Final = 0x46554747
_VERSION: Final = 3
# Numbers of the value types in the format.
_UINT32, _INT32, _BOOL, _STRING, _ARRAY = 4, 5, 7, 8, 9
_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
_ROLES: Final = {"bos": "bos_token_id", "eos": "eos_token_id", "pad": "padding_token_id", "unk": "unknown_token_id"}
Value = tuple[int, object]


@EXPORTERS.register("gguf")
def export(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:
    """Writes vocab.gguf; llama.cpp cuts texts by the name in `tokenizer.ggml.pre`, `superbpe` for SuperBPE.

    Raises:
        TokenizerError: not byte-level plain BPE, or llama.cpp has no such pre-tokenizer.
    """
    path = folder / FILE
    with path.open("wb") as file:
        values = metadata(model, roles=roles)
        file.write(struct.pack("<IIQQ", _MAGIC, _VERSION, 0, len(values)))
        for name, (kind, value) in values.items():
            _write_string(file, name)
            file.write(struct.pack("<I", kind))
            _write(file, kind, value)
    return [path]


def metadata(model: Model, *, roles: Mapping[str, str] | None = None) -> dict[str, Value]:
    """Key -> (type number, value), in the order of the file.

    Raises:
        TokenizerError: as `export`.
    """
    pre = _pretokenizer(model)
    ids, strings = output_ids(model), token_strings(model)
    size = int(ids[ids != NOT_IN_VOCAB].max()) + 1
    tokens = [f"[UNUSED{place}]" for place in range(size)]
    kinds = np.full(size, _UNUSED, np.int32)
    for token in np.flatnonzero(ids != NOT_IN_VOCAB).tolist():
        tokens[ids[token]] = strings[token]
        kinds[ids[token]] = _kind(model, token)
    merges = [f"{strings[left]} {strings[right]}" for left, right, _ in model.events.merges().tolist()]
    values: dict[str, Value] = {
        "general.architecture": (_STRING, "llama"),
        "general.type": (_STRING, "vocab"),
        "tokenizer.ggml.model": (_STRING, "gpt2"),
        "tokenizer.ggml.pre": (_STRING, pre),
        "tokenizer.ggml.tokens": (_ARRAY, (_STRING, tokens)),
        "tokenizer.ggml.token_type": (_ARRAY, (_INT32, kinds.tolist())),
        "tokenizer.ggml.merges": (_ARRAY, (_STRING, merges)),
    }
    numbers = special_ids(model)
    for role, text in roles_of(model, roles).items():
        if role in _ROLES:
            values[f"tokenizer.ggml.{_ROLES[role]}"] = (_UINT32, numbers[text])
    # Without these llama.cpp puts bos and a space in front by habits of its own.
    values["tokenizer.ggml.add_bos_token"] = (_BOOL, False)
    values["tokenizer.ggml.add_space_prefix"] = (_BOOL, False)
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


def _write_string(file: BinaryIO, text: str) -> None:
    data = text.encode()
    file.write(struct.pack("<Q", len(data)))
    file.write(data)


def _write(file: BinaryIO, kind: int, value: object) -> None:
    if kind == _ARRAY:
        assert isinstance(value, tuple), "an array is (type, values)"
        inner, items = value
        file.write(struct.pack("<IQ", inner, len(items)))
        _write_items(file, inner, items)
    else:
        _write_items(file, kind, [value])


def _write_items(file: BinaryIO, kind: int, items: Sequence[object]) -> None:
    for item in items:
        if kind == _STRING:
            _write_string(file, str(item))
        else:
            assert isinstance(item, int), "numbers and booleans"
            file.write(struct.pack({_UINT32: "<I", _INT32: "<i", _BOOL: "<?"}[kind], item))
