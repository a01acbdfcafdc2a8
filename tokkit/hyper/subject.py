"""Hypertokens as something to evaluate: a base tokenizer with LZW over its ids, each document a row of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError
from tokkit.hyper.codec import HypertokenCodec, HypertokenConfig

if TYPE_CHECKING:
    from tokkit.load import AnyTokenizer

PREFIX: Final = "hyper:"


@dataclass(frozen=True)
class _Ids:
    ids: NDArray[np.uint32]
    offsets: NDArray[np.uint64]


@dataclass(frozen=True)
class _Spans:
    byte_offsets: NDArray[np.int64]


class Hypertokens:
    """What metrics need of a tokenizer. A hypertoken means another phrase in each document, so it has no bytes."""

    remark = "an id of a hypertoken means another phrase in each document: how evenly ids are used says little"

    def __init__(self, base: "AnyTokenizer", codec: HypertokenCodec) -> None:
        self.base = base
        self.codec = codec
        self.specials = base.specials
        self.vocab_size = codec.config.initial_vocab_size + codec.config.max_codebook_size

    def encode_batch(self, texts: Sequence[str], *, threads: int = 0) -> _Ids:
        """Codes of each document, with a codebook of its own."""
        encoded = self.base.encode_batch(texts, threads=threads)
        ids, ends = np.asarray(encoded.ids, np.uint32), np.asarray(encoded.offsets, np.int64).tolist()
        rows = [ids[low:high] for low, high in pairwise(ends)]
        codes = self.codec.encode_batch(rows, with_codebooks=False)
        return _Ids(np.asarray(codes.ids, np.uint32), np.asarray(codes.offsets, np.uint64))

    def encode_offsets(self, text: str) -> _Spans:
        """The span of a hypertoken is that of all its ids."""
        encoded = self.base.encode_offsets(text)
        spans = np.asarray(encoded.byte_offsets, np.int64).reshape(-1, 2)
        codes = self.codec.encode(encoded.ids)
        entries = codes.codebook().to_dict()
        lengths = np.array([len(entries.get(code, (code,))) for code in codes.lists()[0]], np.int64)
        last = np.cumsum(lengths)
        return _Spans(np.stack([spans[last - lengths, 0], spans[last - 1, 1]], axis=1) if len(last) else spans)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the codes of one document."""
        return self.base.decode(self.codec.decode(ids).lists()[0])

    def token_bytes(self, token: int) -> bytes:
        """The bytes of a base token.

        Raises:
            InputError: a hypertoken, or no id at all.
        """
        if token >= self.codec.config.initial_vocab_size:
            raise InputError(f"hypertoken {token} has no bytes outside of its document")
        return self.base.token_bytes(token)


def load(name: str) -> Hypertokens:
    """Reads `hyper:TOKENIZER`, with the sizes of zip2zip, or `hyper:TOKENIZER:CONFIG.json`."""
    from tokkit.load import load_tokenizer

    path, colon, config = name.removeprefix(PREFIX).rpartition(":")
    if not colon or not config.endswith(".json") or Path(name.removeprefix(PREFIX)).exists():
        path, config = name.removeprefix(PREFIX), ""
    base = load_tokenizer(path)
    if config:
        return Hypertokens(base, HypertokenCodec.from_file(config))
    size = HypertokenConfig.model_fields["max_codebook_size"].default
    chosen = HypertokenConfig(initial_vocab_size=base.vocab_size, pad_token_id=base.vocab_size + size)
    return Hypertokens(base, HypertokenCodec(chosen))
