"""A static vocabulary of LZW phrases.

Idea: one LZW pass over the corpus leaves every phrase that a dictionary coder would have met; rounds of segmenting and
ranking by bytes saved, count x (length - 1), thin them out to the size wanted. Each pass is linear in the text, so this
is the cheapest trainer here, and 2 to 8 % behind BPE in bytes per token.

The order of the corpus counts: LZW learns from what it has seen. A count table keeps distinct pre-tokens only, so the
trainer reads each in the table's order as often as it teaches something; `learn` reads units exactly as they come.
Our own definition after Welch (1984).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit import _core
from tokkit.counts import CountTable
from tokkit.errors import UsageError
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers.admitted import admitted_model
from tokkit.trainers.base import TRAINERS, Trainer

Segmentation = Literal["greedy", "shortest"]


@dataclass(frozen=True)
class Phrases:
    """The 256 bytes in byte order, then phrases from the best on, with uses; `sizes` before and after each round."""

    tokens: tuple[tuple[bytes, int], ...]
    sizes: tuple[int, ...]


def learn(
    units: Iterable[bytes],
    *,
    vocab_size: int,
    max_length: int = 16,
    keep: float = 0.5,
    min_count: int = 2,
    segmentation: Segmentation = "greedy",
    progress: Progress = silent,
) -> Phrases:
    """Learns from units (lines, documents or pre-tokens) in the order given.

    >>> learn([b"abab", b"abab"], vocab_size=257, min_count=1).tokens[-1]
    (b'aba', 2)

    Raises:
        UsageError: sizes that cannot work.
    """
    kept = list(units)
    offsets = np.zeros(len(kept) + 1, np.uint64)
    np.cumsum([len(unit) for unit in kept], out=offsets[1:])
    return _learn(
        b"".join(kept), offsets.tobytes(), None, vocab_size, max_length, keep, min_count, segmentation, progress
    )


def _learn(
    blob: bytes,
    offsets: bytes,
    counts: bytes | None,
    vocab_size: int,
    max_length: int,
    keep: float,
    min_count: int,
    segmentation: Segmentation,
    progress: Progress,
) -> Phrases:
    phrases, uses, byte_uses, sizes = _core.lzw_phrases(
        blob,
        offsets,
        counts,
        vocab_size=vocab_size,
        max_length=max_length,
        keep=keep,
        min_count=min_count,
        shortest=segmentation == "shortest",
        progress=progress,
    )
    singles = [(bytes([byte]), count) for byte, count in enumerate(np.frombuffer(byte_uses, np.uint64).tolist())]
    made = zip(phrases, np.frombuffer(uses, np.uint64).tolist(), strict=True)
    return Phrases((*singles, *made), tuple(sizes))


@TRAINERS.register("lzw")
class Lzw(Trainer):
    """The phrases of one LZW pass that save most bytes: linear time, 2-8 % more tokens than BPE."""

    summary: ClassVar[str] = "phrases of a dictionary coder, thinned out by bytes saved"

    class Config(Trainer.Config):
        """Options of the trainer."""

        max_length: int = Field(16, ge=1, le=65_535, description="most bytes of a token")
        keep: float = Field(0.5, gt=0, lt=1, description="share of the phrases that one round keeps")
        min_count: int = Field(2, ge=0, description="phrases used less often leave in the next round")
        segmentation: Segmentation = Field(
            "greedy", description="how text is read, in training and after: longest token first, or fewest tokens"
        )

    config: Config

    def train(self, counts: CountTable, *, progress: Progress = silent) -> Model:
        """Learns from the table; fewer tokens than wanted may come out, and the model then says `exhausted`.

        Raises:
            UsageError: a vocab_size without room for bytes and specials. InputError: counts beyond 2^64 - 1.
        """
        config = self.config
        size = config.vocab_size - len(config.special_tokens)
        if size < 256:
            raise UsageError(
                f"vocab_size: {config.vocab_size} has no room for 256 bytes and {len(config.special_tokens)} specials"
            )
        blob, offsets, numbers = _in_order(counts)
        found = _learn(
            blob,
            offsets.tobytes(),
            numbers.tobytes(),
            size,
            config.max_length,
            config.keep,
            config.min_count,
            config.segmentation,
            progress,
        )
        return admitted_model(
            "lzw",
            counts,
            [token for token, _ in found.tokens[256:]],
            [count for _, count in found.tokens[256:]],
            specials=config.special_tokens,
            layout=config.layout,
            inference="longest_prefix" if config.segmentation == "greedy" else "least_tokens",
            exhausted=len(found.tokens) < size,
            config=config.model_dump(mode="json"),
        )


def _in_order(counts: CountTable) -> tuple[bytes, NDArray[np.uint64], NDArray[np.uint64]]:
    """The pre-tokens by first use where the table knows it, else by bytes."""
    blob = counts.raw.blob()
    offsets = np.frombuffer(counts.raw.offsets(), np.uint64)
    numbers = np.frombuffer(counts.raw.counts(), np.uint64)
    first = counts.raw.first()
    if first is None:
        return blob, offsets, numbers
    order = np.argsort(np.frombuffer(first, np.uint64), kind="stable")
    bounds = offsets.tolist()
    ordered = b"".join(blob[bounds[place] : bounds[place + 1]] for place in order.tolist())
    ends = np.zeros(len(order) + 1, np.uint64)
    np.cumsum(np.diff(offsets)[order], out=ends[1:])
    return ordered, ends, numbers[order]
