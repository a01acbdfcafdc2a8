"""The tokenizer of BoundlessBPE models: words first, then superwords over whole words."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np

from tokkit import _core
from tokkit.errors import InputError, TokenizerError, UsageError
from tokkit.model.events import Event, Events, Kind
from tokkit.model.model import Model
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Allowed, Encoding, Encodings, Tokenizer
from tokkit.model.vocab import output_ids

INFERENCE = "boundless"
_CACHED_WORDS = 1 << 18


class BoundlessTokenizer(Tokenizer):
    """Encodes in two steps (Schmidt et al., 2025): every pretoken by the word events alone, then, in runs of pretokens
    that are one token each and occur in some superword merge, the superword merges in their order.

    `model.config["boundless"]` says how texts are cut and how many events are the words'.
    """

    def __init__(self, model: Model) -> None:
        self.cutter = cutter(boundless_facts(model))
        words = replace(word_model(model), pretokenizer="none@1")
        super().__init__(EncoderTables.from_model(words), model=model)
        self._ranks: dict[tuple[int, int], tuple[int, int]] = {}
        for rank, (left, right, token) in enumerate(superword_merges(model)):
            self._ranks.setdefault((left, right), (rank, token))
        self._joinable = {token for pair in self._ranks for token in pair}
        self._words: dict[bytes, tuple[int, ...]] = {}

    @property
    def inference(self) -> str:
        """See `Tokenizer.inference`."""
        return INFERENCE

    @property
    def pretokenizer(self) -> str:
        """See `Tokenizer.pretokenizer`."""
        assert self.model is not None, "made from a model"
        return self.model.pretokenizer

    def encode(self, text: str, *, allowed_special: Allowed = (), dropout: float = 0.0, seed: int = 0) -> list[int]:
        """See `Tokenizer.encode`; dropout is not defined for these models."""
        if dropout:
            raise UsageError("dropout is not defined for boundless models")
        try:
            return self.encode_bytes(text.encode(), allowed_special=allowed_special)
        except UnicodeEncodeError as error:
            raise InputError(f"the text holds a lone surrogate at character {error.start}") from None

    def encode_bytes(self, text: bytes, *, allowed_special: Allowed = ()) -> list[int]:
        """See `Tokenizer.encode_bytes`."""
        specials = self.specials if allowed_special == "all" else self._chosen(allowed_special)
        ids: list[int] = []
        rest = text
        names = {name.encode(): token for name, token in specials.items()}
        while names:
            found = [(rest.index(name), -len(name), name) for name in names if name in rest]
            if not found:
                break
            place, _, name = min(found)
            ids += [*self._ordinary(rest[:place]), names[name]]
            rest = rest[place + len(name) :]
        return ids + self._ordinary(rest)

    def encode_batch(
        self,
        texts: Sequence[str],
        *,
        threads: int = 0,
        allowed_special: Allowed = (),
        dropout: float = 0.0,
        seed: int = 0,
    ) -> Encodings:
        """See `Tokenizer.encode_batch`; one thread does the work."""
        rows = [self.encode(text, allowed_special=allowed_special, dropout=dropout) for text in texts]
        offsets = np.zeros(len(rows) + 1, np.uint64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return Encodings(np.array([token for row in rows for token in row], np.uint32), offsets)

    def encode_offsets(self, text: str, *, allowed_special: Allowed = ()) -> Encoding:
        """See `Tokenizer.encode_offsets`."""
        ids = self.encode(text, allowed_special=allowed_special)
        tokens = [self.token_bytes(token) for token in ids]
        ends = np.cumsum([0, *map(len, tokens)]).tolist()
        data = np.frombuffer(text.encode(), np.uint8)
        # The character of each byte: one less than the number of lead bytes up to it.
        character = np.concatenate([np.cumsum((data & 0xC0) != 0x80) - 1, [len(text)]]).tolist()
        spans = list(pairwise(ends))
        return Encoding(
            ids=ids,
            tokens=tokens,
            byte_offsets=spans,
            char_offsets=[(character[start], character[end - 1] + 1) for start, end in spans],
        )

    def _chosen(self, allowed: Allowed) -> dict[str, int]:
        self._allowed(allowed)
        return {text: self.specials[text] for text in allowed}

    def _ordinary(self, text: bytes) -> list[int]:
        ids: list[int] = []
        run: list[int] = []
        for start, end in self.cutter.cut(text):
            word = self._word(text[start:end])
            if len(word) == 1 and word[0] in self._joinable:
                run.append(word[0])
                continue
            if run:
                ids += self._join(run)
                run = []
            ids += word
        return ids + self._join(run)

    def _word(self, pretoken: bytes) -> tuple[int, ...]:
        found = self._words.get(pretoken)
        if found is None:
            if len(self._words) >= _CACHED_WORDS:
                self._words.clear()
            found = self._words[pretoken] = tuple(self._core.encode_bytes(pretoken, None, False))
        return found

    def _join(self, run: list[int]) -> list[int]:
        """The superword merges on a run: the lowest rank first, everywhere from left to right."""
        none = (len(self._ranks), -1)
        while len(run) > 1:
            best = min(self._ranks.get(pair, none) for pair in pairwise(run))
            if best == none:
                break
            joined: list[int] = []
            place = 0
            while place < len(run):
                pair = (run[place], run[place + 1]) if place + 1 < len(run) else None
                if pair is not None and self._ranks.get(pair) == best:
                    joined.append(best[1])
                    place += 2
                else:
                    joined.append(run[place])
                    place += 1
            run = joined
        return run


def boundless_facts(model: Model) -> dict[str, object]:
    """What the model's config says of how texts are cut and how many events are the words'.

    Raises:
        TokenizerError: it says nothing.
    """
    facts = model.config.get("boundless")
    if not isinstance(facts, dict) or not isinstance(facts.get("n_word_events"), int):
        raise TokenizerError("a boundless model lacks `boundless.n_word_events` in its config")
    return facts


def word_model(model: Model) -> Model:
    """The words alone, with the ids of the whole; superwords are tokens that nothing makes."""
    n_words = int(str(boundless_facts(model)["n_word_events"]))
    events = Events.from_list(_with_superwords(list(model.events), n_words))
    return replace(model, events=events, ids=output_ids(model), inference="exact")


def superword_merges(model: Model) -> list[tuple[int, int, int]]:
    """(left, right, token) of the superword merges in order, in output ids."""
    n_words = int(str(boundless_facts(model)["n_word_events"]))
    ids = output_ids(model)
    rows = islice(model.events, n_words, None)
    return [(int(ids[event.left]), int(ids[event.right]), int(ids[event.token])) for event in rows]


def cutter(facts: dict[str, object]) -> _core.Pretokens:
    """What cuts the texts of a boundless model, from `model.config["boundless"]`."""
    special, scripts = facts.get("script_scheme"), facts.get("scripts", [])
    if not isinstance(scripts, (list, tuple)):
        raise TokenizerError(f"boundless.scripts must be a list, got {scripts!r}")
    return _core.Pretokens(
        str(facts["scheme"]),
        str(facts["merge_pattern"]),
        special=None if special is None else str(special),
        scripts=[str(name) for name in scripts],
    )


def _with_superwords(events: list[Event], n_words: int) -> list[Event]:
    """The word events, and superwords as tokens that come from nowhere: the word encoder never makes them."""
    made = {event.token: event for event in events[n_words:]}
    admitted = [
        Event(kind=Kind.ADMIT, token=token, left=0, right=0, count=event.count, pieces=())
        for token, event in made.items()
    ]
    return [*events[:n_words], *admitted]
