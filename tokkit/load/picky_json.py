"""The JSON of the authors' Picky BPE code (pchizhov/picky_bpe) as a model: tokens, merges and splits."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from tokkit.errors import TokenizerError
from tokkit.load.json_file import read_object
from tokkit.model.check import check_model
from tokkit.model.events import Event, Events, Kind
from tokkit.model.model import Alphabet, Model
from tokkit.model.program import first_parents
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids

KEYS: Final = frozenset({"tokens", "id2int", "merges", "splits"})
UNKNOWN: Final = "<UNK>"
Json = Mapping[str, object]


def is_picky(data: object) -> bool:
    """Whether the JSON has the keys of a Picky BPE model."""
    return isinstance(data, dict) and set(data) >= KEYS


def read_picky(path: Path) -> Model:
    """The model of a file that `bpe_trainer.py` wrote; ids are those of its `id2int`.

    Raises:
        TokenizerError: not such a file, or it contradicts itself.
    """
    return model_of_picky(read_object(path), str(path))


def model_of_picky(data: object, where: str) -> Model:
    """The model of the file's content.

    Raises:
        TokenizerError: as `read_picky`; files of the first version of the code, which has no merges, are refused.
    """
    if not isinstance(data, dict) or not is_picky(data):
        raise TokenizerError(f"{where}: not a model of picky_bpe: needs {', '.join(sorted(KEYS))}")
    try:
        model = _model(data, where)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise TokenizerError(f"{where}: not a model of picky_bpe: {error!r}") from error
    check_model(model, where)
    _check_parents(model, data, where)
    _check_ids(model, data, where)
    return model


def _model(data: Json, where: str) -> Model:
    rows = sorted(_list(data["tokens"]), key=lambda row: int(row["id"]))
    place = {int(row["id"]): at for at, row in enumerate(rows)}
    if len(place) != len(rows):
        raise TokenizerError(f"{where}: a token id is given twice")
    n_specials = sum(bool(row["special"]) for row in rows)
    n_atoms = sum(row["left"] is None and not row["special"] for row in rows)
    if not all(row["special"] for row in rows[:n_specials]) or any(
        row["left"] is not None for row in rows[n_specials : n_specials + n_atoms]
    ):
        raise TokenizerError(f"{where}: ids must be special tokens, then characters, then merged tokens")
    specials = tuple(str(row["str"]) for row in rows[:n_specials])
    if UNKNOWN not in specials:
        raise TokenizerError(f"{where}: has no {UNKNOWN}")
    return Model(
        method="picky",
        pretokenizer="picky-words@1",
        alphabet=Alphabet(unit="char", unknown="unk", unk_token=UNKNOWN),
        specials=specials,
        n_byte_tokens=0,
        n_atoms=n_atoms,
        tokens=tuple(str(row["str"]).encode() for row in rows),
        events=Events.from_list(list(_events(data, place))),
        layout="hf",
        inference="exact",
    )


def _events(data: Json, place: Mapping[int, int]) -> Iterator[Event]:
    """Merges and splits in the order of the event numbers that they share; the file has no counts."""
    merges = [(int(row["id"]), row) for row in _list(data["merges"])]
    splits = [(int(row["id"]), row) for row in _list(data["splits"])]
    for _, row in sorted(merges + splits, key=lambda entry: entry[0]):
        if "pair" in row:
            left, right = (place[int(token["id"])] for token in row["pair"])
            yield Event(Kind.MERGE, place[int(row["new_token"]["id"])], left, right, 0, ())
        else:
            pieces = tuple(place[int(token["id"])] for token in row["split"])
            yield Event(Kind.SPLIT, place[int(row["token"]["id"])], 0, 0, 0, pieces)


def _list(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise TypeError("a list of objects is wanted")
    return value


def _check_parents(model: Model, data: Json, where: str) -> None:
    """What the file says a token is made of must be the first merge that makes it."""
    rows = sorted(_list(data["tokens"]), key=lambda row: int(row["id"]))
    place = {int(row["id"]): at for at, row in enumerate(rows)}
    parents = first_parents(model)
    for token in range(model.first_made, len(rows)):
        if parents.get(token) != (place.get(rows[token]["left"]), place.get(rows[token]["right"])):
            raise TokenizerError(f"{where}: no merge makes token {rows[token]['str']!r} as the file says")


def _check_ids(model: Model, data: Json, where: str) -> None:
    """The final ids of the file must be those that its events leave."""
    ids = output_ids(model)
    order = sorted(int(row["id"]) for row in _list(data["tokens"]))
    ours = {order[at]: int(ids[at]) for at in np.flatnonzero(ids != NOT_IN_VOCAB).tolist()}
    theirs = data["id2int"]
    if not isinstance(theirs, dict) or {int(key): value for key, value in theirs.items()} != ours:
        raise TokenizerError(f"{where}: id2int is not what its events leave in the vocabulary")
