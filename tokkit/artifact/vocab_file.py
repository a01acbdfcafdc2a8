"""vocab.txt: the vocabulary for people to read, decoded, with parents and counts."""

from typing import Final

import numpy as np

from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids, token_bytes
from tokkit.report.text import quoted

_HEAD: Final = (
    "# id, token, its first parents, count that decided; decoded text, bytes that are not UTF-8 as \\xNN\n"
    "# for people: programs read events.parquet or tokenizer.json\n"
)


def vocab_text(model: Model) -> str:
    """The lines of vocab.txt, one token in the vocabulary a line, by id."""
    ids = output_ids(model)
    shown = [quoted(token) for token in token_bytes(model)]
    events = model.events
    origin: dict[int, tuple[str, int]] = {}
    # Backwards, so that the first derivation of a token is the one that stays.
    for row in np.flatnonzero((events.kind == Kind.MERGE) | (events.kind == Kind.ADMIT))[::-1].tolist():
        is_merge = events.kind[row] == Kind.MERGE
        parents = f"{shown[events.left[row]]} + {shown[events.right[row]]}" if is_merge else "admitted"
        origin[int(events.token[row])] = (parents, int(events.count[row]))
    rows = []
    for token in ids.argsort(kind="stable").tolist():
        if ids[token] == NOT_IN_VOCAB:
            break
        if token < model.n_specials:
            first = ("special", "")
        elif token < model.first_atom:
            first = ("byte token", "")
        else:
            first = ("", "")
        parents, count = origin.get(token, first)
        rows.append(f"{ids[token]}\t{shown[token]}\t{parents}\t{count}\n")
    return _HEAD + "".join(rows)
