"""From ranks to merges: a tiktoken or tekken vocabulary as a model of ours."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from tokkit.errors import TokenizerError
from tokkit.model.events import Events, Kind
from tokkit.model.model import Alphabet, Model
from tokkit.model.vocab import ATOM_BYTE_ORDER


def model_of_ranks(
    ranks: Mapping[bytes, int], *, ids: Mapping[bytes, int], specials: Mapping[str, int], pretokenizer: str, where: str
) -> Model:
    """A byte-level BPE model from token -> rank; `ids` are the output ids of the same tokens.

    These programs join the neighbours whose concatenation has the lowest rank. In a vocabulary that BPE made, each
    token has one pair that this rule can reach it by, so merges say the same. Those that it cannot reach enter as ADMIT
    events; they are for a pretoken that is the whole token, which these programs look up first.

    Raises:
        TokenizerError: a byte has no rank, or an id is given twice.
    """
    missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
    if missing:
        raise TokenizerError(
            f"{where}: byte 0x{missing[0]:02X} has no rank ({len(missing)} bytes lack one)",
            hint="text with that byte could not be encoded; the file is broken",
        )
    names = tuple(sorted(specials, key=specials.__getitem__))
    made = sorted((token for token in ranks if len(token) > 1), key=ranks.__getitem__)
    tokens = (*(name.encode() for name in names), *(bytes([byte]) for byte in ATOM_BYTE_ORDER), *made)
    internal = {token: number for number, token in enumerate(tokens[len(names) :], start=len(names))}
    numbers = np.array([internal[token] for token in made], np.uint32)
    parents = np.zeros((len(made), 2), np.uint32)
    kinds = np.full(len(made), Kind.MERGE, np.uint8)
    for row, token in enumerate(made):
        pair = last_pair(token, ranks)
        if pair is None:
            kinds[row] = Kind.ADMIT
        else:
            parents[row] = internal[pair[0]], internal[pair[1]]
    output = [specials[name] for name in names] + [ids[token] for token in tokens[len(names) :]]
    if len(set(output)) != len(output):
        raise TokenizerError(f"{where}: a special token has the id of another token")
    return Model(
        method="bpe",
        pretokenizer=pretokenizer,
        alphabet=Alphabet(),
        specials=names,
        n_byte_tokens=0,
        n_atoms=256,
        tokens=tokens,
        events=Events(
            kind=kinds,
            token=numbers,
            left=parents[:, 0].copy(),
            right=parents[:, 1].copy(),
            count=np.zeros(len(made), np.uint64),
            pieces=np.zeros(0, np.uint32),
            piece_offsets=np.zeros(len(made) + 1, np.uint64),
        ),
        ids=np.array(output, np.uint32),
        config={"ignore_merges": True},
    )


def last_pair(token: bytes, ranks: Mapping[bytes, int]) -> tuple[bytes, bytes] | None:
    """The two tokens whose merge makes `token` when only lower ranks are applied; None when it ends in other parts."""
    limit = ranks[token]
    splits = [
        place
        for place in range(1, len(token))
        if ranks.get(token[:place], limit) < limit and ranks.get(token[place:], limit) < limit
    ]
    if len(splits) > 1:
        parts = _merge_below(token, ranks, limit)
        return (parts[0], parts[1]) if len(parts) == 2 else None
    # One way only: neighbours that spell the token are joined whichever way they came about.
    return (token[: splits[0]], token[splits[0] :]) if splits else None


def _merge_below(token: bytes, ranks: Mapping[bytes, int], limit: int) -> list[bytes]:
    parts = [token[place : place + 1] for place in range(len(token))]
    joined = [ranks.get(left + right, limit) for left, right in pairwise(parts)]
    while joined:
        best = min(joined)
        if best >= limit:
            break
        place = joined.index(best)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
        del joined[place]
        if place < len(joined):
            joined[place] = ranks.get(parts[place] + parts[place + 1], limit)
        if place > 0:
            joined[place - 1] = ranks.get(parts[place - 1] + parts[place], limit)
    return parts
