"""Does a model contradict itself? Asked of everything that was read from a file."""

import numpy as np

from tokkit.errors import TokenizerError
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids, token_bytes


def check_model(model: Model, where: str) -> None:
    """Checks numbers, ids and that every merge makes what its parents spell.

    Raises:
        TokenizerError: names `where`, what is wrong and the value.
    """
    n, events = len(model.tokens), model.events
    if model.n_byte_tokens not in (0, 256):
        raise TokenizerError(f"{where}: byte tokens must be 0 or 256, got {model.n_byte_tokens}")
    if model.first_made > n:
        raise TokenizerError(f"{where}: {model.first_made} specials and atoms, but only {n} tokens")
    if not all(model.specials):
        raise TokenizerError(f"{where}: special tokens must be text that is not empty, got {model.specials!r}")
    if len(set(model.specials)) != model.n_specials:
        raise TokenizerError(f"{where}: a special token occurs twice")
    for name, column in (("token", events.token), ("left", events.left), ("right", events.right)):
        if len(column) and int(column.max()) >= n:
            raise TokenizerError(f"{where}: event {int(column.argmax())}: unknown {name}, got {int(column.max())}")
    if len(events.pieces) and int(events.pieces.max()) >= n:
        raise TokenizerError(f"{where}: unknown piece of a split, got {int(events.pieces.max())}")
    if len(events.kind) and int(events.kind.max()) > max(Kind):
        raise TokenizerError(f"{where}: unknown kind of event, got {int(events.kind.max())}")
    for name, values in (("ids", model.ids), ("scores", model.scores)):
        if values is not None and len(values) != n:
            raise TokenizerError(f"{where}: {len(values)} {name} for {n} tokens")
    _check_merges(model, where)
    _check_ids(model, where)


def _check_merges(model: Model, where: str) -> None:
    tokens = token_bytes(model)
    prefix = model.alphabet.prefix.encode()
    for rank, (left, right, token) in enumerate(model.events.merges().tolist()):
        spelled = tokens[left] + tokens[right].removeprefix(prefix)
        if spelled != tokens[token] and not (token < model.n_specials):
            raise TokenizerError(
                f"{where}: merge {rank} of {tokens[left]!r} and {tokens[right]!r} makes {tokens[token]!r}",
                hint="the file was changed or is not from tokkit",
            )


def _check_ids(model: Model, where: str) -> None:
    ids = output_ids(model)
    used = ids[ids != NOT_IN_VOCAB]
    unique, counts = np.unique(used, return_counts=True)
    if len(unique) != len(used):
        raise TokenizerError(f"{where}: id {int(unique[counts > 1][0])} is given twice")
    if len(used) and int(unique[-1]) >= 2 * len(used) + 256:
        raise TokenizerError(f"{where}: id {int(unique[-1])} is far beyond the {len(used)} tokens")
