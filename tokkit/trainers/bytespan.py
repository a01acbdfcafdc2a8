"""ByteSpan: spans that a byte language model finds predictable become tokens (Goriely et al. 2025, arXiv:2506.18639).

Idea: where surprisal or entropy is low or falls, the next byte is easy to guess, and bytes that guess one another
belong together. Byte i joins the span of byte i - 1 iff h[i] < theta (global), h[i] < h[i - 1] (monotonic), or either
(combined). Spans enter the vocabulary by frequency, alone, as a head start for BPE, or in turn by language.

Deviations: spans by the clean definition, which has none of the faults of the published code (`tokkit.bytespan.spans`);
a token is the same at the start and inside of a pre-token unless `typed`; text gets no space in front; a pre-token of
any length is read; the built-in model is an n-gram, other models' signals are read from parquet.
"""

from collections.abc import Iterable
from itertools import chain, repeat
from typing import ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tokkit.bytespan.lm import ByteLm
from tokkit.bytespan.rows import Rows, make_rows, read_signals
from tokkit.bytespan.spans import Constraint, continues, threshold_of
from tokkit.bytespan.vocabulary import base_tokens, merge_tail, seeds, sequences_of
from tokkit.bytespan.words import words_of
from tokkit.corpus.read import Inputs
from tokkit.counts import CountConfig, CountTable, count
from tokkit.errors import InputError, UsageError
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers.admitted import admitted_model
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.superword import SuperwordTrainer, sampled_count

Method = Literal["seeding", "frequency"]
_ORDER: Final = bytes(range(256))
_BYTES_PER_TEXT_BYTE: Final = 7


@TRAINERS.register("bytespan")
class ByteSpan(SuperwordTrainer):
    """Spans that a byte language model finds predictable, read by longest match; the rest by BPE merges."""

    summary: ClassVar[str] = "spans of predictable bytes"

    class Config(SuperwordTrainer.Config):
        """Options of the trainer."""

        constraint: Constraint = Field("combined", description="a byte joins when its signal is low, falls, or either")
        signal: Literal["entropy", "surprisal"] = Field("entropy", description="what is measured at each byte")
        percentile: float | None = Field(
            30.0, ge=0, le=100, description="signals below this percentile are low; for global and combined"
        )
        build: Method = Field("seeding", description="spans, then BPE merges; or spans only, the most frequent ones")
        proportion: float = Field(0.5, ge=0, le=1, description="share of the vocabulary that spans fill, for seeding")
        lm: str | None = Field(None, description="byte language model from a file; else one of the corpus is made")
        lm_order: int = Field(5, ge=1, le=32, description="bytes of the longest n-gram of that model")
        lm_min_count: int = Field(1, ge=1, description="rarer n-grams of three bytes and more are left out of it")
        signals: str | None = Field(
            None, description="parquet with columns document, entropy, surprisal: learn from it instead of texts"
        )

        @model_validator(mode="after")
        def _check(self) -> "ByteSpan.Config":
            if self.constraint != "monotonic" and self.percentile is None:
                raise ValueError(f"percentile: constraint {self.constraint} needs one")
            if self.lm is not None and self.signals is not None:
                raise ValueError("lm and signals exclude each other")
            return self

    config: Config
    model_of_bytes: ByteLm | None = None
    """The byte language model that the last training made or loaded; save it beside the artefact."""

    def default_pretokenizer(self) -> str:
        """The scheme that spans do not cross."""
        return "llama-bpe@1"

    def count_again(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """The documents themselves (of text files: lines), since a signal depends on what stands before."""
        options = (config or CountConfig()).model_copy(update={"track_first": True})
        return sampled_count(
            self,
            lambda texts: count(texts, pretokenizer="none@1", config=options, progress=progress),
            self.config.stage2_sources or inputs,
            bytes_per_text_byte=_BYTES_PER_TEXT_BYTE,
            config=options,
        )

    def train(self, counts: CountTable, *, again: CountTable | None = None, progress: Progress = silent) -> Model:
        """Learns from the documents in `again` (from `count_again`) or from the file `signals`.

        Of `counts` only the pre-tokenizer is used.

        Raises:
            UsageError: no documents, or a size without room for the bytes. InputError: a bad model or signals file.
        """
        config = self.config
        size = config.vocab_size - len(config.special_tokens)
        if size < 256:
            raise UsageError(
                f"vocab_size: {config.vocab_size} has no room for 256 bytes and {len(config.special_tokens)} specials"
            )
        rows = self._rows(counts.pretokenizer or self.default_pretokenizer(), again, progress)
        threshold = None if config.constraint == "monotonic" else threshold_of(rows, float(config.percentile or 0))
        words = words_of(rows, continues(rows, config.constraint, threshold))
        base = base_tokens(_ORDER, typed=False)
        quota = size - len(base)
        if config.build == "seeding":
            quota = max(0, int(config.proportion * size) - len(base))
        chosen = seeds(words, base, quota, typed=False, balanced=False)
        if config.build == "seeding":
            known = {token: place for place, token in enumerate([*base, *(token for token, _ in chosen)])}
            sequences, weights = sequences_of(words, known, {token for token, _ in chosen}, typed=False)
            chosen += merge_tail(sequences, weights, known, size - len(known), progress=progress)
        return admitted_model(
            "bytespan",
            counts,
            [token[1] for token, _ in chosen],
            [count for _, count in chosen],
            specials=config.special_tokens,
            layout=config.layout,
            inference="longest_prefix",
            exhausted=len(base) + len(chosen) < size,
            config={**self.lasting_config(), "threshold": threshold},
        )

    def _rows(self, pretokenizer: str, again: CountTable | None, progress: Progress) -> Rows:
        config = self.config
        if config.signals is not None:
            documents, signal = read_signals(config.signals, config.signal)
            return make_rows(documents, signal, pretokenizer=pretokenizer)
        if again is None or len(again) == 0:
            raise UsageError(
                "bytespan reads whole documents, and there are none",
                hint="pass again=trainer.count_again(inputs), name stage2_sources, or give a file of signals",
            )
        documents, numbers = in_order(again)
        model = self._byte_model(documents, numbers, progress)
        self.model_of_bytes = model
        surprisal, entropy = model.signals(
            documents, entropy=config.signal == "entropy", threads=config.threads, progress=progress
        )
        signal = entropy if config.signal == "entropy" else surprisal
        return make_rows(documents, signal, pretokenizer=pretokenizer, counts=numbers)

    def _byte_model(self, documents: list[bytes], numbers: list[int], progress: Progress) -> ByteLm:
        if self.config.lm is not None:
            return ByteLm.load(self.config.lm)
        texts: Iterable[bytes] = chain.from_iterable(map(repeat, documents, numbers))
        return ByteLm.train(texts, order=self.config.lm_order, min_count=self.config.lm_min_count, progress=progress)


def in_order(table: CountTable) -> tuple[list[bytes], list[int]]:
    """The texts of a table by first use, and how often each occurs.

    Raises:
        InputError: the table does not know which came first.
    """
    first = table.raw.first()
    if first is None:
        raise InputError("the documents' table does not know their order", hint="count again with track_first")
    order: NDArray[np.intp] = np.argsort(np.frombuffer(first, np.uint64), kind="stable")
    pairs = list(table)
    return [pairs[place][0] for place in order.tolist()], [pairs[place][1] for place in order.tolist()]
