"""What trainers across words share: a second reading of the corpus, and a first stage that can be kept on disk."""

from abc import abstractmethod
from pathlib import Path

from pydantic import Field

from tokkit.corpus.read import Inputs, Source
from tokkit.corpus.spec import SourceSpec
from tokkit.counts import CountConfig, CountTable, count
from tokkit.counts.count import MEBIBYTE
from tokkit.errors import UsageError
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers.base import TRAINERS, Trainer
from tokkit.trainers.bpe import Bpe

RUNS = "boundless-runs"
"""What the second table of the whole-word trainers says cut it: runs of pretokens that may be in a superword."""

SEPARATOR = b"\xff"
"""Between the pretokens of such a run: a byte that UTF-8 has no use for."""

RUNTIME_OPTIONS = ("threads", "memory_mb", "stage1", "bound")
"""Options of how fast and where: the same vocabulary comes out (of `memory_mb` as long as the text fits in it)."""

BYTES_PER_TEXT_BYTE = 7
"""Memory of a second stage for each byte of distinct text: the table and 20 bytes for each of its tokens."""


class SuperwordTrainer(Trainer):
    """A trainer that reads its corpus twice: once as words, once as what superwords may span."""

    class Config(Trainer.Config):
        """Options of every trainer across words."""

        stage2_sources: tuple[str, ...] = Field((), description="texts of the second stage, if not those of the first")
        threads: int = Field(0, ge=0, le=4096, description="threads that encode; 0: as many as this process may use")
        memory_mb: int | None = Field(
            None,
            ge=1,
            description="MiB for the second stage; of larger texts it reads a random sample",
        )

    config: Config
    reads_twice = True
    """Whether `train` wants a second table."""
    again_is_spanned = True
    """Whether the second table holds what a pretoken of the finished tokenizer may be."""
    stage1_folder: Path | None = None
    """Where an interrupted run finds its first stage again; never part of what comes out."""

    def lasting_config(self) -> dict[str, object]:
        """The options that decide what comes out, for the model."""
        return self.config.model_dump(mode="json", exclude=set(RUNTIME_OPTIONS))

    @abstractmethod
    def default_pretokenizer(self) -> str:
        """The scheme of the first table, where the caller names none."""

    def count_words(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """The first table of the corpus.

        Raises: as `tokkit.counts.count`.
        """
        return count(inputs, pretokenizer=self.default_pretokenizer(), config=config, progress=progress)

    @abstractmethod
    def count_again(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """The second table of the corpus `inputs`, or of `stage2_sources`.

        Raises: as `tokkit.counts.count`.
        """

    @abstractmethod
    def train(self, counts: CountTable, *, again: CountTable | None = None, progress: Progress = silent) -> Model:
        """Learns from the words in `counts` and from the second table."""

    def method_name(self) -> str:
        """The name that the trainer is registered under."""
        return next(name for name in TRAINERS.names() if TRAINERS.get(name) is type(self))


def spanned_texts(again: CountTable) -> CountTable:
    """A second table as texts: runs of pretokens are written without the bytes that part them."""
    if again.pretokenizer != RUNS:
        return again
    return CountTable.from_items((run.replace(SEPARATOR, b""), n) for run, n in again)


def count_chunks(
    inputs: Inputs, *, pretokenizer: str, config: CountConfig | None, memory_mb: int | None, progress: Progress
) -> CountTable:
    """Counts a second table, of a sample of the documents when the whole would not fit in `memory_mb`.

    The sample takes documents by a hash of their text, so it is spread over the corpus and the same in every run: a
    leading part of a corpus is often one language. The report says how many documents it left out.
    """
    table = count(inputs, pretokenizer=pretokenizer, config=config, progress=progress)
    n_bytes = len(table.raw.blob())
    budget = None if memory_mb is None else memory_mb * MEBIBYTE
    if budget is None or n_bytes * BYTES_PER_TEXT_BYTE <= budget:
        return table
    share = budget / (n_bytes * BYTES_PER_TEXT_BYTE)
    if not isinstance(inputs, (str, Path, SourceSpec, list, tuple)):
        raise UsageError(
            f"the second stage needs {n_bytes * BYTES_PER_TEXT_BYTE // MEBIBYTE} MiB, {memory_mb} are allowed",
            hint="texts in memory cannot be sampled: give files, more memory or fewer texts",
        )
    listed = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    sampled: list[Source] = [_thinned(source, share, config) for source in listed]
    smaller = count(sampled, pretokenizer=pretokenizer, config=config, progress=progress)
    if smaller.report is not None:
        smaller.report.warn(
            f"the second stage learns from {share:.1%} of the documents, a random sample that fits in memory"
        )
    return smaller


def _thinned(source: object, share: float, config: CountConfig | None) -> SourceSpec:
    if isinstance(source, SourceSpec):
        return source.model_copy(update={"weight": source.weight * share})
    options = (config or CountConfig()).source
    return SourceSpec(path=str(source), **{**options.model_dump(), "weight": options.weight * share})


def first_stage(options: Bpe.Config, counts: CountTable, folder: Path | None, progress: Progress) -> Model:
    """Trains BPE on the words, or takes what an earlier run left in `folder`; else leaves it there.

    Raises:
        UsageError: the folder holds the vocabulary of other words or options.
    """
    from tokkit import artifact

    if folder is not None and folder.exists():
        model = artifact.load(folder)
        kept = artifact.read_manifest(folder).get("counts_digest")
        wanted = options.model_dump(mode="json")
        if kept != counts.digest or {**model.config, "vocab_size": None} != {**wanted, "vocab_size": None}:
            raise UsageError(
                f"{folder}: is a first stage of other text or options", hint="give another folder, or remove this one"
            )
        if len(model.tokens) >= options.vocab_size or model.exhausted:
            return model
        raise UsageError(
            f"{folder}: is a first stage of {len(model.tokens)} tokens, {options.vocab_size} are needed",
            hint="give another folder, or remove this one",
        )
    model = Bpe(options).train(counts, progress=progress)
    if folder is not None:
        artifact.save(model, folder, counts_digest=counts.digest)
    return model


__all__ = ["SuperwordTrainer", "count_chunks", "first_stage"]
