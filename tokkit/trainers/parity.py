"""Parity-aware BPE: each merge goes to the language that is served worst so far."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from tokkit import _core
from tokkit.counts import CountTable
from tokkit.errors import InputError, UsageError
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers.alphabet import Ground
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import MergeTrainer, Tie


@TRAINERS.register("parity-aware")
class ParityAware(MergeTrainer):
    """Each step merges the most frequent pair of the language whose dev text is longest (arXiv 2508.04796).

    `languages` are count tables per language and `dev` tables of parallel text; a merge is applied to all. With
    `ratios` instead of `dev` the next language is the one with the lowest compression (atoms per token of its own
    table) divided by its ratio. `window`: a language that got more than `alpha` / L of the last `window` merges waits
    (L languages, one more when global merges are used). The first `global_merges` are those of all text together.
    """

    class Config(MergeTrainer.Config):
        """`MergeTrainer.Config` and the languages."""

        tie: Tie = Field("lexmax", description="which of equally frequent pairs wins; lexmax: the authors' rule")
        min_frequency: int = Field(2, ge=0, description="a language whose best pair is rarer than this is done")
        languages: tuple[str, ...] = Field((), description="`name=counts.parquet` for each language")
        dev: tuple[str, ...] = Field((), description="`name=counts.parquet` of parallel text for each language")
        ratios: tuple[str, ...] = Field((), description="`name=number`, the compression wanted, instead of dev")
        window: int = Field(
            0, ge=0, description="look back so many merges for a language that gets too many (0: never)"
        )
        alpha: float = Field(2.0, gt=0, description="times its fair share of the window that a language may have")
        global_merges: int = Field(0, ge=0, description="first so many merges over all languages together")

    config: Config

    def train(self, counts: CountTable, *, progress: Progress = silent) -> Model:
        """`counts` must be the tables of all languages together: it decides the alphabet and the global merges.

        Raises:
            UsageError: no languages, or not the same in `dev` or `ratios`. InputError: a table cannot be read.
        """
        config = self.config
        tables = _tables(config.languages, counts.pretokenizer, "languages")
        if not tables:
            raise UsageError(
                "parity-aware: needs the count table of each language", hint="--languages en=en.parquet ..."
            )
        dev = _tables(config.dev, counts.pretokenizer, "dev")
        return self.train_languages(tables, pooled=counts, dev=dev, ratios=_ratios(config.ratios), progress=progress)

    def train_languages(
        self,
        tables: Mapping[str, CountTable],
        *,
        pooled: CountTable | None = None,
        dev: Mapping[str, CountTable] | None = None,
        ratios: Mapping[str, float] | None = None,
        progress: Progress = silent,
    ) -> Model:
        """The same from tables in memory; `pooled` is their sum.

        Raises:
            UsageError: `dev` and `ratios` both or neither, or with other languages; pairs of a text lie in no table.
        """
        names = sorted(tables)
        if bool(dev) == bool(ratios):
            raise UsageError("parity-aware: give dev tables or ratios, one of them")
        for what, given in (("dev", dev), ("ratios", ratios)):
            if given and sorted(given) != names:
                raise UsageError(f"{what}: must have the same languages, got {', '.join(sorted(given))}")
        pooled = pooled if pooled is not None else CountTable.merge([tables[name] for name in names])
        ground = self.lay_ground(pooled)
        if self.config.vocab_size < len(ground.tokens):
            raise UsageError(
                f"vocab_size: {self.config.vocab_size} is less than the {len(ground.tokens)} of specials and alphabet"
            )
        run = _Run(self, ground, tables, pooled, dev or {}, ratios or {}, progress)
        is_reached = run.run()
        return self.build_model(pooled, ground, run.main, exhausted=not is_reached)


class _Run:
    """One session a language, in step: every merge is made in all of them, so that ids are the same."""

    def __init__(
        self,
        trainer: ParityAware,
        ground: Ground,
        tables: Mapping[str, CountTable],
        pooled: CountTable,
        dev: Mapping[str, CountTable],
        ratios: Mapping[str, float],
        progress: Progress,
    ) -> None:
        def session(table: CountTable) -> _core.TrainSession:
            return trainer.open_session(table, ground, progress=progress)

        self.config, self.progress, self.ratios = trainer.config, progress, ratios
        self.sessions = {name: session(tables[name]) for name in sorted(tables)}
        self.dev = {name: session(dev[name]) for name in sorted(dev)}
        # The log is read from the session of all text; its counts are those of all languages together.
        self.main = session(pooled)
        judged = self.dev or self.sessions
        self.atoms = {name: _length(one) for name, one in judged.items()}
        self.length = dict(self.atoms)
        self.recent: deque[str] = deque(maxlen=self.config.window or None)
        self.shares: Counter[str] = Counter()

    def run(self) -> bool:
        """False when every language ran out of pairs."""
        n_merges = 0
        while self.main.n_present < self.config.vocab_size:
            self.progress("merge", self.main.n_present, self.config.vocab_size)
            pair = self.main.best() if n_merges < self.config.global_merges else self._best_of_the_poorest()
            if pair is None:
                return False
            self._merge(pair[0], pair[1])
            n_merges += 1
        return True

    def _best_of_the_poorest(self) -> tuple[int, int, int] | None:
        order = sorted(self.sessions, key=self._need)
        allowed = [name for name in order if not self._has_too_much(name)] or order
        for name in dict.fromkeys([*allowed, *order]):
            pair = self.sessions[name].best()
            if pair is not None:
                self._note(name)
                return pair
        return None

    def _need(self, name: str) -> tuple[float, str]:
        """Smallest for the language that is next; ties by name."""
        if self.dev:
            return -float(self.length[name]), name
        return self.atoms[name] / max(1, self.length[name]) / self.ratios[name], name

    def _has_too_much(self, name: str) -> bool:
        if not self.config.window or not self.recent:
            return False
        n_slots = len(self.sessions) + (self.config.global_merges > 0)
        return self.shares[name] / len(self.recent) > self.config.alpha / n_slots

    def _note(self, name: str) -> None:
        if not self.config.window:
            return
        if len(self.recent) == self.config.window:
            self.shares[self.recent[0]] -= 1
        self.recent.append(name)
        self.shares[name] += 1

    def _merge(self, left: int, right: int) -> None:
        judged = self.dev or self.sessions
        self.main.merge(left, right)
        for one in (*self.sessions.values(), *self.dev.values()):
            replaced = one.merge(left, right)[4]
            for name, session in judged.items():
                if session is one:
                    self.length[name] -= replaced


def _length(session: _core.TrainSession) -> int:
    return int(np.frombuffer(session.frequencies(), "<u8").sum())


def _pairs(entries: Sequence[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not (name and equals and value) or name in found:
            raise UsageError(f"{option}: entries are `name=value`, each name once, got {entry!r}")
        found[name] = value
    return found


def _tables(entries: Sequence[str], pretokenizer: str | None, option: str) -> dict[str, CountTable]:
    tables = {}
    for name, path in _pairs(entries, option).items():
        tables[name] = CountTable.load(Path(path), pretokenizer=pretokenizer)
        if tables[name].pretokenizer != pretokenizer:
            raise InputError(f"{option}: {path} was cut by {tables[name].pretokenizer}, the counts by {pretokenizer}")
    return tables


def _ratios(entries: Sequence[str]) -> dict[str, float]:
    ratios = {}
    for name, text in _pairs(entries, "ratios").items():
        try:
            ratios[name] = float(text)
        except ValueError:
            ratios[name] = 0.0
        if not 0 < ratios[name] < float("inf"):
            raise UsageError(f"ratios: must be numbers above 0, got {name}={text}")
    return ratios
