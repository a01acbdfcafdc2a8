"""Byte-pair encoding (Sennrich et al., 2016, section 3.2) with the exact rules of each well-known trainer."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from tokkit import _core
from tokkit.counts import CountTable
from tokkit.errors import InputError, UsageError
from tokkit.model.events import Events
from tokkit.model.inference import Inference, with_inference
from tokkit.model.model import Alphabet, Model, Unit, Unknown
from tokkit.progress import Progress, silent
from tokkit.trainers.alphabet import Ground, affixed, byte_atoms, frequent_characters, lay_ground
from tokkit.trainers.base import TRAINERS, Trainer
from tokkit.trainers.sentencepiece_rules import (
    DEFAULT_SPECIALS,
    check_options,
    piece_scores,
    required_characters,
)

Tie = Literal["hf", "bytes", "first", "lexmax", "shortest"]


class MergeTrainer(Trainer):
    """A trainer over pair merges: lays the alphabet, opens a session, runs it, reads the log.

    A variant overrides `after_merge`, which is called once after each merge with the session (see `session` in
    `tokkit._core.TrainSession`): it may ask frequencies, look at the segmentation, remove tokens or veto pairs.
    """

    class Config(Trainer.Config):
        """Options of every merging trainer; names and meanings are those of HF's BpeTrainer where it has them."""

        unit: Unit = Field("byte", description="atoms: the 256 bytes, or Unicode characters")
        min_frequency: int = Field(0, ge=0, description="stop when the best pair is rarer than this")
        tie: Tie = Field("hf", description="which of equally frequent pairs wins; bytes: rustbpe, first: minbpe")
        max_token_length: int | None = Field(
            None, ge=0, description="tokens stay shorter than this many atoms (strictly, pairs of atoms excepted)"
        )
        limit_alphabet: int | None = Field(None, ge=1, description="keep only the most frequent characters")
        initial_alphabet: tuple[str, ...] = Field((), description="characters to keep even where they never occur")
        continuing_subword_prefix: str = Field("", description="mark before every atom of a pretoken but the first")
        end_of_word_suffix: str = Field("", description="mark after the last atom of a pretoken")
        unknown: Unknown = Field("drop", description="what characters outside the alphabet become")
        unk_token: str | None = Field(None, description="the special token that stands for unknown characters")
        fuse_unk: bool = Field(False, description="join neighbouring unknown characters into one token")
        inference: Inference | None = Field(
            None, description="how the vocabulary is read; default: as the method means"
        )

    config: Config
    default_inference: ClassVar[Inference] = "merge"
    can_split = False
    keeps_specials = False

    def train(self, counts: CountTable, *, progress: Progress = silent) -> Model:
        """See `Trainer.train`; `Model.exhausted` tells that pairs ran out before the size was reached."""
        if len(counts) == 0:
            raise InputError("the count table is empty: there is nothing to learn from", hint="check the inputs")
        config = self.config
        self._check_unknown()
        ground = self.lay_ground(counts)
        if config.vocab_size < len(ground.tokens):
            raise UsageError(
                f"vocab_size: {config.vocab_size} is below the {len(ground.tokens)} tokens of specials and alphabet",
                hint=f"ask for at least {len(ground.tokens)}",
            )
        session = self.open_session(counts, ground, progress=progress)
        is_reached = self.run(session, progress=progress)
        return self.build_model(counts, ground, session, exhausted=not is_reached)

    def lay_ground(self, counts: CountTable) -> Ground:
        """The tokens before the first merge."""
        config = self.config
        if config.unit == "byte":
            atoms = byte_atoms("byte" if config.tie == "bytes" else "codepoint")
        else:
            kept = frequent_characters(counts, limit=config.limit_alphabet, initial=config.initial_alphabet)
            atoms = [text.encode() for text in sorted(kept)]
        if config.continuing_subword_prefix or config.end_of_word_suffix:
            atoms = affixed(counts, config.unit, atoms, config.continuing_subword_prefix, config.end_of_word_suffix)
        return lay_ground(config.unit, config.special_tokens, self._has_byte_tokens(), atoms)

    def open_session(self, counts: CountTable, ground: Ground, *, progress: Progress) -> _core.TrainSession:
        """A session with this trainer's rules over the table."""
        config = self.config
        if config.tie == "first" and counts.raw.first() is None:
            raise UsageError(
                "tie: `first` needs a table that knows the order of its pretokens", hint="count again with track_first"
            )
        return _core.TrainSession(
            counts.raw,
            keys=list(ground.keys),
            atom_ids=list(ground.atom_ids),
            unit=config.unit,
            prefix=config.continuing_subword_prefix.encode(),
            suffix=config.end_of_word_suffix.encode(),
            tie="hf" if config.tie == "bytes" else config.tie,
            max_token_length=config.max_token_length,
            min_frequency=self.session_min_frequency(),
            block_unknown=self.blocks_unknown(),
            keeps_specials=self.keeps_specials,
            can_split=self.can_split,
            progress=progress,
        )

    def blocks_unknown(self) -> bool:
        """Whether characters outside the alphabet stand between their neighbours while training (HF: they vanish)."""
        return False

    def session_min_frequency(self) -> int:
        """The floor under which the session offers no pair."""
        return self.config.min_frequency

    def run(self, session: _core.TrainSession, *, progress: Progress) -> bool:
        """Merges until the size is reached; False when pairs ran out before."""
        has_hook = type(self).after_merge is not MergeTrainer.after_merge
        hook = (lambda *merge: self.after_merge(session, *merge)) if has_hook else None
        return session.run(self.config.vocab_size, hook=hook, progress=progress)

    def after_merge(
        self, session: _core.TrainSession, left: int, right: int, token: int, count: int, replaced: int, grew: bool
    ) -> None:
        """Called after each merge of `left` and `right` into `token`.

        count: how often the pair stood in the text, overlapping positions included; replaced: how often it was
        replaced; grew: whether the vocabulary has one more token for it.
        """

    def build_model(self, counts: CountTable, ground: Ground, session: _core.TrainSession, *, exhausted: bool) -> Model:
        """The model that the session's log describes."""
        config = self.config
        made = session.tokens()[len(ground.tokens) :]
        model = Model(
            method=self.method_name(),
            # Nothing is known of how a table of bare words was cut: then its tokenizer cuts nothing.
            pretokenizer=counts.pretokenizer or "none@1",
            alphabet=Alphabet(
                unit=config.unit,
                unknown=config.unknown,
                unk_token=config.unk_token,
                fuse_unk=config.fuse_unk,
                prefix=config.continuing_subword_prefix,
                suffix=config.end_of_word_suffix,
            ),
            specials=config.special_tokens,
            n_byte_tokens=ground.n_byte_tokens,
            n_atoms=ground.n_atoms,
            tokens=(*ground.tokens, *made),
            events=read_events(session),
            layout=config.layout,
            exhausted=exhausted,
            config=config.model_dump(mode="json"),
            inference=self.default_inference,
        )
        if config.inference is None:
            return model
        frequencies = np.frombuffer(session.frequencies(), "<u8").astype(np.uint64)
        return with_inference(model, config.inference, frequencies=frequencies)

    def method_name(self) -> str:
        """The name that the trainer is registered under."""
        return next(name for name in TRAINERS.names() if TRAINERS.get(name) is type(self))

    def _has_byte_tokens(self) -> bool:
        return self.config.unit == "char" and self.config.unknown == "byte_fallback"

    def _check_unknown(self) -> None:
        config = self.config
        if config.unit == "byte" and (config.unknown != "drop" or config.limit_alphabet is not None):
            raise UsageError("unknown and limit_alphabet are for unit `char`: every byte is in a byte-level alphabet")
        if config.unknown == "unk" and config.unk_token is None:
            raise UsageError("unknown: `unk` needs unk_token", hint='give for example --unk-token "<unk>"')
        if config.unk_token is not None and config.unk_token not in config.special_tokens:
            raise UsageError(f"unk_token: {config.unk_token!r} is not among special_tokens", hint="add it there")


def read_events(session: _core.TrainSession) -> Events:
    """The session's log as columns."""
    kind, token, left, right, count, pieces, piece_ends = session.events()
    ends = np.frombuffer(piece_ends, "<u8").astype(np.uint64)
    return Events(
        kind=np.frombuffer(kind, np.uint8),
        token=np.frombuffer(token, "<u4").astype(np.uint32),
        left=np.frombuffer(left, "<u4").astype(np.uint32),
        right=np.frombuffer(right, "<u4").astype(np.uint32),
        count=np.frombuffer(count, "<u8").astype(np.uint64),
        pieces=np.frombuffer(pieces, "<u4").astype(np.uint32),
        piece_offsets=np.concatenate([np.zeros(1, np.uint64), ends]),
    )


Rules = Literal["hf", "sentencepiece"]


@TRAINERS.register("bpe")
class Bpe(MergeTrainer):
    """Merge the most frequent pair until the vocabulary is full (Sennrich et al., 2016); exactly HF `tokenizers`."""

    class Config(MergeTrainer.Config):
        """`MergeTrainer.Config` and the options of sentencepiece's trainer, which only its rules read."""

        rules: Rules = Field("hf", description="whose trainer to follow in alphabet, ties and allowed pieces")
        character_coverage: float = Field(
            0.9995, gt=0, le=1, description="sentencepiece: share of text in the alphabet"
        )
        max_piece_length: int = Field(16, ge=1, description="sentencepiece: longest piece in characters")
        split_by_unicode_script: bool = Field(True, description="sentencepiece: one script in a piece")
        split_by_number: bool = Field(True, description="sentencepiece: digits are a script of their own")
        split_digits: bool = Field(False, description="sentencepiece: every digit is a piece of its own")
        split_by_whitespace: bool = Field(True, description="sentencepiece: U+2581 only begins a piece")

        @model_validator(mode="before")
        @classmethod
        def _fill_sentencepiece_defaults(cls, values: dict[str, object]) -> dict[str, object]:
            if not isinstance(values, dict) or values.get("rules") != "sentencepiece":
                return values
            defaults = {"unit": "char", "special_tokens": DEFAULT_SPECIALS, "layout": "sentencepiece", "unknown": "unk"}
            filled = defaults | values
            if filled.get("unk_token") is None and "<unk>" in tuple(filled["special_tokens"]):  # type: ignore[arg-type]
                filled["unk_token"] = "<unk>"
            return filled

    config: Config

    def lay_ground(self, counts: CountTable) -> Ground:
        """See `MergeTrainer.lay_ground`; sentencepiece's meta pieces can never be made by a merge."""
        config = self.config
        if config.rules == "hf":
            return super().lay_ground(counts)
        check_options(config.unit, config.tie, config.special_tokens, config.unk_token)
        atoms = [text.encode() for text in required_characters(counts, config.character_coverage)]
        ground = lay_ground("char", config.special_tokens, self._has_byte_tokens(), atoms)
        n_meta = len(ground.tokens) - ground.n_atoms
        return replace(ground, keys=(*(b"" for _ in range(n_meta)), *ground.keys[n_meta:]))

    def open_session(self, counts: CountTable, ground: Ground, *, progress: Progress) -> _core.TrainSession:
        """See `MergeTrainer.open_session`."""
        config = self.config
        if config.rules == "hf":
            return super().open_session(counts, ground, progress=progress)
        rules = (
            config.max_piece_length,
            config.split_by_unicode_script,
            config.split_by_number,
            config.split_digits,
            config.split_by_whitespace,
        )
        return _core.TrainSession(
            counts.raw,
            keys=list(ground.keys),
            atom_ids=list(ground.atom_ids),
            unit="char",
            block_unknown=True,
            tie="shortest",
            sentencepiece_rules=rules,
            min_frequency=config.min_frequency,
            is_unique=True,
            progress=progress,
        )

    def build_model(self, counts: CountTable, ground: Ground, session: _core.TrainSession, *, exhausted: bool) -> Model:
        """See `MergeTrainer.build_model`; under sentencepiece's rules tokens carry its scores."""
        model = super().build_model(counts, ground, session, exhausted=exhausted)
        if self.config.rules == "hf":
            return model
        n_meta = model.first_atom
        scores = piece_scores(n_meta, model.n_atoms, len(model.tokens))
        if self.config.inference is not None:
            return model if self.config.inference == "likelihood" else replace(model, scores=scores)
        return replace(model, scores=scores, inference="vocab_rank")
