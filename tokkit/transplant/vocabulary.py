"""What each token of a tokenizer stands for, in bytes, whatever family the tokenizer is of."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from tokkit.errors import InputError, TokenizerError
from tokkit.load import load_tokenizer
from tokkit.load.hf_file import HfFile, read_hf
from tokkit.load.json_file import read_object
from tokkit.pretokenizers import marks_spaces

Family = Literal["bytelevel", "spm", "wordpiece", "raw"]
Kind = Literal["text", "special"]

_BYTE_TOKEN: Final = frozenset(f"<0x{byte:02X}>" for byte in range(256))
_MARKER: Final = "▁"
_ROLES: Final = ("bos", "eos", "pad", "unk", "mask", "cls", "sep")


def _byte_of_character() -> dict[str, int]:
    """The inverse of GPT-2's byte-to-unicode table."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in set(shown)]
    return {chr(byte): byte for byte in shown} | {chr(0x100 + place): byte for place, byte in enumerate(hidden)}


BYTE_OF_CHARACTER: Final = _byte_of_character()
CHARACTER_OF_BYTE: Final = {byte: character for character, byte in BYTE_OF_CHARACTER.items()}


@dataclass(frozen=True)
class CanonicalToken:
    """One id: its string in the file, what it stands for, and 0 for a byte-fallback token, 1 for all others."""

    id: int
    token: str
    kind: Kind
    data: bytes
    precedence: int = 1


@dataclass(frozen=True)
class Vocabulary:
    """All tokens of a tokenizer by ascending id; holes are possible.

    `roles` are ids of bos, eos, pad, unk, mask, cls, sep and of what chat templates use, as far as files tell.
    `file` is there when the tokenizer is a tokenizer.json; `normalizer` names what changes a text beforehand.
    """

    family: Family
    tokens: tuple[CanonicalToken, ...]
    roles: dict[str, int] = field(default_factory=dict)
    normalizer: tuple[str, ...] = ()
    file: HfFile | None = None
    source: str = ""

    @property
    def n_rows(self) -> int:
        """One more than the largest id."""
        return self.tokens[-1].id + 1 if self.tokens else 0

    @cached_property
    def by_id(self) -> dict[int, CanonicalToken]:
        """Tokens by id."""
        return {token.id: token for token in self.tokens}

    @cached_property
    def by_data(self) -> dict[bytes, int]:
        """The id for the bytes of a text token: precedence 1 wins over byte fallback, then the lowest id."""
        ranked = sorted((token for token in self.tokens if token.kind == "text"), key=_rank)
        found: dict[bytes, int] = {}
        for token in ranked:
            if token.data:
                found.setdefault(token.data, token.id)
        return found

    @cached_property
    def specials(self) -> dict[str, int]:
        """Ids of special tokens by content."""
        return {token.token: token.id for token in self.tokens if token.kind == "special"}


def _rank(token: CanonicalToken) -> tuple[int, int]:
    return -token.precedence, token.id


def read_vocabulary(path: Path) -> Vocabulary:
    """Reads a tokenizer.json, a folder that holds one, or any other tokenizer that tokkit loads.

    Raises:
        InputError: no such file. TokenizerError: broken or hostile.
    """
    folder = path if path.is_dir() else path.parent
    name = path / "tokenizer.json" if path.is_dir() else path
    if name.suffix == ".json" and name.is_file() and name.name not in ("tekken.json", "tokkit.json"):
        return _of_hf(read_hf(name), folder)
    return _of_loaded(path)


def _of_hf(file: HfFile, folder: Path) -> Vocabulary:
    family = family_of(file)
    added = {token.id: token for token in file.added}
    tokens = {number: text for text, number in file.vocab.items()} | {
        number: row.content for number, row in added.items()
    }
    made: list[CanonicalToken] = []
    for number in sorted(tokens):
        text = tokens[number]
        row = added.get(number)
        if row is not None:
            # An added token is found in the raw text: its content is literal, never a spelling of bytes.
            made.append(CanonicalToken(number, text, "special" if row.is_special else "text", text.encode()))
        else:
            data, precedence = _canonical(text, family)
            made.append(CanonicalToken(number, text, "text", data, precedence))
    if not made:
        raise TokenizerError(f"{file.path}: has no token at all")
    specials = {token.token: token.id for token in made}
    return Vocabulary(family, tuple(made), _roles(folder, specials, file), _normalizer(file), file, str(file.path))


def _of_loaded(path: Path) -> Vocabulary:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    loaded = load_tokenizer(path)
    specials = {number: text for text, number in loaded.specials.items()}
    is_marked = marks_spaces(loaded.pretokenizer) or path.suffix == ".model"
    made: list[CanonicalToken] = []
    for number in loaded.ids:
        data = loaded.token_bytes(number)
        if number in specials:
            made.append(CanonicalToken(number, specials[number], "special", specials[number].encode()))
            continue
        text = data.decode(errors="replace")
        if is_marked:
            data, precedence = _canonical(text, "spm") if "\ufffd" not in text else (data, 0)
        else:
            precedence = 1
        made.append(CanonicalToken(number, text, "text", data, precedence))
    by_text = {token.token: token.id for token in made}
    return Vocabulary("spm" if is_marked else "raw", tuple(made), _roles(path, by_text, None), (), None, str(path))


def family_of(file: HfFile) -> Family:
    """The family by what the file does, never by a class name."""
    # First, since a byte vocabulary read by longest match wears the shell of WordPiece.
    if _mentions(file, "ByteLevel"):
        return "bytelevel"
    if file.kind == "WordPiece" and file.option("continuing_subword_prefix"):
        return "wordpiece"
    if _mentions(file, "Metaspace") or file.option("byte_fallback") is True or _replaces_marker(file):
        return "spm"
    return "raw"


def _mentions(file: HfFile, kind: str) -> bool:
    parts = (file.raw.get(name) for name in ("pre_tokenizer", "decoder", "normalizer"))
    return any(node.get("type") == kind for part in parts for node in _nodes(part))


def _replaces_marker(file: HfFile) -> bool:
    parts = (file.raw.get(name) for name in ("pre_tokenizer", "decoder", "normalizer"))
    return any(
        node.get("type") == "Replace" and _MARKER in f"{node.get('content')}{node.get('pattern')}"
        for part in parts
        for node in _nodes(part)
    )


def _nodes(part: object) -> list[dict[str, object]]:
    """A normalizer, pre-tokenizer or decoder and what its sequences hold."""
    if not isinstance(part, dict):
        return []
    inner = [child for value in part.values() if isinstance(value, list) for child in value]
    return [part, *(node for child in inner for node in _nodes(child))]


def _normalizer(file: HfFile) -> tuple[str, ...]:
    """Kinds of normaliser that change which characters a text has; markers and prefixes don't count."""
    kinds = [str(node.get("type")) for node in _nodes(file.raw.get("normalizer"))]
    return tuple(kind for kind in kinds if kind not in ("Sequence", "Prepend", "Replace"))


def _canonical(text: str, family: Family) -> tuple[bytes, int]:
    """(bytes, precedence) of a token of the model's vocabulary."""
    if family == "bytelevel":
        try:
            return bytes(BYTE_OF_CHARACTER[character] for character in text), 1
        except KeyError:
            return text.encode(), 1
    if family == "spm":
        if text in _BYTE_TOKEN:
            return bytes([int(text[3:5], 16)]), 0
        return text.replace(_MARKER, " ").encode(), 1
    if family == "wordpiece":
        return (text[2:] if text.startswith("##") and len(text) > 2 else " " + text).encode(), 1
    return text.encode(), 1


def _roles(folder: Path, ids: dict[str, int], file: HfFile | None) -> dict[str, int]:
    """Roles from tokenizer_config.json and special_tokens_map.json, where they are."""
    roles: dict[str, int] = {}
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = folder / name
        if not folder.is_dir() or not path.is_file():
            continue
        content = read_object(path)
        for role in _ROLES:
            value = content.get(f"{role}_token")
            text = value.get("content") if isinstance(value, dict) else value
            if isinstance(text, str) and text in ids:
                roles.setdefault(role, ids[text])
    if file is not None and "unk" not in roles:
        unknown, number = file.option("unk_token"), file.option("unk_id")
        if isinstance(unknown, str) and unknown in ids:
            roles["unk"] = ids[unknown]
        elif isinstance(number, int):
            roles["unk"] = number
    return roles
