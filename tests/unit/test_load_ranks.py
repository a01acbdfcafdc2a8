"""Merges out of ranks: the pair of each token is the one that joining by rank really makes."""

from collections.abc import Mapping
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from tokkit.load.ranks import Derivations, model_of_ranks
from tokkit.model.tokenizer import Tokenizer

BYTES = {bytes([byte]): byte for byte in range(256)}


def join_by_rank(text: bytes, ranks: Mapping[bytes, int], limit: int) -> list[bytes]:
    """The rule itself: join the leftmost neighbours whose concatenation has the lowest rank below the limit."""
    parts = [text[place : place + 1] for place in range(len(text))]
    while True:
        options = [(ranks.get(a + b, limit), place) for place, (a, b) in enumerate(pairwise(parts))]
        rank, place = min(options, default=(limit, 0))
        if rank >= limit:
            return parts
        parts[place : place + 2] = [parts[place] + parts[place + 1]]


# Random sets of strings over few letters: many tokens, and many of them out of reach.
vocabularies = st.lists(st.text("abc", min_size=2, max_size=7), max_size=25, unique=True).map(
    lambda words: {**BYTES, **{word.encode(): 256 + place for place, word in enumerate(words)}}
)


@given(vocabularies)
def test_pair_is_what_joining_below_the_rank_leaves(ranks: dict[bytes, int]) -> None:
    derivations = Derivations(ranks)
    reachable = set(BYTES)
    for token in list(ranks)[256:]:
        parts = join_by_rank(token, ranks, ranks[token])
        # A part that joining cannot make itself never stands in a text, so such a pair counts for nothing.
        expected = tuple(parts) if len(parts) == 2 and reachable.issuperset(parts) else None
        assert derivations.last_pair(token) == expected
        if expected is not None:
            reachable.add(token)


# `bca` stands before its part `ca`: no merge below its rank makes it, and yet texts hold it.
@example({**BYTES, b"bca": 256, b"ca": 257}, "abca")
@given(vocabularies, st.text("abc ", max_size=30))
def test_model_encodes_as_joining_by_rank_does(ranks: dict[bytes, int], text: str) -> None:
    model = model_of_ranks(ranks, ids=ranks, specials={}, pretokenizer="none@1", where="test")
    data = text.encode()
    expected = [data] if data in ranks else join_by_rank(data, ranks, 2**32)
    assert Tokenizer.from_model(model).encode(text) == [ranks[token] for token in expected]
