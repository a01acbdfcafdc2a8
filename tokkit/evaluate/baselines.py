"""Tokenizers that anyone can picture, to compare with: one token for each byte, one for each character."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError
from tokkit.metrics.base import Subject


@dataclass(frozen=True)
class Ids:
    """Token ids of several documents: ids uint32 [n_tokens]; offsets uint64 [n_documents + 1]."""

    ids: NDArray[np.uint32]
    offsets: NDArray[np.uint64]


@dataclass(frozen=True)
class Spans:
    """Start and end of each token in the UTF-8 of a text; int64 [n_tokens, 2]."""

    byte_offsets: NDArray[np.int64]


class Bytes:
    """One token for each byte of UTF-8: what a byte-level tokenizer does before its first merge."""

    vocab_size = 256

    def encode_batch(self, texts: Sequence[str]) -> Ids:
        """The bytes themselves."""
        data = [text.encode() for text in texts]
        return Ids(np.frombuffer(b"".join(data), np.uint8).astype(np.uint32), _offsets(map(len, data)))

    def encode_offsets(self, text: str) -> Spans:
        """Each token is one byte long."""
        starts = np.arange(len(text.encode()))
        return Spans(np.stack([starts, starts + 1], axis=1))

    def token_bytes(self, token: int) -> bytes:
        """The byte."""
        return bytes([token])

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the bytes; wrong ones become U+FFFD."""
        return bytes(ids).decode(errors="replace")


class Characters:
    """One token for each code point."""

    vocab_size = 0x110000

    def encode_batch(self, texts: Sequence[str]) -> Ids:
        """The code points themselves."""
        joined = "".join(texts).encode("utf-32-le")
        return Ids(np.frombuffer(joined, np.dtype("<u4")).astype(np.uint32), _offsets(map(len, texts)))

    def encode_offsets(self, text: str) -> Spans:
        """Each token is as long as its character in UTF-8."""
        lengths = np.array([len(character.encode()) for character in text], np.int64)
        ends = np.cumsum(lengths)
        return Spans(np.stack([ends - lengths, ends], axis=1))

    def token_bytes(self, token: int) -> bytes:
        """The character in UTF-8.

        Raises:
            InputError: a surrogate, which is no character.
        """
        if 0xD800 <= token < 0xE000:
            raise InputError(f"token {token} is a surrogate, which no text holds")
        return chr(token).encode()

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the code points."""
        return "".join(map(chr, ids))


BASELINES: Mapping[str, Callable[[], Subject]] = {"bytes": Bytes, "characters": Characters}


def _offsets(lengths: "map[int]") -> NDArray[np.uint64]:
    return np.cumsum([0, *lengths]).astype(np.uint64)
