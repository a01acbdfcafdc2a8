"""From ranks to merges: a tiktoken or tekken vocabulary as a model of ours."""

from collections.abc import Mapping

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
    token has one pair that this rule can reach it by, so merges say the same. A vocabulary with tokens that lower ranks
    do not make (an edited one) is read by the rule itself, inference `vocab_rank`; those tokens are ADMIT events. A
    pretoken that is a token becomes it in either case, as in these programs.

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
    derivations = Derivations(ranks)
    for row, token in enumerate(made):
        pair = derivations.last_pair(token)
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
        inference="merge" if bool((kinds == Kind.MERGE).all()) else "vocab_rank",
        config={"ignore_merges": True},
    )


class Derivations:
    """Which pair of lower tokens each token is merged from; ask for tokens in the order of their ranks.

    A token is the merge of `left` and `right` if, while both are built up, no join across the cut between them ever
    has a lower rank than the next join within. Only the outermost pieces at the cut matter, the ends of the two
    derivations, which are remembered; so a question costs their depth.
    """

    def __init__(self, ranks: Mapping[bytes, int]) -> None:
        self._ranks = ranks
        # For each token the pieces that end (begin) it, from its last (first) byte up to itself.
        self._tails: dict[bytes, tuple[bytes, ...]] = {bytes([byte]): (bytes([byte]),) for byte in range(256)}
        self._heads: dict[bytes, tuple[bytes, ...]] = dict(self._tails)

    def last_pair(self, token: bytes) -> tuple[bytes, bytes] | None:
        """The two tokens whose merge makes `token`; None when lower ranks make other parts of it."""
        limit = self._ranks[token]
        for place in range(1, len(token)):
            left, right = token[:place], token[place:]
            if left in self._tails and right in self._heads and self._stay_apart(left, right, limit):
                self._tails[token] = (*self._tails[right], token)
                self._heads[token] = (*self._heads[left], token)
                return left, right
        return None

    def _stay_apart(self, left: bytes, right: bytes, limit: int) -> bool:
        ranks, tails, heads = self._ranks, self._tails[left], self._heads[right]
        at_left = at_right = 0
        while True:
            next_left = ranks[tails[at_left + 1]] if at_left + 1 < len(tails) else limit
            next_right = ranks[heads[at_right + 1]] if at_right + 1 < len(heads) else limit
            across = ranks.get(tails[at_left] + heads[at_right], limit)
            # Of equal ranks the leftmost joins first: the one within the left, then across, then within the right.
            if across < limit and across < next_left and across <= next_right:
                return False
            if next_left == limit and next_right == limit:
                return True
            if next_left <= next_right:
                at_left += 1
            else:
                at_right += 1
