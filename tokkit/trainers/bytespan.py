"""ByteSpan: spans that a byte language model finds predictable become tokens (Goriely et al. 2025, arXiv:2506.18639).

Idea: where surprisal or entropy is low or falls, the next byte is easy to guess, and bytes that guess one another
belong together. Byte i joins the span of byte i - 1 iff h[i] < theta (global), h[i] < h[i - 1] (monotonic), or either
(combined). Spans enter the vocabulary by frequency alone (`frequency`), as a head start for BPE (`seeding`), the same
with languages in turn (`balanced`), or as they grow while bytes join in the order of their signal (`increment`).

Deviations: spans by the clean definition, which has none of the faults of the published code (`tokkit.bytespan.spans`;
`compat` has them all); a token is the same at the start and inside of a pre-token unless `typed`; text gets no space in
front; a pre-token of any length is read; the built-in model is an n-gram, other models' signals are read from parquet.
"""

from typing import ClassVar, Final, Literal

from pydantic import Field, model_validator

from tokkit.bytespan.compat import reference_counts, reference_sequences, reference_spans
from tokkit.bytespan.documents import count_documents, documents_in_order
from tokkit.bytespan.increment import grown_spans, increment_base
from tokkit.bytespan.lm import FILE as LM_FILE
from tokkit.bytespan.lm import ByteLm
from tokkit.bytespan.rows import Rows, make_rows
from tokkit.bytespan.signals_file import read_signals
from tokkit.bytespan.spans import Constraint, continues, threshold_of
from tokkit.bytespan.vocabulary import (
    MARK,
    base_tokens,
    can_be_spelled,
    flat_sequences,
    in_turn,
    merge_tail,
    seeds,
    sequences_of,
    spelled,
)
from tokkit.bytespan.words import Token, words_of
from tokkit.corpus.read import Inputs
from tokkit.counts import CountConfig, CountTable
from tokkit.errors import UsageError
from tokkit.model.model import Model
from tokkit.model.vocab import ATOM_BYTE_ORDER
from tokkit.progress import Progress, silent
from tokkit.trainers.admitted import admitted_model
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.superword import SuperwordTrainer

Build = Literal["seeding", "balanced", "frequency", "increment"]
Spans = list[tuple[Token, int]]
"""Tokens with how often each occurs."""

_PERCENTILE: Final = 30.0
_PROPORTION: Final = 0.5


@TRAINERS.register("bytespan")
class ByteSpan(SuperwordTrainer):
    """Spans that a byte language model finds predictable, read by longest match; the rest by BPE merges."""

    summary: ClassVar[str] = "spans of predictable bytes"
    again_is_spanned = False

    class Config(SuperwordTrainer.Config):
        """Options of the trainer."""

        build: Build = Field(
            "seeding",
            description="spans, then BPE merges; the same with languages in turn (each INPUT is one, or `language` of "
            "a recipe's sources); the most frequent spans only; or spans that grow in the order of the signal",
        )
        signal: Literal["entropy", "surprisal"] = Field("entropy", description="what is measured at each byte")
        constraint: Constraint = Field(
            "combined", description="a byte joins when its signal is low, falls, or either; increment is always global"
        )
        percentile: float | None = Field(
            _PERCENTILE, ge=0, le=100, description="signals below this percentile are low; for global and combined"
        )
        proportion: float = Field(
            _PROPORTION, ge=0, le=1, description="share of the vocabulary that spans fill, for seeding and balanced"
        )
        min_count: int = Field(20, ge=1, description="rarer spans do not count, for increment")
        typed: bool = Field(
            False, description="a token at the start of a pre-token is another than the same bytes inside, as published"
        )
        compat: bool = Field(False, description="spans and merges with the faults of the published code; implies typed")
        lm: str | None = Field(
            None,
            description="byte language model: a file, or a tokenizer's folder that has one; else it is learnt from the "
            "corpus and saved with the tokenizer",
        )
        lm_order: int = Field(5, ge=1, le=32, description="bytes of the longest n-gram of that model")
        lm_min_count: int = Field(1, ge=1, description="rarer n-grams of three bytes and more are left out of it")
        signals: str | None = Field(
            None,
            description="parquet with columns document, entropy, surprisal (`tokkit signals` writes it): learn spans "
            "from it instead of texts",
        )

        @model_validator(mode="after")
        def _check(self) -> "ByteSpan.Config":
            if self.build != "increment" and self.constraint != "monotonic" and self.percentile is None:
                raise ValueError(f"percentile: constraint {self.constraint} needs one")
            if self.lm is not None and self.signals is not None:
                raise ValueError("lm and signals exclude each other")
            if self.build == "increment" and (self.constraint == "monotonic" or self.percentile != _PERCENTILE):
                raise ValueError("build: increment takes bytes in the order of their signal, without a threshold")
            if self.build in ("increment", "frequency") and self.proportion != _PROPORTION:
                raise ValueError(f"proportion: build {self.build} has no merges to share the vocabulary with")
            if self.compat and self.build != "increment" and self.constraint == "global":
                raise ValueError("compat: the published code knows the global constraint with build increment only")
            return self

    config: Config
    learnt: ByteLm | None = None
    """The byte language model that the last training made itself."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        # With signals from elsewhere there is nothing to read again.
        self.reads_twice = config.signals is None

    def files(self) -> list[str]:
        """The model and the signals that the options name."""
        return [path for path in (self.config.lm, self.config.signals) if path is not None]

    def by_products(self) -> dict[str, bytes]:
        """The byte language model, if the last training made one."""
        return {} if self.learnt is None else {LM_FILE: self.learnt.to_bytes()}

    def default_pretokenizer(self) -> str:
        """The scheme that spans do not cross."""
        return "llama-bpe@1"

    def again_facts(self) -> dict[str, object]:
        """See `SuperwordTrainer.again_facts`."""
        return {**super().again_facts(), "by_language": self.config.build == "balanced"}

    def count_again(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """The documents themselves (of text files: lines), since a signal depends on what stands before."""
        return count_documents(
            self,
            self.config.stage2_sources or inputs,
            by_language=self.config.build == "balanced",
            config=config,
            progress=progress,
        )

    def train(self, counts: CountTable, *, again: CountTable | None = None, progress: Progress = silent) -> Model:
        """Learns from the documents in `again` (from `count_again`) or from the file `signals`.

        Of `counts` only the pre-tokenizer is used.

        Raises:
            UsageError: no documents, or a size without room for the bytes. InputError: a bad model or signals file.
        """
        config = self.config
        typed = config.typed or config.compat
        base = (increment_base if config.build == "increment" else base_tokens)(ATOM_BYTE_ORDER, typed=typed)
        room = config.vocab_size - len(config.special_tokens) - len(base)
        if room < 0:
            raise UsageError(
                f"vocab_size: {config.vocab_size} has no room for {len(base)} tokens of one byte"
                + (" in all places" if typed else "")
                + f" and {len(config.special_tokens)} specials"
            )
        rows = self._rows(counts.pretokenizer or self.default_pretokenizer(), again, progress)
        if config.build == "balanced" and len(set(rows.languages)) < 2:
            raise UsageError("build: balanced needs texts of several languages", hint="give the signals a `language`")
        facts: dict[str, object] = {}
        if config.build == "increment":
            found, _ = grown_spans(
                rows,
                base,
                room,
                min_count=config.min_count,
                typed=typed,
                reference=config.compat,
                progress=progress,
            )
        else:
            constraint = config.constraint
            threshold = None if constraint == "monotonic" else threshold_of(rows, float(config.percentile or 0))
            facts["threshold"] = threshold
            build = self._as_published if config.compat else self._clean
            found = build(rows, threshold, base, room, progress)
        chosen = [item for item in found[:room] if not typed or can_be_spelled(item[0])]
        if len(chosen) < len(found[:room]):
            facts["left_out"] = len(found[:room]) - len(chosen)
        # The bytes that begin a pre-token are the model's atoms.
        extra = [(token, 0) for token in base if typed and not (token[0] and len(token[1]) == 1)]
        return admitted_model(
            "bytespan",
            counts,
            [spelled(token, typed=typed) for token, _ in (*extra, *chosen)],
            [count for _, count in (*extra, *chosen)],
            specials=config.special_tokens,
            layout=config.layout,
            inference="longest_prefix",
            exhausted=len(chosen) < room,
            config={**self.lasting_config(), **facts},
            prefix=MARK if typed else "",
        )

    def _quota(self, base: list[Token], room: int) -> int:
        config = self.config
        if config.build == "frequency":
            return room
        n_first = len(base) + len(config.special_tokens)
        return min(room, max(0, int(config.proportion * config.vocab_size - n_first)))

    def _clean(self, rows: Rows, threshold: float | None, base: list[Token], room: int, progress: Progress) -> Spans:
        config = self.config
        balanced = config.build == "balanced"
        found = continues(rows, config.constraint, threshold)
        words = words_of(rows, found, by_language=balanced, progress=progress)
        chosen = seeds(words, base, self._quota(base, room), typed=config.typed, balanced=balanced)
        if config.build == "frequency":
            return chosen
        sequences, known = sequences_of(words, base, [token for token, _ in chosen], typed=config.typed)
        return chosen + merge_tail(sequences, known, room - len(chosen), progress=progress)

    def _as_published(
        self, rows: Rows, threshold: float | None, base: list[Token], room: int, progress: Progress
    ) -> Spans:
        config = self.config
        spans = reference_spans(rows, config.constraint, threshold)
        counts = reference_counts(rows, spans, set(base))
        quota = self._quota(base, room)
        if config.build == "balanced":
            ranked = [sorted(own.items(), key=lambda item: -item[1]) for own in counts.values()]
            chosen = in_turn(ranked, quota)
        else:
            merged: dict[Token, int] = {}
            for own in counts.values():
                for token, count in own.items():
                    merged[token] = merged.get(token, 0) + count
            chosen = sorted(merged.items(), key=lambda item: -item[1])[:quota]
        if config.build == "frequency":
            return chosen
        known = {token: place for place, token in enumerate([*base, *(token for token, _ in chosen)])}
        # With languages in turn the published code leaves the spans out of what it merges.
        replaced = set() if config.build == "balanced" else {token for token, _ in chosen}
        sequences, weights = reference_sequences(rows, spans, known, replaced)
        flat = flat_sequences(sequences, weights)
        return chosen + merge_tail(flat, list(known), room - len(chosen), lossy=True, progress=progress)

    def _rows(self, pretokenizer: str, again: CountTable | None, progress: Progress) -> Rows:
        config = self.config
        self.learnt = None
        if config.signals is not None:
            read = read_signals(config.signals, config.signal)
            return make_rows(read.documents, read.signal, pretokenizer=pretokenizer, languages=read.languages)
        if again is None or len(again) == 0:
            raise UsageError(
                "bytespan reads whole documents, and there are none",
                hint="pass again=trainer.count_again(inputs), name stage2_sources, or give a file of signals",
            )
        documents, numbers, languages = documents_in_order(again)
        if config.lm is not None:
            model = ByteLm.load(config.lm)
        else:
            model = self.learnt = ByteLm.train(
                documents, times=numbers, order=config.lm_order, min_count=config.lm_min_count, progress=progress
            )
        is_entropy = config.signal == "entropy"
        surprisal, entropy = model.signals(
            documents, surprisal=not is_entropy, entropy=is_entropy, threads=config.threads, progress=progress
        )
        signal = entropy if is_entropy else surprisal
        return make_rows(documents, signal, pretokenizer=pretokenizer, counts=numbers, languages=languages)
