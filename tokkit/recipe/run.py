"""Runs a recipe: count, train, export, evaluate; each step once, however often it is asked for."""

import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import _core, artifact
from tokkit.artifact.folder import Source
from tokkit.artifact.lock import folder_lock
from tokkit.atomic import atomic_file
from tokkit.counts import CountTable, count
from tokkit.errors import GateError, InputError, ResourceError, TokenizerError, UsageError
from tokkit.progress import Progress, silent
from tokkit.recipe import cache
from tokkit.recipe.digest import FileDigest, digest_files, step_key
from tokkit.recipe.evaluation import evaluate_step, evaluation_files
from tokkit.recipe.exports import measured_fidelity
from tokkit.recipe.inputs import input_files, resolve, resolved_sources, spelled, streams
from tokkit.recipe.lock import check_inputs, lock_table, lock_text
from tokkit.recipe.report import reading_warnings
from tokkit.recipe.schema import DEFAULT_PRETOKENIZER, EvalStep, Recipe, lasting
from tokkit.recipe.second_table import check_second_reading, second_files, second_table
from tokkit.recipe.state import State
from tokkit.trainers import TRAINERS
from tokkit.trainers.superword import SuperwordTrainer, spanned_texts
from tokkit.trainers.whole_words import WholeWordTrainer

if TYPE_CHECKING:
    from tokkit.model.model import Model

Say = Callable[[str], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """One step of a run; `seconds` is None when it was finished already."""

    name: str
    seconds: float | None
    note: str = ""


@dataclass
class Outcome:
    """What a run made."""

    output: Path
    steps: list[Step] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    manifest: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints."""
        return {
            "schema": "tokkit.run",
            "version": 1,
            "output": str(self.output),
            "vocab_size": self.manifest.get("vocab_size"),
            "counts_digest": self.manifest.get("counts_digest"),
            "exports": self.manifest.get("exports"),
            "steps": [{"name": step.name, "skipped": step.seconds is None, "note": step.note} for step in self.steps],
            "warnings": self.warnings,
        }


def run(
    recipe: Recipe,
    output: Path,
    *,
    overwrite: bool = False,
    resume: bool = True,
    strict: bool = False,
    progress: Progress = silent,
    say: Say = log.info,
) -> Outcome:
    """Makes the folder `output`.

    Counts are found again by key in the cache folder, the training and the evaluations in `output` itself; with
    `resume` false nothing is. `strict` makes a vocabulary that fell short of its size an error.

    Raises:
        UsageError: the output exists and is of another recipe, and `overwrite` is false.
        GateError: an export keeps less of the training mass than asked, or `strict` is not met. The output stands.
        InputError, TokenizerError, ResourceError: as the steps raise them.
    """
    output = output.absolute()
    if not output.parent.is_dir():
        raise ResourceError(f"{output.parent}: no such folder", hint="make it first")
    with folder_lock(output.parent / f"{output.name}.run"):
        return _Run(recipe, output, overwrite=overwrite, resume=resume, progress=progress, say=say).go(strict=strict)


class _Run:
    """The state of one run: keys first, so that a refusal costs no work; then the steps in order."""

    def __init__(
        self, recipe: Recipe, output: Path, *, overwrite: bool, resume: bool, progress: Progress, say: Say
    ) -> None:
        self.recipe, self.output, self.resume = recipe, output, resume
        self.overwrite, self.progress, self.say = overwrite, progress, say
        self.outcome = Outcome(output)
        self.state = State.read(output)
        self.stream_digest: str | None = None
        # What superwords were learned from: exports are measured on it, words alone would not show them.
        self.spanned: CountTable | None = None

    def go(self, *, strict: bool) -> Outcome:
        check_inputs(self.recipe.lock, self.inputs)
        if self.superword_trainer is not None and self.superword_trainer.reads_twice:
            check_second_reading(self.recipe, self.superword_trainer)
        self._refuse_early()
        is_trained = self.resume and self.train_key is not None and self.state.is_finished("train", self.train_key)
        short = self._train(is_trained=is_trained)
        for step in self.recipe.evaluations:
            self._evaluate(step)
        self._gates(fell_short=strict and short)
        return self.outcome

    # --- keys ---------------------------------------------------------------------------------------------------------

    @cached_property
    def inputs(self) -> list[FileDigest]:
        """Digests of the files to be counted."""
        found = digest_files(input_files(self.recipe), self.progress)
        return [replace(file, path=spelled(file.path)) for file in found]

    @cached_property
    def count_key(self) -> str | None:
        """The key of the counts; None when a stream makes it impossible to know beforehand."""
        recipe = self.recipe
        if streams(recipe):
            return None
        # Of a source, all but its path: the digests stand for the content, wherever it lies.
        specs = [source.model_dump(mode="json", exclude={"path"}) for source in recipe.sources]
        digests = [file.sha256 for file in self.inputs]
        facts: dict[str, object] = {"sources": specs, "files": digests, "pretokenizer": recipe.pretokenizer}
        if isinstance(self.superword_trainer, WholeWordTrainer):
            facts["cut"] = self.superword_trainer.facts()
        elif self.superword_trainer is not None and not self.superword_trainer.reads_twice:
            facts["cut"] = lasting(self.superword_trainer.config)
        return step_key("count", {**facts, "config": lasting(recipe.counting)})

    @property
    def train_key(self) -> str | None:
        """The key of the training; None while a stream isn't counted."""
        counts = self.count_key or self.stream_digest
        if counts is None:
            return None
        recipe = self.recipe
        facts = {"counts": counts, "method": recipe.method, "config": lasting(recipe.training), **self._second_facts}
        return step_key("train", facts)

    @cached_property
    def _second_facts(self) -> dict[str, object]:
        """The content of texts that only the second stage reads."""
        trainer = self.superword_trainer
        if trainer is None or not trainer.config.stage2_sources:
            return {}
        files = second_files(trainer, self.progress)
        return {} if files is None else {"stage2": [file.sha256 for file in files]}

    def _refuse_early(self) -> None:
        """Refuses an existing output before hours of counting."""
        if not self.output.exists() or self.overwrite:
            return
        key = self.train_key
        done = self.state.steps.get("train")
        if self.resume and key is not None and done is not None and done.key == key:
            return
        reason = "exists already, made by another recipe or other inputs" if done else "exists already"
        raise UsageError(f"{self.output}: {reason}", hint="give another path, or --overwrite to replace it")

    # --- steps --------------------------------------------------------------------------------------------------------

    @cached_property
    def counts(self) -> CountTable:
        """The counts: given, found in the cache, or made now."""
        recipe = self.recipe
        started = time.monotonic()
        if recipe.counts is not None:
            table = self._given_counts(recipe.counts)
            self._done("count", None, f"{len(table):,} distinct pre-tokens given")
            return table
        found = cache.find_counts(self.count_key) if self.resume and self.count_key else None
        if found is not None:
            table = CountTable.load(found[1])
            if table.digest == found[0].digest:
                self.outcome.warnings += found[0].warnings
                self._done("count", None, f"{len(table):,} distinct pre-tokens")
                return table
        table = self._count_words()
        self.outcome.warnings += reading_warnings(table)
        self._done("count", started, f"{len(table):,} distinct pre-tokens, {table.total:,} in all")
        if self.count_key is None:
            self.stream_digest = table.digest
        else:
            self._keep(self.count_key, table)
        return table

    def _count_words(self) -> CountTable:
        recipe, sources = self.recipe, resolved_sources(self.recipe)
        trainer = self.superword_trainer
        if trainer is not None and recipe.pretokenizer == _core.scheme_id(trainer.default_pretokenizer()):
            return trainer.count_words(sources, config=recipe.counting, progress=self.progress)
        return count(
            sources,
            pretokenizer=recipe.pretokenizer or DEFAULT_PRETOKENIZER,
            config=recipe.counting,
            progress=self.progress,
        )

    @cached_property
    def superword_trainer(self) -> SuperwordTrainer | None:
        """The trainer, if it is one that reads its corpus twice."""
        trainer = TRAINERS.get(self.recipe.method)(_config_of(self.recipe))
        return trainer if isinstance(trainer, SuperwordTrainer) else None

    def _train_twice(self, trainer: SuperwordTrainer) -> "Model":
        """Reads the corpus again and trains; the first stage is kept until the second is done."""
        recipe, words = self.recipe, self.counts
        started = time.monotonic()
        again, is_found, warnings = second_table(
            recipe, trainer, counts_key=self.count_key, resume=self.resume, progress=self.progress
        )
        self.outcome.warnings += warnings
        self._done("count again", None if is_found else started, f"{len(again):,} distinct chunks")
        self.spanned = spanned_texts(again)
        started = time.monotonic()
        folder = cache.cache_folder()
        if self.resume and self.train_key is not None and folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            trainer.stage1_folder = folder / f"stage1-{self.train_key[:32]}"
        model = trainer.train(words, again=again, progress=self.progress)
        if trainer.stage1_folder is not None:
            shutil.rmtree(trainer.stage1_folder, ignore_errors=True)
        sweep = model.config.get("sweep")
        points = sweep if isinstance(sweep, list) else []
        self._done(
            "train", started, ", ".join(f"{p['transition']}: {p['tokens_per_byte']} tokens a byte" for p in points)
        )
        return model

    def _given_counts(self, name: str) -> CountTable:
        path = Path(resolve(name))
        table = CountTable.load(path, pretokenizer=self.recipe.pretokenizer)
        if table.pretokenizer is None:
            self.outcome.warnings.append(
                f"{name}: does not say which pre-tokenizer cut it, taken as {DEFAULT_PRETOKENIZER}; see --pretokenizer"
            )
            table = CountTable.load(path, pretokenizer=DEFAULT_PRETOKENIZER)
        return table

    def _keep(self, key: str, table: CountTable) -> None:
        try:
            cache.keep_counts(key, table, reading_warnings(table))
        except ResourceError as error:
            self.outcome.warnings.append(f"the counts are not kept for later runs: {error.message}")

    def _train(self, *, is_trained: bool) -> bool:
        """Trains and saves, or takes what stands; whether the vocabulary fell short of its size."""
        recipe = self.recipe
        if is_trained and self._is_saved():
            self.outcome.manifest = artifact.read_manifest(self.output)
            self._done("train", None, f"{self.outcome.manifest['vocab_size']:,} tokens")
            return bool(self.outcome.manifest.get("exhausted"))
        if is_trained:
            model: Model = artifact.load(self.output)
            self._done("train", None)
        elif self.superword_trainer is not None and self.superword_trainer.reads_twice:
            model = self._train_twice(self.superword_trainer)
        else:
            table = self.counts
            started = time.monotonic()
            model = TRAINERS.get(recipe.method)(_config_of(recipe)).train(table, progress=self.progress)
            self._done("train", started)
        if model.exhausted:
            self.outcome.warnings.append(
                f"pairs ran out: the vocabulary is smaller than the {getattr(recipe.training, 'vocab_size', '?')} asked"
            )
        self._save(model)
        return model.exhausted

    def _is_saved(self) -> bool:
        try:
            manifest = artifact.read_manifest(self.output)
        except TokenizerError:
            return False
        lock = self._lock(str(manifest.get("counts_digest")), str(manifest.get("pretokenizer")), manifest["config"])
        return self.state.is_finished("save", self._save_key(lock))

    def _lock(self, counts_digest: str, pretokenizer: str, made_with: object) -> str:
        recipe = self.recipe
        if self.superword_trainer is not None:
            # The model's pre-tokenizer may be that of its second table.
            pretokenizer = recipe.pretokenizer or str(self.counts.pretokenizer)
        share = made_with.get("stage2_share") if isinstance(made_with, Mapping) else None
        if share is not None and self.superword_trainer is not None:
            # Memory may have made the sample smaller: the lock gives the same one wherever there is more.
            recipe = replace(recipe, training=recipe.training.model_copy(update={"stage2_share": share}))
        return lock_text(lock_table(recipe, self.inputs, counts_digest=counts_digest, pretokenizer=pretokenizer))

    def _save_key(self, lock: str) -> str:
        return step_key("save", {"train": self.train_key, "lock": lock})

    def _save(self, model: "Model") -> None:
        started = time.monotonic()
        recipe = self.recipe
        names = list(dict.fromkeys(["hf", *(step.to for step in recipe.exports)]))
        lock = self._lock(self.counts.digest, model.pretokenizer, model.config)
        kept = {path: path.read_bytes() for path in (self.output / "eval").glob("*.json")}
        artifact.save(
            model,
            self.output,
            counts_digest=self.counts.digest,
            recipe_text=lock,
            sources=[Source(name=file.path, sha256=file.sha256, size_bytes=file.size_bytes) for file in self.inputs],
            roles=recipe.roles or None,
            exports=names,
            fidelity=measured_fidelity(model, names, self.spanned or self.counts, self.progress),
            overwrite=self.output.exists(),
        )
        for path, content in kept.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        made = [path for path in self.output.iterdir() if path.is_file()]
        key = self.train_key
        assert key is not None, "the counts are there by now"
        self.state.steps.pop("train", None)
        self.state.finish("save", self._save_key(lock), made)
        self.state.finish("train", key, [self.output / "events.parquet"])
        self.outcome.manifest = artifact.read_manifest(self.output)
        self._done("save", started, f"{self.outcome.manifest['vocab_size']:,} tokens")

    def _evaluate(self, step: EvalStep) -> None:
        started = time.monotonic()
        files = digest_files(evaluation_files(step))
        facts = {
            "model": self.train_key,
            "texts": [file.sha256 for file in files],
            "step": step.model_dump(mode="json"),
        }
        key, target = step_key("eval", facts), self.output / "eval" / f"{step.name}.json"
        name = f"eval {step.name}"
        if self.resume and self.state.is_finished(name, key):
            document = json.loads(target.read_text(encoding="utf-8"))
            self.outcome.tables[step.name] = str(document.get("table", ""))
            self._done(name, None)
            return
        results = evaluate_step(step, self.output, self.progress)
        table = results.table()
        target.parent.mkdir(exist_ok=True)
        with atomic_file(target, overwrite=True) as temporary:
            document = {**json.loads(results.to_json()), "table": table}
            temporary.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        self.state.finish(name, key, [target])
        self.outcome.tables[step.name] = table
        self._done(name, started)

    def _gates(self, *, fell_short: bool) -> None:
        if fell_short:
            raise GateError("the vocabulary is smaller than asked", hint="give more text, or leave out --strict")
        exports: Any = self.outcome.manifest.get("exports", {})
        for step in self.recipe.exports:
            entry = exports.get(step.to, {})
            if entry.get("status") == "not possible":
                raise TokenizerError(f"export `{step.to}`: {entry.get('reason')}")
            share = entry.get("fidelity", {}).get("mass_share", 1.0)
            if share < step.min_fidelity:
                raise GateError(
                    f"export `{step.to}` keeps {share:.4%} of the training mass, {step.min_fidelity:.4%} is asked",
                    hint="choose another export, or lower min_fidelity; the folder stands as it is",
                )

    def _done(self, name: str, started: float | None, note: str = "") -> None:
        seconds = None if started is None else time.monotonic() - started
        self.outcome.steps.append(Step(name, seconds, note))
        took = "finished already" if seconds is None else f"{seconds:.2f} s"
        self.say(f"{name}: {took}" + (f", {note}" if note else ""))


def _config_of(recipe: Recipe) -> Any:
    # The class comes from the registry by name, so no static type says that the two fit; `parse` made them fit.
    config = recipe.training
    if not isinstance(config, TRAINERS.get(recipe.method).Config):
        raise InputError(f"train: options of another method than `{recipe.method}`")
    return config
