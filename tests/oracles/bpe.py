"""Plain BPE by recounting everything before each merge."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

Pair = tuple[bytes, bytes]
Word = list[bytes]


def count_pairs(words: Sequence[tuple[Word, int]]) -> Counter[Pair]:
    """Weighted number of adjacent positions of every pair, overlapping ones included, in order of first appearance."""
    pairs: Counter[Pair] = Counter()
    for word, count in words:
        for pair in zip(word, word[1:], strict=False):
            pairs[pair] += count
    return pairs


def merge_word(word: Word, pair: Pair) -> Word:
    """Replaces the pair from left to right."""
    merged: Word = []
    place = 0
    while place < len(word):
        if tuple(word[place : place + 2]) == pair:
            merged.append(word[place] + word[place + 1])
            place += 2
        else:
            merged.append(word[place])
            place += 1
    return merged


def train(
    counts: Mapping[bytes, int],
    *,
    n_tokens: int,
    ids: Sequence[bytes],
    tie: str = "hf",
    min_frequency: int = 0,
    max_token_length: int | None = None,
    atoms: Callable[[bytes], Word] = lambda word: [bytes([byte]) for byte in word],
) -> list[Pair]:
    """The merges in order. `ids` are the tokens before the first merge, by id; `n_tokens` the size to reach.

    A merge whose string is a token already makes no new one. `max_token_length` is HF's rule: pairs of two atoms are
    always allowed, others while the sum of their lengths stays below it.
    """
    vocabulary = {token: place for place, token in reversed(list(enumerate(ids)))}
    words = [(atoms(word), count) for word, count in counts.items() if count]
    length = dict.fromkeys(ids, 1)
    merges: list[Pair] = []
    while len(vocabulary) < n_tokens:
        pairs = count_pairs(words)
        first = {pair: place for place, pair in enumerate(pairs)}
        allowed = [
            (pair, count)
            for pair, count in pairs.items()
            if max_token_length is None
            or length[pair[0]] == length[pair[1]] == 1
            or length[pair[0]] + length[pair[1]] < max_token_length
        ]
        if not allowed:
            break
        top = max(count for _, count in allowed)
        if top < max(1, min_frequency):
            break
        tied = [pair for pair, count in allowed if count == top]
        if tie in ("hf", "bytes"):
            best = min(tied, key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
        elif tie == "first":
            best = min(tied, key=first.__getitem__)
        elif tie == "lexmax":
            best = max(tied)
        else:
            best = min(tied, key=lambda pair: (len((pair[0] + pair[1]).decode()), pair[0] + pair[1]))
        joined = best[0] + best[1]
        length.setdefault(joined, length[best[0]] + length[best[1]])
        vocabulary.setdefault(joined, len(vocabulary))
        merges.append(best)
        words = [(merge_word(word, best), count) for word, count in words]
    return merges


def encode(
    word: bytes, merges: Sequence[Pair], atoms: Callable[[bytes], Word] = lambda w: [bytes([b]) for b in w]
) -> Word:
    """Applies the applicable merge of lowest rank, all its places from left to right, until none applies."""
    rank = {pair: place for place, pair in reversed(list(enumerate(merges)))}
    tokens = atoms(word)
    while True:
        applicable = [rank[pair] for pair in zip(tokens, tokens[1:], strict=False) if pair in rank]
        if not applicable:
            return tokens
        tokens = merge_word(tokens, merges[min(applicable)])
