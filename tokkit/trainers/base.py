"""What every trainer is: a frozen Config and `train(counts) -> Model`."""

from abc import ABC, abstractmethod
from typing import ClassVar

from pydantic import Field

from tokkit.counts import CountTable
from tokkit.model.model import Layout, Model
from tokkit.progress import Progress, silent
from tokkit.registry import Registry
from tokkit.spec import Spec

MAX_VOCAB_SIZE = 2**22
"""More tokens than any model has had; a typo in the size is refused before any work."""


class Trainer(ABC):
    """Learns a vocabulary from a count table.

    A subclass registers itself by name (`@TRAINERS.register("bpe")`), nests its own `Config`, and implements `train`.
    """

    class Config(Spec):
        """Options that every trainer has."""

        vocab_size: int = Field(
            32_000, ge=1, le=MAX_VOCAB_SIZE, description="tokens in the vocabulary, specials and alphabet included"
        )
        special_tokens: tuple[str, ...] = Field((), description="tokens that only you can produce, in id order")
        layout: Layout = Field("tokkit", description="order of the ids: bytes first and specials last, or as the peer")

    config: Config
    summary: ClassVar[str] = ""

    def __init__(self, config: Config) -> None:
        self.config = config

    def files(self) -> list[str]:
        """Files that the options name and whose content decides what comes out."""
        return []

    def by_products(self) -> dict[str, bytes]:
        """What the last training made besides the model, by the name of the file to save it in."""
        return {}

    @abstractmethod
    def train(self, counts: CountTable, *, progress: Progress = silent) -> Model:
        """Learns from the table.

        Raises:
            UsageError: options that cannot work together or with this table.
            InputError: an empty table, or counts that add up to more than 2^63 - 1.
            ResourceError: more distinct text than 32-bit positions can address.
        """


TRAINERS: Registry[type[Trainer]] = Registry(
    "trainer",
    {
        "boundless": "tokkit.trainers.boundless",
        "bpe": "tokkit.trainers.bpe",
        "bytespan": "tokkit.trainers.bytespan",
        "lzw": "tokkit.trainers.lzw",
        "bpe-knockout": "tokkit.trainers.knockout",
        "leaf-pruned": "tokkit.trainers.leaf_pruned",
        "litetoken": "tokkit.trainers.litetoken",
        "parity-aware": "tokkit.trainers.parity",
        "picky": "tokkit.trainers.picky",
        "scaffold": "tokkit.trainers.scaffold",
        "superbpe": "tokkit.trainers.superbpe",
        "superbpe-pretoken": "tokkit.trainers.boundless",
        "supertoken": "tokkit.trainers.supertoken",
        "trimmed": "tokkit.trainers.trimmed",
    },
)
"""All training methods by name."""
