"""What is known of each token of a tokenizer: its bytes, its length, whether it is special, unknown, a lone byte."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from inspect import signature
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokkitError
from tokkit.metrics.base import EncodedBatch, Subject
from tokkit.pretokenizers import marks_spaces

Family = Literal["byte_level", "byte_fallback", "code_point"]

WHITESPACE: Final = 1
PARTIAL: Final = 2
UNKNOWN: Final = 4
SPECIAL: Final = 8
FALLBACK: Final = 16
CROSSING: Final = 32
FLAG_COLUMNS: Final = (
    *("whitespace_tokens", "partial_tokens", "unk_tokens", "special_tokens", "fallback_tokens"),
    "crossing_tokens",
)

_MARKER: Final = "\u2581".encode()
_BYTE_NAME: Final = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_IS_ASCII_SPACE: Final = np.isin(np.arange(256), [*range(9, 14), *range(28, 33)])
_FREQUENT: Final = ("a", "e", "t", "the")
_UNKNOWN_NAMES: Final = ("<unk>", "[UNK]", "<UNK>", "<|unk|>")


class Lexicon:
    """The vocabulary of a subject, looked at token by token only where a token is met."""

    def __init__(self, subject: Subject, *, threads: int = 0) -> None:
        self.subject = subject
        self.threads = threads
        self.size = subject.vocab_size
        self.lengths = np.zeros(self.size, np.uint32)
        self.flags = np.zeros(self.size, np.uint8)
        for ids, flag in (
            (self.specials.values(), SPECIAL),
            (self.byte_ids.values(), FALLBACK),
            (() if self.unknown_id is None else (self.unknown_id,), UNKNOWN),
        ):
            self.flags[[token for token in ids if token < self.size]] |= flag
        self._known = np.zeros(self.size, bool)
        self._bytes = [b""] * self.size
        self._blob: bytes | None = None

    def learn(self, ids: NDArray[np.integer]) -> None:
        """Fills `lengths` and `flags` of these ids."""
        new = ids[~self._known[ids]]
        if not len(new):
            return
        found = self._bytes_of(new.tolist())
        self.lengths[new] = np.fromiter(map(len, found), np.uint32, len(found))
        self.flags[new] |= _flags_of(found, self.lengths[new])
        self._known[new] = True
        self._blob = None
        for token, data in zip(new.tolist(), found, strict=True):
            self._bytes[token] = data

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Ids of whole documents, by as many threads as were given where the subject lets itself be told."""
        if not (self.threads and self._takes_threads):
            return self.subject.encode_batch(texts)
        encode: Callable[..., EncodedBatch] = self.subject.encode_batch
        return encode(texts, threads=self.threads)

    @cached_property
    def _takes_threads(self) -> bool:
        return "threads" in signature(self.subject.encode_batch).parameters

    @cached_property
    def n_entries(self) -> int:
        """Number of tokens that there are, added ones included; holes in the numbering are none."""
        ids = getattr(self.subject, "ids", None)
        return self.size if ids is None else len(ids)

    @property
    def blob(self) -> bytes:
        """The bytes of the tokens learnt so far, in the order of their ids."""
        if self._blob is None:
            self._blob = b"".join(self._bytes)
        return self._blob

    def _bytes_of(self, ids: list[int]) -> list[bytes]:
        if not self._marks_spaces:
            # Most vocabularies have no holes: a call for each token and none around it.
            with suppress(TokkitError):
                return list(map(self.subject.token_bytes, ids))
        return [self.token_bytes(token) for token in ids]

    def token_bytes(self, token: int) -> bytes:
        """The bytes of a token, a marker for a space as a space; none for a hole in the numbering."""
        try:
            data = self.subject.token_bytes(token)
        except TokkitError:
            return b""
        return data.replace(_MARKER, b" ") if self._marks_spaces else data

    @cached_property
    def _marks_spaces(self) -> bool:
        return marks_spaces(str(getattr(self.subject, "pretokenizer", "")))

    @cached_property
    def specials(self) -> Mapping[str, int]:
        """Special tokens by name."""
        found: Mapping[str, int] = getattr(self.subject, "specials", {})
        return found

    def specials_pattern(self, data: bytes) -> re.Pattern[bytes] | None:
        """Finds the names of special tokens in `data`; None where it holds none, told at the speed of memory."""
        names = sorted((name.encode() for name in self.specials if name), key=len, reverse=True)
        # Hundreds of names share a start or two, so most texts are done with after as many searches.
        present = {start for start in {name[:2] for name in names} if start in data}
        found = [name for name in names if name[:2] in present and name in data]
        return re.compile(b"|".join(map(re.escape, found))) if found else None

    @cached_property
    def names(self) -> Mapping[int, str]:
        """The vocabulary's own spelling of tokens, where the tokenizer has one beside their bytes."""
        found: Mapping[int, str] = getattr(self.subject, "_names", {})
        return found

    @cached_property
    def unknown_id(self) -> int | None:
        """The id of text that has no token; None for tokenizers that need none."""
        tables = getattr(self.subject, "tables", None)
        if tables is not None:
            unknown: int | None = tables.unk_id
            return unknown
        file = getattr(self.subject, "_file", None)
        if file is not None:
            stated = file.option("unk_id") if file.kind == "Unigram" else file.option("unk_token")
            if isinstance(stated, int):
                return stated
            return None if stated is None else {name: token for token, name in self.names.items()}.get(str(stated))
        for name in _UNKNOWN_NAMES:
            if name in self.specials:
                return self.specials[name]
        return None

    @cached_property
    def byte_ids(self) -> dict[int, int]:
        """Byte -> id of the token that stands for that byte when nothing else does; empty without byte fallback."""
        tables = getattr(self.subject, "tables", None)
        if tables is not None:
            if tables.byte_ids is None:
                return {}
            return {byte: int(token) for byte, token in enumerate(tables.byte_ids) if int(token) < self.size}
        found = ((_BYTE_NAME.fullmatch(name), token) for token, name in self.names.items())
        return {int(match[1], 16): token for match, token in found if match is not None}

    @cached_property
    def puts_space_in_front(self) -> bool:
        """Whether the tokenizer begins every text as if a space stood there (a prefix space, a marker)."""
        return all(self._begins_alike(word) for word in _FREQUENT)

    def _begins_alike(self, word: str) -> bool:
        bare, spaced = (self.subject.encode_batch([text]).ids.tolist() for text in (word, " " + word))
        # Either the space is swallowed, or it is a token of its own before the same tokens.
        is_apart = len(spaced) == len(bare) + 1 and spaced[1:] == bare and not self.token_bytes(spaced[0]).strip()
        return bool(bare) and (bare == spaced or is_apart)

    @cached_property
    def unreachable(self) -> frozenset[int]:
        """Ids of ordinary tokens that no text yields, as far as the tests of `health` can tell."""
        from tokkit.metrics.health import unreachable

        return unreachable(self)

    @cached_property
    def family(self) -> Family:
        """How text that no word covers is spelled: by bytes always, by bytes in need, by characters."""
        if self.byte_ids:
            return "byte_fallback"
        tables = getattr(self.subject, "tables", None)
        if tables is not None:
            return "byte_level" if tables.unit == "byte" else "code_point"
        if "ByteLevel" in getattr(self.subject, "_decoders", ()):
            return "byte_level"
        return "byte_level" if self.size == 256 else "code_point"


def _flags_of(tokens: Sequence[bytes], lengths: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The flags that the bytes of tokens tell; all of ASCII at once, the few beyond one by one."""
    blob = np.frombuffer(b"".join(tokens), np.uint8)
    ends = np.cumsum(lengths, dtype=np.int64)

    def counted(is_such: NDArray[np.bool_]) -> NDArray[np.int64]:
        sums = np.concatenate([[0], np.cumsum(is_such, dtype=np.int64)])
        found: NDArray[np.int64] = sums[ends] - sums[ends - lengths]
        return found

    is_space = (counted(_IS_ASCII_SPACE[blob]) == lengths) & (lengths > 0)
    flags = np.where(is_space, WHITESPACE, 0).astype(np.uint8)
    for place in np.flatnonzero(counted(blob >= 0x80)).tolist():
        flags[place] = _flags_beyond_ascii(tokens[place])
    return flags


def _flags_beyond_ascii(data: bytes) -> int:
    try:
        return WHITESPACE * data.decode().isspace()
    except UnicodeDecodeError:
        # A continuation byte at the start belongs to a character that began before.
        n_characters = sum(byte & 0xC0 != 0x80 for byte in data) + (data[0] & 0xC0 == 0x80)
        return PARTIAL | CROSSING * (n_characters > 1)
