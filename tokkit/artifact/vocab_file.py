"""vocab.txt: the vocabulary for people to read, decoded, with parents and counts."""

from typing import Final

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
    ids, tokens = output_ids(model), token_bytes(model)
    origin: dict[int, tuple[str, int]] = {}
    for event in model.events:
        if event.kind == Kind.MERGE and event.token not in origin:
            parents = f"{quoted(tokens[event.left])} + {quoted(tokens[event.right])}"
            origin[event.token] = (parents, event.count)
        elif event.kind == Kind.ADMIT and event.token not in origin:
            origin[event.token] = ("admitted", event.count)
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
        rows.append(f"{ids[token]}\t{quoted(tokens[token])}\t{parents}\t{count}\n")
    return _HEAD + "".join(rows)
