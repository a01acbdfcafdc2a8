"""Superword training by recounting everything before each merge, and encoding by replaying all merges."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from tests.oracles.bpe import Pair, Word, count_pairs, merge_word
from tokkit import _core
from tokkit.model.vocab import bytes_to_string

spelled = bytes_to_string


def pretokens(text: bytes, scheme: str) -> list[bytes]:
    return [text[start:end] for start, end in _core.pretokenize(text, scheme)]


def encode(word: bytes, merges: Sequence[Pair]) -> Word:
    """The lowest rank first, among equal ranks the leftmost."""
    ranks = {pair: rank for rank, pair in reversed(list(enumerate(merges)))}
    tokens = [bytes([byte]) for byte in word]
    while True:
        found = [ranks[pair] for pair in pairwise(tokens) if pair in ranks]
        if not found:
            return tokens
        best = min(found)
        place = next(i for i in range(len(tokens) - 1) if ranks.get((tokens[i], tokens[i + 1])) == best)
        tokens[place : place + 2] = [tokens[place] + tokens[place + 1]]


def second_stage(
    chunks: Mapping[bytes, int],
    *,
    inherited: Sequence[Pair],
    ids: Sequence[bytes],
    n_tokens: int,
    is_allowed: Callable[[bytes], bool],
    min_frequency: int = 0,
) -> list[Pair]:
    """The new merges in order: all inherited ones replayed, then the best allowed pair until the size is reached.

    `ids` are the tokens before the second stage, by id.
    """
    words: list[tuple[Word, int]] = [([bytes([byte]) for byte in chunk], count) for chunk, count in chunks.items()]
    for pair in inherited:
        words = [(merge_word(word, pair), count) for word, count in words]
    vocabulary = {token: place for place, token in reversed(list(enumerate(ids)))}
    merges: list[Pair] = []
    while len(vocabulary) < n_tokens:
        pairs: Counter[Pair] = count_pairs(words)
        allowed = [
            (count, pair)
            for pair, count in pairs.items()
            if count >= max(1, min_frequency) and is_allowed(pair[0] + pair[1])
        ]
        if not allowed:
            break
        _, pair = min(allowed, key=lambda item: (-item[0], vocabulary[item[1][0]], vocabulary[item[1][1]]))
        merges.append(pair)
        vocabulary.setdefault(pair[0] + pair[1], len(vocabulary))
        words = [(merge_word(word, pair), count) for word, count in words]
    return merges


def chunks(pretokens: Sequence[bytes], place: int, p_cut: float, max_words: int, seed: int) -> list[bytes]:
    """The chunks of supertokens of text number `place`: pretokens joined by chance."""
    state = seed ^ place
    bound = round(p_cut * (1 << 53))
    mask = (1 << 64) - 1
    made: list[bytes] = []
    n_words = 0
    for pretoken in pretokens:
        is_cut = not pretoken.startswith(b" ")
        if not is_cut:
            state = (state + 0x9E3779B97F4A7C15) & mask
            mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
            mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
            is_cut = (mixed ^ (mixed >> 31)) >> 11 < bound or n_words >= max_words
        if is_cut or not made:
            made.append(pretoken)
            n_words = 1
        else:
            made[-1] += pretoken
            n_words += 1
    return made
