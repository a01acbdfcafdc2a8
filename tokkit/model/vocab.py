"""Projections of a model onto vocabularies: output ids, token bytes and the strings of tokenizer.json."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokenizerError
from tokkit.model.events import Kind
from tokkit.model.model import Model, Unit

NOT_IN_VOCAB: Final = 2**32 - 1
"""What `output_ids` says for a token that is not in the vocabulary at the end of the log."""


def _byte_alphabet() -> str:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    characters = {byte: chr(byte) for byte in printable}
    others = (byte for byte in range(256) if byte not in characters)
    characters.update((byte, chr(0x100 + place)) for place, byte in enumerate(others))
    return "".join(characters[byte] for byte in range(256))


BYTE_ALPHABET: Final = _byte_alphabet()
"""GPT-2's byte-to-unicode map: the printable character that stands for byte `i` is at place `i`."""

ATOM_BYTE_ORDER: Final = bytes(sorted(range(256), key=BYTE_ALPHABET.__getitem__))
"""The 256 bytes in the code-point order of their characters in `BYTE_ALPHABET`: HF's id order of byte atoms."""

_TO_CHARACTER: Final = dict(enumerate(BYTE_ALPHABET))
_TO_BYTE: Final = {character: byte for byte, character in enumerate(BYTE_ALPHABET)}


def bytes_to_string(token: bytes) -> str:
    r"""The byte-alphabet spelling of a byte string.

    >>> bytes_to_string(b" caf\xc3\xa9")
    'ĠcafÃ©'
    """
    return token.decode("latin-1").translate(_TO_CHARACTER)


def string_to_bytes(string: str) -> bytes:
    """The bytes that a byte-alphabet spelling stands for.

    Raises:
        TokenizerError: a character outside the alphabet.
    """
    try:
        return bytes(map(_TO_BYTE.__getitem__, string))
    except KeyError as error:
        raise TokenizerError(f"token {string!r} holds {error.args[0]!r}, which is not in the byte alphabet") from None


def keeps_spaces(unit: Unit, prefix: str) -> bool:
    """Whether a prefix says only where a token stands, not where a space was: one that is no byte's character."""
    return unit == "byte" and bool(prefix) and not all(character in _TO_BYTE for character in prefix)


def byte_token_string(byte: int) -> str:
    """The name of a byte token of a character-level vocabulary, `<0x0A>`."""
    return f"<0x{byte:02X}>"


def token_bytes(model: Model) -> list[bytes]:
    """The bytes of every token by internal id, prefix and suffix marks included; a byte token is its one byte."""
    tokens = list(model.tokens)
    for byte in range(model.n_byte_tokens):
        tokens[model.n_specials + byte] = bytes([byte])
    return tokens


def token_strings(model: Model) -> list[str]:
    """The vocabulary strings of tokenizer.json by internal id, absent tokens included.

    Byte unit: the byte-alphabet spelling, the model's prefix and suffix as they are. Character unit: the text itself.
    Specials are their own text, byte tokens `<0xNN>`.

    Raises:
        TokenizerError: a token of a character-level model is not UTF-8.
    """
    strings = [*model.specials, *(byte_token_string(byte) for byte in range(model.n_byte_tokens))]
    spell = _byte_unit_string if model.alphabet.unit == "byte" else _char_unit_string
    strings.extend(spell(model, token) for token in model.tokens[model.first_atom :])
    return strings


def output_order(model: Model) -> NDArray[np.uint32]:
    """Internal ids of the tokens in the vocabulary, in the order of their output ids; uint32 [vocabulary].

    Layouts: "hf" keeps the internal order (specials, byte tokens, atoms, made tokens). "tokkit" puts the 256 bytes in
    byte order first (character unit: byte tokens, then atoms by code point), then made tokens in event order, then
    specials; with it the rank of a token is its id. "sentencepiece" has specials, byte tokens, made tokens, then atoms
    by falling score (the trainer scores characters by frequency), else by code point.

    A special may double as an atom or as the result of a merge that spells it: it has one id, and keeps its place
    among the specials, except that a byte's atom stays in the byte block of "tokkit".
    """
    internal = np.arange(len(model.tokens), dtype=np.uint32)
    specials = internal[: model.n_specials]
    byte_tokens = internal[model.n_specials : model.first_atom]
    atoms = internal[model.first_atom : model.first_made]
    made = internal[model.first_made :]
    if model.layout == "hf":
        order = internal
    elif model.layout == "tokkit":
        if model.alphabet.unit == "byte":
            shared = special_atoms(model)
            atoms = np.concatenate([np.array(sorted(shared.values()), np.uint32), atoms])
            by_special = {token: byte for byte, token in shared.items()}
            key = {int(t): bytes([by_special[int(t)]]) if int(t) in by_special else model.tokens[t] for t in atoms}
            specials = np.array([t for t in specials if int(t) not in by_special], np.uint32)
            atoms = np.array(sorted(key, key=lambda token: (len(key[token]), key[token])), np.uint32)
        order = np.concatenate([byte_tokens, atoms, made, specials])
    elif model.layout == "sentencepiece":
        if model.scores is not None:
            atoms = atoms[np.argsort(-model.scores[atoms], kind="stable")]
        order = np.concatenate([specials, byte_tokens, made, atoms])
    else:
        raise TokenizerError(f"unknown id layout, got `{model.layout}`", hint="one of: tokkit, hf, sentencepiece")
    return order[model.present[order]]


def output_ids(model: Model) -> NDArray[np.uint32]:
    """Output id of every internal id, `NOT_IN_VOCAB` for tokens that left the vocabulary; uint32 [len(tokens)].

    `model.ids` wins over the layout where the model brings the ids of a file it was read from. Under inference `ghost`
    tokens that left the vocabulary have ids too, after all others, so that those are the same under every inference.
    """
    if model.ids is not None:
        ids = np.where(model.present, model.ids, np.uint32(NOT_IN_VOCAB)).astype(np.uint32)
    else:
        ids = np.full(len(model.tokens), NOT_IN_VOCAB, np.uint32)
        order = output_order(model)
        ids[order] = np.arange(len(order), dtype=np.uint32)
    return extended_ids(ids) if model.inference == "ghost" else ids


def extended_ids(ids: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The ids, with ids after the last for the tokens that have none, in internal order; uint32 [len(tokens)]."""
    outside = np.flatnonzero(ids == NOT_IN_VOCAB)
    used = ids[ids != NOT_IN_VOCAB]
    first = int(used.max()) + 1 if len(used) else 0
    extended = ids.copy()
    extended[outside] = first + np.arange(len(outside), dtype=np.uint32)
    return extended


def vocab_size(model: Model) -> int:
    """One more than the largest output id; without holes (the usual case) the number of tokens, specials included."""
    ids = output_ids(model)
    used = ids[ids != NOT_IN_VOCAB]
    return int(used.max()) + 1 if len(used) else 0


def special_ids(model: Model) -> dict[str, int]:
    """Output id of every special token, in the order given to the trainer."""
    ids = output_ids(model)
    return {text: int(ids[token]) for token, text in enumerate(model.specials)}


def byte_atoms(model: Model) -> NDArray[np.uint32]:
    """Internal id of the atom of each byte, for a byte-level model; uint32 [256].

    Raises:
        TokenizerError: a byte has no atom.
    """
    atoms = np.full(256, NOT_IN_VOCAB, np.uint32)
    for byte, token in special_atoms(model).items():
        atoms[byte] = token
    for token in range(model.first_atom, model.first_made):
        if len(model.tokens[token]) == 1:
            atoms[model.tokens[token][0]] = token
    missing = np.flatnonzero(atoms == NOT_IN_VOCAB)
    if len(missing):
        raise TokenizerError(f"byte 0x{missing[0]:02X} has no token: a byte-level model needs all 256")
    return atoms


def special_atoms(model: Model) -> dict[int, int]:
    """Byte -> internal id of the special that doubles as its atom (HF gives a one-character special no second id)."""
    if model.alphabet.unit != "byte":
        return {}
    own = {model.tokens[token] for token in range(model.first_atom, model.first_made)}
    return {
        _TO_BYTE[text]: token
        for token, text in enumerate(model.specials)
        if text in _TO_BYTE and bytes([_TO_BYTE[text]]) not in own
    }


def merged_specials(model: Model) -> frozenset[int]:
    """Internal ids of the specials that a merge also makes: ordinary text can yield them."""
    made = model.events.token[model.events.kind == Kind.MERGE]
    return frozenset(int(token) for token in made if token < model.n_specials)


def _char_unit_string(_: Model, token: bytes) -> str:
    try:
        return token.decode()
    except UnicodeDecodeError as error:
        raise TokenizerError(f"token {token!r} of a character-level model is not UTF-8") from error


def _byte_unit_string(model: Model, token: bytes) -> str:
    prefix, suffix = model.alphabet.prefix.encode(), model.alphabet.suffix.encode()
    head = model.alphabet.prefix if prefix and token.startswith(prefix) and len(token) > len(prefix) else ""
    body = token[len(prefix) :] if head else token
    tail = model.alphabet.suffix if suffix and body.endswith(suffix) and len(body) > len(suffix) else ""
    return head + bytes_to_string(body[: len(body) - len(suffix)] if tail else body) + tail
