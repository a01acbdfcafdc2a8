"""The tokenizer of BoundlessBPE models: words first, then superwords over whole words."""

from dataclasses import replace
from itertools import islice

import numpy as np

from tokkit import _core
from tokkit.errors import TokenizerError
from tokkit.model.events import Event, Events, Kind
from tokkit.model.model import Model
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Tokenizer, build_encoder
from tokkit.model.vocab import output_ids

INFERENCE = "boundless"


class BoundlessTokenizer(Tokenizer):
    """Encodes in two steps (Schmidt et al., 2025): every pretoken by the word events alone, then, in runs of pretokens
    that are one token each and occur in some superword merge, the superword merges in their order.

    `model.config["boundless"]` says how texts are cut and how many events are the words'.
    """

    def __init__(self, model: Model) -> None:
        self.cutter = cutter(boundless_facts(model))
        words = replace(word_model(model), pretokenizer="none@1")
        self.superwords = superword_merges(model)
        super().__init__(EncoderTables.from_model(words), model=model)

    @property
    def inference(self) -> str:
        """See `Tokenizer.inference`."""
        return INFERENCE

    @property
    def pretokenizer(self) -> str:
        """See `Tokenizer.pretokenizer`."""
        assert self.model is not None, "made from a model"
        return self.model.pretokenizer

    def _encoder(self, tables: EncoderTables) -> "_core.Encoder":
        rows = np.array(self.superwords, np.uint32).reshape(-1, 3)
        return build_encoder(tables, cutter=self.cutter, superwords=rows.tobytes())


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
