"""Counts the pretokens of a corpus."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from tokkit import _core
from tokkit.corpus.read import Inputs, read
from tokkit.corpus.report import CorpusReport
from tokkit.corpus.spec import SourceOptions
from tokkit.counts.table import CountTable
from tokkit.errors import InputError, UsageError
from tokkit.model.normal_form import NormalForm, sections
from tokkit.progress import Progress, silent
from tokkit.spec import Spec

if TYPE_CHECKING:
    from tokkit.corpus.batch import Batch
    from tokkit.corpus.read import Corpus

MEBIBYTE = 1 << 20


class CountConfig(Spec):
    """How a corpus is counted. None of these but `specials`, `isolate_specials` and `source` changes the table."""

    threads: int = Field(0, ge=0, le=4096, description="counting threads; 0: as many as this process may use")
    memory_mb: int = Field(2048, ge=1, description="MiB for counting before it spills to disk; the table comes on top")
    spill_dir: str | None = Field(
        None, description="folder for spilled counts; the system's temporary folder when absent"
    )
    track_first: bool = Field(
        default=False, description="keep where each pretoken was first seen (for ties by first occurrence)"
    )
    specials: tuple[str, ...] = Field((), description="special tokens")
    isolate_specials: bool = Field(
        default=True, description="cut specials out of the texts, so that they are neither counted nor merged across"
    )
    source: SourceOptions = Field(SourceOptions(), description="how sources are read that do not say it themselves")


def count(
    inputs: Inputs,
    *,
    pretokenizer: str = "llama-bpe@1",
    normalizer: str | None = None,
    config: CountConfig | None = None,
    progress: Progress = silent,
    rank: int = 0,
    world_size: int = 1,
) -> CountTable:
    """The table of distinct pretokens of `inputs` (see `tokkit.corpus.read`), with the report of what was read.

    With `normalizer` (nfc, nfd, nfkc, nfkd) texts are brought to that form first, but for special tokens in them.

    Task `rank` of `world_size` counts only its share; `CountTable.merge` adds the shares up to the whole table.

    Raises:
        InputError: a source is missing, empty, damaged or not UTF-8; a sum exceeds 2^64 - 1.
        UsageError: an unknown pre-tokenizer, empty or repeated specials.
        ResourceError: memory, disk or permission. NetworkError: the hub or a URL fails.
    """
    config = config or CountConfig()
    if config.track_first and world_size > 1:
        raise UsageError("first positions cannot be tracked across tasks", hint="count in one task")
    specials = [special.encode() for special in config.specials] if config.isolate_specials else []
    counter = _core.Counter(
        pretokenizer,
        threads=config.threads or available_threads(),
        memory_bytes=config.memory_mb * MEBIBYTE,
        spill_dir=config.spill_dir,
        track_first=config.track_first,
        specials=specials,
    )
    corpus = read(inputs, options=config.source, rank=rank, world_size=world_size)
    form = None if normalizer is None else NormalForm(normalizer)
    for batch in corpus.batches(progress):
        if form is not None:
            batch = _normalized(batch, form, config.specials if config.isolate_specials else ())
        counter.add(batch.blob, batch.offsets, weight=batch.weight)
    raw, stats = counter.finish(None if progress is silent else progress)
    report = corpus.report
    if report.text_bytes == 0 and world_size == 1:
        raise InputError(f"{_names(corpus)}: no text to count", hint=_why_empty(report))
    report.specials = dict(zip(config.specials, stats["specials"], strict=True)) if specials else {}
    report.pretokens, report.longest_pretoken = stats["pretokens"], stats["longest"]
    report.spilled_runs = stats["runs"]
    if stats["documents_left_out"]:
        report.skipped["weight"] += stats["documents_left_out"]
    table = CountTable(
        raw,
        pretokenizer=_core.scheme_id(pretokenizer),
        report=report,
        sources=[{"path": s.path, "sha256": s.sha256, "bytes": s.bytes, "weight": s.weight} for s in report.sources],
    )
    _warn(table, report, stats["long_pretokens"])
    return table


def available_threads() -> int:
    """Processors that this process may use (affinity and, where it is set, the cgroup's quota)."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            allowed = min(allowed, max(1, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        pass  # no such cgroup file on this system: the affinity is all there is
    return max(1, allowed)


def _warn(table: CountTable, report: CorpusReport, n_long: int) -> None:
    if n_long:
        report.warn(
            f"{n_long} pretokens are longer than 64 KiB (the longest has {report.longest_pretoken} bytes): "
            "text without word breaks, slow to train on"
        )
    if _is_blank(table):
        report.warn("the corpus holds nothing but white space")


def _is_blank(table: CountTable) -> bool:
    # Words sort behind white space, so that the first few entries of a real corpus tell.
    return all(not word.decode("utf-8", "replace").replace("\u2581", " ").strip() for word, _ in table)


def _normalized(batch: "Batch", form: NormalForm, specials: Sequence[str]) -> "Batch":
    """The batch with its texts in that form; special tokens in them stay as they are."""
    if form.holds(batch.blob.decode()):
        return batch
    texts = (
        "".join(part if is_special else form.apply(part) for _, part, is_special in sections(text.decode(), specials))
        for text in batch.texts()
    )
    return batch.of([text.encode() for text in texts], weight=batch.weight)


def _names(corpus: "Corpus") -> str:
    names = [source.path for source in corpus.report.sources]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _why_empty(report: CorpusReport) -> str:
    if not report.skipped:
        return "the input is empty"
    return "all of it was left out: " + ", ".join(f"{reason} ({n})" for reason, n in sorted(report.skipped.items()))
