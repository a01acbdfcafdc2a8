"""SuperBPE: learn words first, then tokens that reach across spaces."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tokkit import _core
from tokkit.corpus.read import Inputs
from tokkit.counts import CountConfig, CountTable, count
from tokkit.counts.count import available_threads
from tokkit.errors import InputError, UsageError
from tokkit.model.events import Events
from tokkit.model.model import Model
from tokkit.model.vocab import byte_atoms
from tokkit.progress import Progress, silent
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import Bpe
from tokkit.trainers.superword import SuperwordTrainer, first_stage, sampled_count

Generation = Literal["paper", "head"]
Inherit = Literal["strict", "reference"]

SCHEMES: dict[str, tuple[str, str]] = {
    "paper": ("superbpe-paper-words@1", "superbpe@1"),
    "head": ("superbpe-head-words@1", "superbpe-head@1"),
}
"""Pre-tokenizers of both stages in the published scripts: until October 2025, and since."""


BYTES_PER_TEXT_BYTE = 7
"""Memory of a second stage for each byte of distinct text: the table and 20 bytes for each of its tokens."""


@dataclass(frozen=True)
class Point:
    """One transition of a sweep: where stage 2 began, and the tokens a byte that the training text came to."""

    transition: float
    n_inherited: int
    tokens_per_byte: float
    model: Model


@TRAINERS.register("superbpe")
class SuperBpe(SuperwordTrainer):
    """BPE on words up to the transition, then BPE across words (Liu et al., COLM 2025).

    The second stage counts pairs in chunks that only numbers (and what `generation` says) cut, starts from the words'
    merges, and refuses tokens of more than `max_words` words and tokens with a forbidden string. The result is plain
    BPE: all merges in order on the chunks of the second stage.

    Deviations from the authors' code: `inherit="strict"` keeps every merge of the first stage and its ids, where the
    code loses those that its second corpus does not show; "reference" does as the code. The second stage costs what its
    text is long, and gives the same merges (see the core's `train::superword`).
    """

    class Config(SuperwordTrainer.Config):
        """Where the stages meet, and what no superword may be."""

        min_frequency: int = Field(0, ge=0, description="stop when the best pair is rarer than this")
        generation: Generation = Field("paper", description="regexes of the published scripts: until 10/2025, or since")
        transition: float = Field(
            0.8, gt=0, le=1, description="share of the vocabulary at which the second stage begins"
        )
        inherit_merges: int | None = Field(None, ge=0, description="merges to take over, instead of `transition`")
        inherit: Inherit = Field(
            "strict", description="keep all words' merges and ids, or only those seen again (code)"
        )
        max_words: int | None = Field(4, ge=1, description="most words in a superword")
        forbid: tuple[str, ...] = Field((": ",), description="texts that no superword contains")
        max_bytes: int | None = Field(None, ge=2, description="most bytes in a superword")
        forbid_newline: bool = Field(False, description="no line end in a superword")
        whole_utf8: bool = Field(False, description="superwords hold whole characters")
        bound: int | None = Field(
            None, ge=0, description="first count below which neighbours are cut apart; the result never depends on it"
        )
        stage1: str | None = Field(
            None, description="folder of the first stage: taken from there, or put there, so that a run can be resumed"
        )
        sweep_transition: str | None = Field(
            None, description="try these transitions (0.6,0.7,0.8) and keep the one with the fewest tokens a byte"
        )

        @model_validator(mode="after")
        def _check_sweep(self) -> "SuperBpe.Config":
            if any(not 0 < point <= 1 for point in self.transitions):
                raise ValueError(f"sweep_transition: points lie between 0 and 1, got {self.sweep_transition}")
            if self.sweep_transition and self.inherit_merges is not None:
                raise ValueError("sweep_transition and inherit_merges do not go together")
            return self

        @property
        def transitions(self) -> tuple[float, ...]:
            """The points of `sweep_transition`.

            Raises:
                ValueError: something in it is no number.
            """
            return tuple(float(point) for point in (self.sweep_transition or "").split(",") if point.strip())

    config: Config
    last_stats: dict[str, int]
    """What the last second stage did: symbols, distinct neighbours, what cutting kept, bound, recuts, tokens."""

    def default_pretokenizer(self) -> str:
        """The scheme that cuts words for the first stage."""
        return SCHEMES[self.config.generation][0]

    def second_pretokenizer(self) -> str:
        """The scheme that cuts chunks for the second stage, and texts at encoding."""
        return SCHEMES[self.config.generation][1]

    def count_again(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """See `SuperwordTrainer.count_again`."""
        scheme = self.second_pretokenizer()
        return sampled_count(
            self,
            lambda texts: count(texts, pretokenizer=scheme, config=config, progress=progress),
            self.config.stage2_sources or inputs,
            bytes_per_text_byte=BYTES_PER_TEXT_BYTE,
            config=config,
        )

    def again_facts(self) -> dict[str, object]:
        """See `SuperwordTrainer.again_facts`."""
        return {**super().again_facts(), "scheme": self.second_pretokenizer()}

    def train(self, counts: CountTable, *, again: CountTable | None = None, progress: Progress = silent) -> Model:
        """Learns from the words in `counts` and the chunks in `again` (from `count_again`).

        With `sweep_transition` the best point's model; its config holds the figures of all.

        Raises:
            UsageError: no chunks, chunks of another pre-tokenizer, or a size too small. Else as `Trainer.train`.
        """
        if not self.config.transitions:
            return self._second_stage(self.first_stage(counts, progress=progress), again, progress)[0]
        points = self.sweep(counts, again, progress=progress)
        best = min(points, key=lambda point: (point.tokens_per_byte, point.transition))
        figures = [
            {"transition": p.transition, "inherited": p.n_inherited, "tokens_per_byte": round(p.tokens_per_byte, 6)}
            for p in points
        ]
        return replace(best.model, config={**best.model.config, "sweep": figures})

    def sweep(self, counts: CountTable, again: CountTable | None, *, progress: Progress = silent) -> list[Point]:
        """One model for each of `sweep_transition`, all from the same first stage."""
        first = self.first_stage(counts, progress=progress)
        chunks = self._checked(again)
        sizes = chunks.numpy()
        n_bytes = int((np.diff(sizes[1]).astype(np.float64) * sizes[2]).sum())
        points = []
        for transition in self.config.transitions:
            config = self.config.model_copy(update={"transition": transition, "sweep_transition": None})
            trainer = type(self)(config)
            model, n_inherited, n_tokens = trainer._second_stage(first, chunks, progress)
            points.append(Point(transition, n_inherited, n_tokens / n_bytes, model))
        return points

    def first_stage(self, counts: CountTable, *, progress: Progress = silent) -> Model:
        """The words' BPE, trained as far as any transition needs it, or read from `stage1`."""
        config = self.config
        if config.inherit_merges is not None:
            # Each merge makes one token at most.
            size = 256 + len(config.special_tokens) + config.inherit_merges
        else:
            size = max(self._first_size(point) for point in config.transitions or (config.transition,))
        options = Bpe.Config(
            vocab_size=size,
            special_tokens=config.special_tokens,
            min_frequency=config.min_frequency,
            layout=config.layout,
        )
        folder = self.stage1_folder if config.stage1 is None else Path(config.stage1)
        return first_stage(options, counts, folder, progress)

    def _first_size(self, transition: float) -> int:
        return max(256 + len(self.config.special_tokens), round(transition * self.config.vocab_size))

    def _checked(self, chunks: CountTable | None) -> CountTable:
        if chunks is None:
            raise UsageError(
                "superbpe reads its text twice and got one table",
                hint="pass again=trainer.count_again(inputs), or train from texts",
            )
        if chunks.pretokenizer != self.second_pretokenizer():
            raise UsageError(
                f"the second table must be cut by `{self.second_pretokenizer()}`, got `{chunks.pretokenizer}`"
            )
        if len(chunks) == 0:
            raise InputError("the table of chunks is empty: there is nothing to learn from", hint="check the inputs")
        return chunks

    def _second_stage(self, first: Model, again: CountTable | None, progress: Progress) -> tuple[Model, int, int]:
        """The model, how many merges it inherited, and the tokens of the training text."""
        chunks, config = self._checked(again), self.config
        start = self._inherited(first)
        if config.vocab_size < len(start.tokens):
            raise UsageError(
                f"vocab_size: {config.vocab_size} is less than the {len(start.tokens)} tokens of the first stage",
                hint="lower the transition or ask for more",
            )
        options = self._options(config.vocab_size - len(start.tokens))
        if config.inherit == "strict":
            merges, inherited_counts = start.events.merges(), start.events.count
            session = _core.SuperwordSession.from_chunks(
                chunks.raw,
                _keys(start),
                byte_atoms(start).astype("<u4").tobytes(),
                merges.astype("<u4").tobytes(),
                options,
                progress=progress,
            )
        else:
            replayed = self._replay(start, chunks, progress)
            merges, inherited_counts = _rows(*replayed.events()[1:5])
            session = _core.SuperwordSession.after(replayed, options, progress=progress)
        is_reached = session.run(config.vocab_size, progress=progress)
        new_merges, new_counts = session.merges()
        rows = np.frombuffer(new_merges, "<u4").astype(np.uint32).reshape(-1, 3)
        events = Events.from_merges(
            np.concatenate([merges, rows]),
            np.concatenate([inherited_counts, np.frombuffer(new_counts, "<u8").astype(np.uint64)]),
        )
        n_ground = first.first_made
        self.last_stats = session.stats()
        model = replace(
            start,
            method=self.method_name(),
            pretokenizer=self.second_pretokenizer(),
            tokens=(*start.tokens[:n_ground], *session.tokens()[n_ground:]),
            events=events,
            layout=config.layout,
            exhausted=not is_reached,
            config={**self.lasting_config(), "n_inherited": len(merges)},
        )
        return model, len(merges), self.last_stats["n_tokens"]

    def _inherited(self, first: Model) -> Model:
        """The first stage cut off at the transition."""
        config = self.config
        if config.inherit_merges is not None:
            n_merges = min(config.inherit_merges, len(first.events))
        else:
            size = self._first_size(config.transition)
            # The last event that is needed is the one that makes the last token.
            reached = np.flatnonzero(np.maximum.accumulate(first.events.token, dtype=np.int64) + 1 >= size)
            n_merges = int(reached[0]) + 1 if len(reached) else len(first.events)
            n_merges = 0 if size <= first.first_made else n_merges
        merges, counts = first.events.merges()[:n_merges], first.events.count[:n_merges]
        n_tokens = max(first.first_made, int(merges[:, 2].max()) + 1 if n_merges else 0)
        return replace(first, tokens=first.tokens[:n_tokens], events=Events.from_merges(merges, counts))

    def _replay(self, start: Model, chunks: CountTable, progress: Progress) -> "_core.TrainSession":
        """As the authors' code inherits: merges by their strings, those left out that never stood in the chunks."""
        keys = _keys(start)[: start.first_made]
        session = _core.TrainSession(
            chunks.raw, keys=keys, atom_ids=byte_atoms(start).tolist(), min_frequency=0, progress=progress
        )
        ids = {key: token for token, key in reversed(list(enumerate(keys))) if key}
        for done, (left, right, _) in enumerate(start.events.merges().tolist()):
            progress("replay merges", done, len(start.events))
            pair = ids.get(start.tokens[left]), ids.get(start.tokens[right])
            if pair[0] is not None and pair[1] is not None and session.was_seen(pair[0], pair[1]):
                token = session.merge(pair[0], pair[1])[2]
                ids.setdefault(start.tokens[left] + start.tokens[right], token)
        return session

    def _options(self, n_merges: int) -> dict[str, object]:
        config = self.config
        return {
            "max_words": config.max_words,
            "forbidden": [text.encode() for text in config.forbid],
            "max_bytes": config.max_bytes,
            "no_newline": config.forbid_newline,
            "whole_utf8": config.whole_utf8,
            "min_frequency": config.min_frequency,
            "bound": config.bound,
            "n_merges": n_merges,
            "threads": config.threads or available_threads(),
        }


def _keys(model: Model) -> list[bytes]:
    """The bytes that a merge must spell to be each token: a byte-level special is read in the byte alphabet."""
    from tokkit.trainers.alphabet import byte_atoms as ordered_bytes
    from tokkit.trainers.alphabet import lay_ground

    ground = lay_ground("byte", model.specials, byte_tokens=False, atoms=ordered_bytes("codepoint"))
    return [*ground.keys, *model.tokens[model.first_made :]]


def _rows(token: bytes, left: bytes, right: bytes, count: bytes) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
    columns = [np.frombuffer(column, "<u4").astype(np.uint32) for column in (left, right, token)]
    return np.stack(columns, axis=1), np.frombuffer(count, "<u8").astype(np.uint64)


__all__ = ["SCHEMES", "Point", "SuperBpe"]
