"""BPE-knockout: merges that break morphemes leave the vocabulary; what they made is merged from their parts at once."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from pydantic import Field

from tokkit.counts import CountTable
from tokkit.errors import InputError, UsageError
from tokkit.model.events import Event, Events, Kind
from tokkit.model.model import Model
from tokkit.model.program import first_parents
from tokkit.progress import Progress, silent
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import MergeTrainer

Morphs = list[list[bytes]]


@TRAINERS.register("bpe-knockout")
class Knockout(MergeTrainer):
    """Plain BPE, then knock out the types whose merges remove reference boundaries (Bauwens and Delobelle, 2024).

    blame(m) = how often merge m joins over a boundary of the reference segmentations / how often it is applied to them.
    The product of a merge with blame >= `max_blame` leaves; a merge that used it takes its parts at the same rank, so
    merges join two and more parts. Encoding applies the lowest rank that fits, everywhere, until none fits.

    `vocab_size` is the size before knocking out. ReBPE, which iterates, is not done here.
    """

    class Config(MergeTrainer.Config):
        """`MergeTrainer.Config` and the reference segmentations."""

        morphs: Path | None = Field(None, description="file of lines `morph morph ...`, the words of a language")
        word_prefix: str = Field(" ", description="what stands before a word in its pretoken")
        max_blame: float = Field(0.5, gt=0, le=1, description="share of wrong applications at which a merge goes")

    config: Config
    default_inference = "exact"

    def train(self, counts: CountTable, *, progress: Progress = silent) -> Model:
        """See `Trainer.train`.

        Raises:
            UsageError: no `morphs`, or an alphabet with prefix, suffix or byte fallback.
            InputError: the file cannot be read or has no word of two morphs.
        """
        config = self.config
        if config.morphs is None:
            raise UsageError("bpe-knockout: needs segmented words", hint="--morphs FILE, a line is `un believ able`")
        if config.continuing_subword_prefix or config.end_of_word_suffix or config.unknown == "byte_fallback":
            raise UsageError("bpe-knockout: does not go with prefix, suffix or byte_fallback")
        morphs = read_morphs(config.morphs)
        model = super().train(counts, progress=progress)
        return knock_out(model, morphs, word_prefix=config.word_prefix, max_blame=config.max_blame, progress=progress)


def read_morphs(path: Path) -> Morphs:
    """The morphs of each word of a file, one word a line, morphs between spaces or tabs.

    Raises:
        InputError: no such file, not UTF-8, or no word of two morphs.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    words = [[morph.encode() for morph in line.split()] for line in lines if line.strip()]
    if not any(len(word) > 1 for word in words):
        raise InputError(f"{path}: no word has two morphs", hint="a line is `un believ able`")
    return words


def knock_out(
    model: Model, morphs: Morphs, *, word_prefix: str = " ", max_blame: float = 0.5, progress: Progress = silent
) -> Model:
    """A plain BPE model without the types that are to blame; their removal is logged as KNOCKOUT events."""
    blamed = blame(model, morphs, word_prefix=word_prefix, progress=progress)
    parents = first_parents(model)
    gone: set[int] = set()
    applied: defaultdict[int, int] = defaultdict(int)
    wrong: defaultdict[int, int] = defaultdict(int)
    for token, (n_wrong, n_applied) in blamed.items():
        wrong[token] += n_wrong
        applied[token] += n_applied
    for token in parents:
        if applied[token] and wrong[token] / applied[token] >= max_blame and token >= model.first_made:
            gone.add(token)
    pieces: dict[int, tuple[int, ...]] = {}
    events = list(model.events)
    for token, parts in parents.items():
        if token in gone:
            pieces[token] = tuple(piece for part in parts for piece in pieces.get(part, (part,)))
            events.append(Event(Kind.KNOCKOUT, token, 0, 0, applied[token], pieces[token]))
    return replace(model, events=Events.from_list(events), inference=model.inference)


def blame(
    model: Model, morphs: Morphs, *, word_prefix: str = " ", progress: Progress = silent
) -> dict[int, tuple[int, int]]:
    """Token -> (times that making it joined over a boundary, times it was made) in the encoding of the words."""
    merges = model.events.merges()
    ranks = {(left, right): (rank, token) for rank, (left, right, token) in reversed(list(enumerate(merges.tolist())))}
    atoms = {model.tokens[token]: token for token in range(model.first_atom, model.first_made)}
    found: dict[int, tuple[int, int]] = {}
    for done, word in enumerate(morphs):
        if done % 1000 == 0:
            progress("blame merges", done, len(morphs))
        text = word_prefix.encode() + b"".join(word)
        bounds = np.cumsum([len(word_prefix.encode()), *map(len, word)])
        boundaries = set(bounds[1:-1].tolist())
        spelled = _atoms(model, text, atoms)
        if spelled is None:
            continue
        _trace(spelled, ranks, boundaries, found)
    return found


def _atoms(model: Model, text: bytes, atoms: dict[bytes, int]) -> list[tuple[int, int]] | None:
    """(token, where it ends); None where a character is not in the alphabet."""
    parts = [bytes([byte]) for byte in text] if model.alphabet.unit == "byte" else [c.encode() for c in text.decode()]
    ends = np.cumsum([len(part) for part in parts]).tolist()
    if any(part not in atoms for part in parts):
        return None
    return [(atoms[part], end) for part, end in zip(parts, ends, strict=True)]


def _trace(
    word: list[tuple[int, int]],
    ranks: dict[tuple[int, int], tuple[int, int]],
    boundaries: set[int],
    found: dict[int, tuple[int, int]],
) -> None:
    """Merges the word and adds each application to `found`."""
    while True:
        standing = [
            (*ranks[left[0], right[0]], at)
            for at, (left, right) in enumerate(pairwise(word))
            if (left[0], right[0]) in ranks
        ]
        if not standing:
            return
        _, token, at = min(standing)
        n_wrong, n_applied = found.get(token, (0, 0))
        found[token] = (n_wrong + (word[at][1] in boundaries), n_applied + 1)
        word[at : at + 2] = [(token, word[at + 1][1])]
