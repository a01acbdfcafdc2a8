"""What trainers across words share: a second reading of the corpus, and a first stage that can be kept on disk."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from os import PathLike
from pathlib import Path

from pydantic import Field

from tokkit import _core
from tokkit.corpus.read import Inputs, Source, read
from tokkit.corpus.spec import SourceSpec
from tokkit.counts import CountConfig, CountTable, count
from tokkit.counts.count import MEBIBYTE, available_threads
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


class SuperwordTrainer(Trainer):
    """A trainer that reads its corpus twice: once as words, once as what superwords may span."""

    class Config(Trainer.Config):
        """Options of every trainer across words."""

        stage2_sources: tuple[str, ...] = Field((), description="texts of the second stage, if not those of the first")
        stage2_share: float = Field(
            1.0, gt=0, le=1, description="share of the documents that the second stage reads, a random sample"
        )
        threads: int = Field(0, ge=0, le=4096, description="threads that encode; 0: as many as this process may use")
        memory_mb: int | None = Field(
            None,
            ge=1,
            description="MiB for the second stage; of larger texts it reads a random sample",
        )

    config: Config
    reads_twice = True
    """Whether `train` wants a second table."""
    stage1_folder: Path | None = None
    """Where an interrupted run finds its first stage again; never part of what comes out."""
    share_read: float | None = None
    """The share of the documents in the second table: less than `stage2_share` when memory was short."""

    def lasting_config(self) -> dict[str, object]:
        """The options that decide what comes out, for the model: the share that was read, not the limit of memory."""
        config = self.config.model_dump(mode="json", exclude=set(RUNTIME_OPTIONS))
        return config if self.share_read is None else {**config, "stage2_share": self.share_read}

    def again_facts(self) -> dict[str, object]:
        """What the second table depends on, besides the texts and how they are counted."""
        return {"share": self.config.stage2_share, "memory_mb": self.config.memory_mb}

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


def sampled_count(
    trainer: SuperwordTrainer,
    count_from: Callable[[Inputs], CountTable],
    inputs: Inputs,
    *,
    bytes_per_text_byte: float,
    config: CountConfig | None,
) -> CountTable:
    """Counts a second table by `count_from`, of a sample of the documents when the whole would not fit in `memory_mb`.

    The sample takes documents by a hash of their text, so it is spread over the corpus and the same in every run: a
    leading part of a corpus is often one language. `trainer.share_read` becomes the share, and the report says it.

    Raises:
        UsageError: texts that are no files would have to be sampled. Else as `tokkit.counts.count`.
    """
    share, memory_mb = trainer.config.stage2_share, trainer.config.memory_mb
    table = count_from(inputs if share == 1 else _thinned(inputs, share, config))
    needed_mb = len(table.raw.blob()) * bytes_per_text_byte / MEBIBYTE
    if memory_mb is not None and needed_mb > memory_mb:
        # Six digits that can be written down: the lock of the run gives the same sample again.
        share = float(f"{share * memory_mb / needed_mb:.6g}")
        table = count_from(_thinned(inputs, share, config))
    if share != 1 and table.report is not None:
        table.report.warn(f"the second stage learns from {share:.1%} of the documents, a random sample")
    trainer.share_read = share
    return table


def _thinned(inputs: Inputs, share: float, config: CountConfig | None) -> list[Source]:
    listed = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if not all(isinstance(source, (str, PathLike, SourceSpec)) for source in listed):
        raise UsageError(
            f"the second stage is to read {share:.1%} of the documents, and texts in memory cannot be sampled",
            hint="give files, more memory or fewer texts",
        )
    return [_thin(source, share, config) for source in listed]


def _thin(source: object, share: float, config: CountConfig | None) -> SourceSpec:
    if isinstance(source, SourceSpec):
        return source.model_copy(update={"weight": source.weight * share})
    options = (config or CountConfig()).source
    return SourceSpec(path=str(source), **{**options.model_dump(), "weight": options.weight * share})


def count_cut(
    inputs: Inputs,
    cut: Callable[[bytes, bytes, int], tuple[bytes, bytes]],
    *,
    label: str,
    config: CountConfig | None,
    progress: Progress,
) -> CountTable:
    """Counts what `cut` makes of texts: (bytes, offsets, number of the first text) -> (bytes, offsets).

    Texts are the documents, taken as often as they weigh, and parted at special tokens.

    Raises: as `tokkit.counts.count`.
    """
    config = config or CountConfig()
    specials = [special.encode() for special in config.specials] if config.isolate_specials else []
    counter = _core.Counter(
        "none@1",
        threads=config.threads or available_threads(),
        memory_bytes=config.memory_mb * MEBIBYTE,
        spill_dir=config.spill_dir,
    )
    corpus = read(inputs, options=config.source)
    found: Counter[str] = Counter()
    n_texts = n_left_out = 0
    for batch in corpus.batches(progress):
        parts, n_specials, left_out = _core.sections(batch.blob, batch.offsets, weight=batch.weight, specials=specials)
        for weight, blob, offsets in parts:
            counter.add(*cut(blob, offsets, n_texts), weight=weight)
            n_texts += len(offsets) // 8 - 1
        found.update(dict(zip(config.specials, n_specials, strict=False)))
        n_left_out += left_out
    raw, stats = counter.finish(None if progress is silent else progress)
    report = corpus.report
    report.specials = dict(found)
    report.pretokens, report.longest_pretoken = stats["pretokens"], stats["longest"]
    report.spilled_runs = stats["runs"]
    if n_left_out:
        report.skipped["weight"] += n_left_out
    return CountTable(raw, pretokenizer=label, report=report)


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


__all__ = ["SuperwordTrainer", "count_cut", "first_stage", "sampled_count"]
