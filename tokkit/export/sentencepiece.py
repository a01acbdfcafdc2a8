"""A sentencepiece model (`ModelProto`): exact for character-level merges, and for tokens taken down after merging.

Pieces are scored by -rank. A token that left the vocabulary is a piece of type UNUSED, which takes part in merging and
is resegmented along its parts at the end: what Scaffold-BPE and trimmed vocabularies do.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.roles import roles_of
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.program import ghost_merges
from tokkit.model.vocab import extended_ids, output_ids, token_strings

FILE: Final = "tokenizer.model"
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = 1, 2, 3, 4, 5, 6
_BPE: Final = 2
_SCHEMES: Final = ("sentencepiece@1",)


@EXPORTERS.register("sentencepiece")
def export(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:
    """Writes tokenizer.model. Ids are the artefact's; tokens that left the vocabulary have the ids after it.

    Raises:
        TokenizerError: not character-level, no unknown token, another pre-tokenizer than sentencepiece@1,
            or an encoder that replays splits.
    """
    _require(model)
    ids, strings = extended_ids(output_ids(model)), token_strings(model)
    merges = ghost_merges(model)
    scores = {int(token): -float(rank) for rank, token in reversed(list(enumerate(merges[:, 2].tolist())))}
    pieces: list[bytes] = [b""] * len(strings)
    for place, string in enumerate(strings):
        if place in scores:
            kind, score = (_NORMAL if model.present[place] else _UNUSED), scores[place]
        elif place < model.n_specials:
            kind, score = _kind(model, model.specials[place]), 0.0
        elif place < model.first_atom:
            kind, score = _BYTE, 0.0
        else:
            kind, score = _NORMAL, -float(len(merges) + place)
        pieces[int(ids[place])] = _message(1, _text(1, string) + _float(2, score) + _number(3, kind))
    body = b"".join(pieces) + _message(2, _trainer_spec(model, ids.tolist(), roles)) + _message(3, _normalizer(model))
    path = folder / FILE
    path.write_bytes(body)
    return [path]


def _kind(model: Model, special: str) -> int:
    if special == model.alphabet.unk_token:
        return _UNKNOWN
    return _USER_DEFINED if special in model.user_defined else _CONTROL


def _require(model: Model) -> None:
    alphabet = model.alphabet
    if alphabet.unit != "char" or alphabet.prefix or alphabet.suffix:
        raise TokenizerError(
            "sentencepiece: pieces must be UTF-8: a byte-level vocabulary has no form there",
            hint="train with --unit char",
        )
    if alphabet.unk_token is None or alphabet.unknown == "drop":
        raise TokenizerError("sentencepiece: needs an unknown token", hint="train with --unknown unk --unk-token <unk>")
    if model.pretokenizer not in _SCHEMES:
        raise TokenizerError(
            f"sentencepiece: pre-tokenizer `{model.pretokenizer}` has no form there",
            hint="one of: " + ", ".join(_SCHEMES),
        )
    if model.normalizer is not None:
        raise TokenizerError(f"sentencepiece: normalizer `{model.normalizer}` has no form there")
    if model.inference not in ("exact", "merge", "vocab_rank") or (model.events.kind == Kind.SPLIT).any():
        raise TokenizerError(
            f"sentencepiece: a {model.method} model read by `{model.inference}` has no exact form there",
            hint="export to hf, which carries an exact loader",
        )
    if model.config.get("remerge", False) and not model.present.all():
        raise TokenizerError("sentencepiece: merging again after tokens were taken apart has no form there")
    if (model.events.kind == Kind.KNOCKOUT).any():
        raise TokenizerError("sentencepiece: merges of more than two parts have no form there")


def _trainer_spec(model: Model, ids: list[int], roles: Mapping[str, str] | None) -> bytes:
    given = roles_of(model, roles)
    place = {text: ids[at] for at, text in enumerate(model.specials)}
    spec = _number(3, _BPE) + _number(4, len(ids))
    spec += _number(24, 0)  # split_by_whitespace is about training; 24 is treat_whitespace_as_suffix: false
    spec += _number(35, int(model.alphabet.unknown == "byte_fallback"))
    for field, role in ((40, "unk"), (41, "bos"), (42, "eos"), (43, "pad")):
        spec += _number(field, place[given[role]] if role in given else -1)
    for field, role in ((45, "unk"), (46, "bos"), (47, "eos"), (48, "pad")):
        if role in given:
            spec += _text(field, given[role])
    return spec


def _normalizer(model: Model) -> bytes:
    """Identity; spaces are escaped, a marker stands before the text, and `sentencepiece@1` collapses runs of spaces."""
    collapses = model.pretokenizer == "sentencepiece@1"
    return _text(1, "identity") + _number(3, 1) + _number(4, int(collapses)) + _number(5, 1)


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
