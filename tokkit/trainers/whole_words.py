"""What BoundlessBPE and its SuperBPE share: words with removal of leftovers, and superwords over whole words."""

from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from tokkit import _core
from tokkit.corpus.read import Inputs
from tokkit.counts import CountConfig, CountTable, count
from tokkit.errors import InputError, UsageError
from tokkit.model.boundless import BoundlessTokenizer, cutter
from tokkit.model.events import Event, Events, Kind
from tokkit.model.model import Alphabet, Model
from tokkit.progress import Progress, silent
from tokkit.trainers.alphabet import byte_atoms
from tokkit.trainers.superword import RUNS, SuperwordTrainer, count_cut, sampled_count

SCRIPT_SCHEME = r"regex: ?\p{L}\p{M}*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""One letter with its marks at a time: for scripts that put no spaces between words."""

SCRIPTS = ("Han", "Hiragana", "Katakana", "Thai", "Myanmar", "Khmer", "Lao")


BYTES_PER_TEXT_BYTE = 12
"""Memory of the second phase for each byte of distinct runs: the table, the runs in tokens, and where pairs stand."""


@dataclass(frozen=True)
class Words:
    """The first phase: events and tokens by number (bytes 0 to 255), and the vocabulary in the order of its ids."""

    events: tuple[Event, ...]
    tokens: tuple[bytes, ...]
    vocabulary: tuple[int, ...]
    is_reached: bool


class WholeWordTrainer(SuperwordTrainer):
    """The two phases of BoundlessBPE and of its SuperBPE: words, and superwords over whole pretokens.

    Words: BPE whose pairs count floor(r / 2) in a run of r equal tokens, ties go to the smallest (left, right) bytes; a
    parent of which at least `threshold` went into the merge leaves the vocabulary (Chizhov et al., 2024). Superwords:
    the same BPE over runs of whole pretokens that are one token each and match `merge_pattern`.
    """

    class Config(SuperwordTrainer.Config):
        """How texts are cut, when tokens leave, and what may be in a superword."""

        scheme: str = Field("o200k@1", description="pre-tokenizer")
        script_scheme: str | None = Field(
            None, description="pre-tokenizer for `scripts`; the usual one with --script-scheme letters", min_length=1
        )
        scripts: tuple[str, ...] = Field(SCRIPTS, description="scripts cut by `script_scheme`")
        merge_pattern: str = Field(r"\p{L}", description="regex that the pretokens of a superword match")
        threshold: float = Field(
            0.9, gt=0, description="intersection over self at which a parent leaves; above 1: never"
        )
        to_bytes: bool = Field(False, description="a token that leaves falls into bytes, not into what it was made of")
        reference: bool = Field(
            False,
            description="keep the authors' faults: removed tokens come back, no superword ends all",
        )

    config: Config

    def facts(self) -> dict[str, object]:
        """How texts are cut, for the model's config."""
        config = self.config
        special = SCRIPT_SCHEME if config.script_scheme == "letters" else config.script_scheme
        return {
            "scheme": _core.scheme_id(config.scheme),
            "script_scheme": special,
            "scripts": list(config.scripts) if special is not None else [],
            "merge_pattern": config.merge_pattern,
        }

    def default_pretokenizer(self) -> str:
        """The scheme of the first table, unless scripts are cut by another."""
        return self.config.scheme

    def count_words(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """The first table of the corpus.

        Raises: as `tokkit.counts.count`.
        """
        if self.config.script_scheme is None:
            return count(inputs, pretokenizer=self.config.scheme, config=config, progress=progress)
        words = cutter(self.facts()).words
        return count_cut(
            inputs,
            lambda blob, offsets, _: words(blob, offsets),
            label="boundless-words",
            config=config,
            progress=progress,
        )

    def count_again(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """The runs of pretokens that may come to be in a superword; see `SuperwordTrainer.count_again`."""
        runs = cutter(self.facts()).runs
        return sampled_count(
            self,
            lambda texts: count_cut(
                texts, lambda blob, offsets, _: runs(blob, offsets), label=RUNS, config=config, progress=progress
            ),
            self.config.stage2_sources or inputs,
            bytes_per_text_byte=BYTES_PER_TEXT_BYTE,
            config=config,
        )

    def again_facts(self) -> dict[str, object]:
        """See `SuperwordTrainer.again_facts`."""
        return {**super().again_facts(), **self.facts()}

    def learn_words(self, counts: CountTable, size: int, *, progress: Progress = silent) -> Words:
        """The first phase, up to `size` tokens."""
        config = self.config
        trainer = _core.RunTrainer.over_bytes(counts.raw, can_remove=config.threshold <= 1, progress=progress)
        tokens = [bytes([byte]) for byte in range(256)]
        # The order of the ids: insertion order, so a token that comes back goes to the end.
        present = dict.fromkeys(range(256))
        parents: dict[int, tuple[int, int]] = {}
        events: list[Event] = []
        while len(present) < size:
            progress("merge words", len(present), size)
            best = trainer.best()
            if best is None:
                return Words(tuple(events), tuple(tokens), tuple(present), is_reached=False)
            left, right, n = best
            uses = {token: trainer.uses(token) for token in (left, right)}
            token = trainer.merge(left, right)[0]
            if token == len(tokens):
                tokens.append(tokens[left] + tokens[right])
            parents.setdefault(token, (left, right))
            present.setdefault(token)
            events.append(Event(kind=Kind.MERGE, token=token, left=left, right=right, count=n, pieces=()))
            for parent in (left, right) if config.reference else dict.fromkeys((left, right)):
                is_over = len(tokens[parent]) > 1 and n / uses[parent] >= config.threshold
                if is_over and (config.reference or parent in present):
                    present.pop(parent, None)
                    pieces = self._pieces(parent, tokens, parents, present)
                    removed = trainer.remove(parent, pieces)
                    events.append(
                        Event(kind=Kind.SPLIT, token=parent, left=0, right=0, count=removed, pieces=tuple(pieces))
                    )
        return Words(tuple(events), tuple(tokens), tuple(present), is_reached=True)

    def _pieces(
        self, token: int, tokens: list[bytes], parents: dict[int, tuple[int, int]], present: dict[int, None]
    ) -> list[int]:
        if self.config.to_bytes:
            return list(tokens[token])
        if self.config.reference:
            return list(parents[token])
        # A parent may have left before: then what it was made of, down to tokens that are there.
        pieces: list[int] = []
        waiting = list(reversed(parents[token]))
        while waiting:
            piece = waiting.pop()
            if piece in present:
                pieces.append(piece)
            else:
                waiting.extend(reversed(parents[piece]))
        return pieces

    def word_model(self, words: Words, *, n_events: int | None = None) -> Model:
        """The words alone; with `n_events` only as far as these events go."""
        return self.model(words.tokens, words.events[:n_events], words.vocabulary, (), is_reached=words.is_reached)

    def eligible(self, words: Words) -> list[int]:
        """The words that may be in a superword: text that is one pretoken and one token, and matches the pattern."""
        facts = self.facts()
        cut = cutter(facts)
        tokenizer = BoundlessTokenizer(self.word_model(words))
        found = []
        for token in words.vocabulary:
            text = words.tokens[token]
            # `is_candidate` is false of what is not UTF-8.
            if cut.is_candidate(text) and cut.cut(text) == [(0, len(text))] and len(tokenizer.encode_bytes(text)) == 1:
                found.append(token)
        return found

    def model(
        self,
        tokens: tuple[bytes, ...],
        events: tuple[Event, ...],
        vocabulary: tuple[int, ...],
        superwords: tuple[Event, ...],
        *,
        is_reached: bool,
    ) -> Model:
        """The model; numbers the tokens as models do: specials, bytes in the order of HF's alphabet, then as made."""
        config = self.config
        n_specials = len(config.special_tokens)
        order = [atom[0] for atom in byte_atoms("codepoint")]
        internal = np.arange(len(tokens), dtype=np.int64) + n_specials
        internal[order] = np.arange(256) + n_specials

        def renumber(event: Event) -> Event:
            return replace(
                event,
                token=int(internal[event.token]),
                left=int(internal[event.left]) if event.kind == Kind.MERGE else 0,
                right=int(internal[event.right]) if event.kind == Kind.MERGE else 0,
                pieces=tuple(int(internal[piece]) for piece in event.pieces),
            )

        ids = np.full(n_specials + len(tokens), 2**32 - 1, np.uint32)
        ids[internal[list(vocabulary)]] = np.arange(len(vocabulary), dtype=np.uint32)
        ids[:n_specials] = np.arange(n_specials) + len(vocabulary)
        by_internal = [b""] * len(tokens)
        for token, spelled in enumerate(tokens):
            by_internal[int(internal[token]) - n_specials] = spelled
        facts = {**self.facts(), "n_word_events": len(events)}
        return Model(
            method=self.method_name(),
            pretokenizer=str(facts["scheme"]),
            alphabet=Alphabet(unit="byte"),
            specials=config.special_tokens,
            n_byte_tokens=0,
            n_atoms=256,
            tokens=(*(text.encode() for text in config.special_tokens), *by_internal),
            events=Events.from_list([renumber(event) for event in (*events, *superwords)]),
            layout=config.layout,
            inference="boundless",
            ids=ids,
            exhausted=not is_reached,
            config={**self.lasting_config(), "boundless": facts},
        )

    def superwords(self, words: Words, again: CountTable | None, progress: Progress) -> "Superwords":
        """The second phase, ready to merge.

        Raises:
            UsageError: no second table, or one of another kind.
        """
        if again is None or again.pretokenizer != RUNS:
            raise UsageError(
                f"{self.method_name()} reads its text twice and got no second table of its own",
                hint="pass again=trainer.count_again(inputs), or train from texts",
            )
        return Superwords(words, self.eligible(words), again, progress)

    def check(self, counts: CountTable, least: int) -> None:
        """Refuses an empty table and a size that does not hold the bytes."""
        if len(counts) == 0:
            raise InputError("the count table is empty: there is nothing to learn from", hint="check the inputs")
        if least < 256 + len(self.config.special_tokens):
            needed = 256 + len(self.config.special_tokens)
            raise UsageError(f"vocab_size: {least} is less than the {needed} tokens of specials and bytes")


class Superwords:
    """Superword merges one by one, in the word trainer's token numbers; new tokens get the next."""

    def __init__(self, words: Words, eligible: list[int], again: CountTable, progress: Progress) -> None:
        self.tokens = list(words.tokens)
        self.events: list[Event] = []
        self._ids = {token: number for number, token in enumerate(words.tokens)}
        self._numbers = list(eligible)
        self._trainer = _core.RunTrainer.over_pretokens(
            again.raw, [words.tokens[token] for token in eligible], progress=progress
        )

    def best_count(self) -> int:
        """Count of the best pair, -1 if there is none."""
        best = self._trainer.best()
        return -1 if best is None else best[2]

    def merge(self) -> int:
        """Does the best merge; the token that it makes."""
        best = self._trainer.best()
        assert best is not None, "asked before"
        left, right, n = best
        local = self._trainer.merge(left, right)[0]
        left, right = self._numbers[left], self._numbers[right]
        if local == len(self._numbers):
            spelled = self.tokens[left] + self.tokens[right]
            if spelled not in self._ids:
                self._ids[spelled] = len(self.tokens)
                self.tokens.append(spelled)
            self._numbers.append(self._ids[spelled])
        token = self._numbers[local]
        self.events.append(Event(kind=Kind.MERGE, token=token, left=left, right=right, count=n, pieces=()))
        return token
