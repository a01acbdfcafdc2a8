"""How BoundlessBPE and adapted vocabularies read a text, spelled out in Python: the oracle of the compiled encoder."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from tokkit.model.adapted import AdaptedTokenizer
from tokkit.model.boundless import BoundlessTokenizer, word_model
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer


def boundless_ids(model: Model, text: bytes) -> list[int]:
    """Each pretoken by the word events alone, then superwords in runs of pretokens that are one token each."""
    tokenizer = BoundlessTokenizer(model)
    words = Tokenizer.from_model(replace(word_model(model), pretokenizer="none@1"))
    ranks: dict[tuple[int, int], tuple[int, int]] = {}
    for rank, (left, right, token) in enumerate(tokenizer.superwords):
        ranks.setdefault((left, right), (rank, token))
    joinable = {token for pair in ranks for token in pair}
    ids: list[int] = []
    run: list[int] = []
    for start, end in tokenizer.cutter.cut(text):
        word = words.encode_bytes(text[start:end])
        if len(word) == 1 and word[0] in joinable:
            run.append(word[0])
            continue
        ids += [*join_run(run, ranks), *word]
        run = []
    return ids + join_run(run, ranks)


def join_run(run: list[int], ranks: dict[tuple[int, int], tuple[int, int]]) -> list[int]:
    """The lowest rank first, everywhere from left to right."""
    none = (len(ranks), -1)
    while len(run) > 1:
        best = min(ranks.get(pair, none) for pair in pairwise(run))
        if best == none:
            break
        joined: list[int] = []
        place = 0
        while place < len(run):
            pair = (run[place], run[place + 1]) if place + 1 < len(run) else None
            if pair is not None and ranks.get(pair) == best:
                joined.append(best[1])
                place += 2
            else:
                joined.append(run[place])
                place += 1
        run = joined
    return run


def adapted_ids(tokenizer: AdaptedTokenizer, ids: Iterable[int]) -> list[int]:
    """Ids of the base: removed tokens taken apart, then at each place the n-gram chosen first that matches."""
    plain = [piece for token in ids for piece in tokenizer.removed.get(token, (token,))]
    rank = {token.pieces: rank for rank, token in reversed(list(enumerate(tokenizer.new_tokens)))}
    longest = max((len(token.pieces) for token in tokenizer.new_tokens), default=1)
    made: list[int] = []
    place = 0
    while place < len(plain):
        best = len(tokenizer.new_tokens)
        for n in range(2, min(longest, len(plain) - place) + 1):
            best = min(best, rank.get(tuple(plain[place : place + n]), best))
        if best == len(tokenizer.new_tokens):
            made.append(plain[place])
            place += 1
        else:
            made.append(tokenizer.new_tokens[best].id)
            place += len(tokenizer.new_tokens[best].pieces)
    return made
