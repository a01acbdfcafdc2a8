"""Rows of codes to train a model on, each with its book and when each hypertoken became known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.hyper.codec import HypertokenCodec, HypertokenConfig


@dataclass(frozen=True)
class Example:
    """A row: codes int64 [n]; book int64 [k, max_subtokens], padded; born int64 [k]: a decoder knows hypertoken i when
    it has read code number born[i] (n: later).
    """

    codes: NDArray[np.int64]
    book: NDArray[np.int64]
    born: NDArray[np.int64]
    n_ids: int


def examples(
    codec: HypertokenCodec, documents: Sequence[NDArray[np.uint32]], n_codes: int, separator: int | None
) -> list[Example]:
    """Documents end to end, `separator` between them, cut in rows of `n_codes` codes; every id is in one of them.

    Raises:
        UsageError: a policy other than freeze, whose codes change their meaning within a row. InputError: a bad id.
    """
    config = codec.config
    if config.policy != "freeze":
        raise UsageError(f"a model needs policy freeze, got {config.policy}")
    between = np.array([] if separator is None else [separator], np.uint32)
    parts = [part for document in documents for part in (document, between)][:-1]
    flat = np.concatenate(parts) if parts else np.zeros(0, np.uint32)
    made = []
    for row in codec.encode_continuous(flat, n_codes):
        codes = row.ids.astype(np.int64)
        book = row.codebook()
        entries = book.to_array()[: len(book)].astype(np.int64)
        lengths = (entries != config.pad_token_id).sum(1)
        made.append(Example(codes, entries, born(config, codes, lengths), int(len_of(config, codes, lengths).sum())))
    return made


def len_of(config: HypertokenConfig, codes: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of base ids of each code; `lengths`: of the hypertokens in the book."""
    places = codes - config.initial_vocab_size
    is_hyper = (places >= 0) & (places < config.max_codebook_size)
    found = np.ones(len(codes), np.int64)
    found[is_hyper] = lengths[places[is_hyper]]
    return found


def born(config: HypertokenConfig, codes: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The code at which a decoder learns each hypertoken: whenever the phrase before it could grow."""
    is_disabled = np.isin(codes, [config.pad_token_id, *config.disabled_ids])
    can_grow = ~is_disabled & (len_of(config, codes, lengths) < config.max_subtokens)
    places = np.flatnonzero(can_grow[:-1] & ~is_disabled[1:]) + 1
    found = np.full(len(lengths), len(codes), np.int64)
    n = min(len(found), len(places))
    found[:n] = places[:n]
    return found
