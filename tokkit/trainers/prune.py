"""Drop tokens from a BPE vocabulary; none that stays becomes unreachable (Purason et al., 2025: leaf pruning)."""

import heapq
from collections.abc import Collection
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tokkit.counts import CountTable
from tokkit.errors import UsageError
from tokkit.model.events import Events, Kind
from tokkit.model.model import Model
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids
from tokkit.spec import Spec
from tokkit.trainers.extend import check_counts, encoded_words, plain_merges


class PruneConfig(Spec):
    """Which tokens to drop; specials, bytes and atoms always stay."""

    vocab_size: int | None = Field(None, ge=1, description="drop the rarest tokens until this many are left")
    min_count: int | None = Field(None, ge=1, description="drop tokens that the counts use less often than this")
    drop: tuple[bytes, ...] = Field((), description="drop these tokens, and the tokens that are made from them")
    keep: tuple[bytes, ...] = Field((), description="never drop these tokens, nor what they are made from")

    @model_validator(mode="after")
    def _is_asked_for_something(self) -> "PruneConfig":
        if self.vocab_size is None and self.min_count is None and not self.drop:
            raise ValueError("give vocab_size, min_count or drop")
        return self


def prune(model: Model, counts: CountTable | None, *, config: PruneConfig) -> tuple[Model, NDArray[np.uint32]]:
    """The smaller model, and for each old output id its new one (`NOT_IN_VOCAB` where it is gone; uint32 [old size]).

    A token goes only when no token that stays is made from it, by any merge, so every token that stays is still reached
    by its merges: of those that compete on the way only some are gone. New ids keep the order of the old ones, without
    holes.

    Raises:
        UsageError: a token to drop that is not in the vocabulary or may not go, a size that cannot be reached, or
            counts missing or made with another pre-tokenizer.
        TokenizerError: a vocabulary that is more than its merges in order.
    """
    merges = plain_merges(model)
    parts = _parts(merges)
    users = _users(parts)
    fixed = _fixed(model, parts, config.keep)
    gone = _closure(model, config.drop, fixed, users)
    if config.vocab_size is not None or config.min_count is not None:
        if counts is None:
            raise UsageError("vocab_size and min_count need counts to tell which tokens are rare", hint="give --counts")
        frequencies = token_frequencies(model, counts)
        _drop_rare_leaves(model, merges, frequencies, (parts, users), fixed, gone, config)
    return _without(model, gone)


def token_frequencies(model: Model, counts: CountTable) -> NDArray[np.uint64]:
    """How often each token stands in the encoding of the table's pretokens; by internal id, uint64 [len(tokens)].

    Raises:
        UsageError: counts of another pre-tokenizer. InputError: an empty table.
    """
    check_counts(model, "counts", counts)
    words = encoded_words(model, counts)
    tokens = np.fromiter(chain.from_iterable(word for word, _ in words), np.int64)
    weights = np.repeat(np.array([count for _, count in words], np.uint64), [len(word) for word, _ in words])
    found = np.zeros(len(model.tokens), np.uint64)
    np.add.at(found, tokens, weights)
    return found


def _parts(merges: NDArray[np.uint32]) -> dict[int, set[int]]:
    """Token -> the tokens that some merge makes it from."""
    parts: dict[int, set[int]] = {}
    for left, right, token in merges.tolist():
        parts.setdefault(token, set()).update((left, right))
    return parts


def _users(parts: dict[int, set[int]]) -> dict[int, set[int]]:
    """Token -> the tokens that some merge makes from it."""
    users: dict[int, set[int]] = {}
    for token, made_from in parts.items():
        for part in made_from:
            users.setdefault(part, set()).add(token)
    return users


def _fixed(model: Model, parts: dict[int, set[int]], keep: Collection[bytes]) -> set[int]:
    """Internal ids that may not go: the ground, tokens to keep, and all that these are made from."""
    fixed = set(range(model.first_made))
    open_tokens = _internal(model, keep)
    while open_tokens:
        token = open_tokens.pop()
        if token not in fixed:
            fixed.add(token)
            open_tokens.extend(parts.get(token, ()))
    return fixed


def _internal(model: Model, tokens: Collection[bytes]) -> list[int]:
    wanted = dict.fromkeys(tokens)
    known = {model.tokens[token]: token for token in range(len(model.tokens)) if model.present[token]}
    missing = [token for token in wanted if token not in known]
    if missing:
        raise UsageError(f"{len(missing)} tokens are not in the vocabulary, the first is {missing[0]!r}")
    return [known[token] for token in wanted]


def _closure(model: Model, drop: Collection[bytes], fixed: set[int], users: dict[int, set[int]]) -> set[int]:
    """The tokens to drop and every token made from one of them."""
    gone: set[int] = set()
    open_tokens = _internal(model, drop)
    while open_tokens:
        token = open_tokens.pop()
        if token in fixed:
            raise UsageError(
                f"{model.tokens[token]!r} may not be dropped: it is an atom, a special or needed by `keep`"
            )
        if token not in gone:
            gone.add(token)
            open_tokens.extend(users.get(token, ()))
    return gone


def _drop_rare_leaves(
    model: Model,
    merges: NDArray[np.uint32],
    frequencies: NDArray[np.uint64],
    made_of: tuple[dict[int, set[int]], dict[int, set[int]]],
    fixed: set[int],
    gone: set[int],
    config: PruneConfig,
) -> None:
    """Adds to `gone` the rarest token that nothing is made from, again and again.

    A token that goes hands its occurrences to its parents, so a parent is judged by what it will have.
    """
    parts, users = made_of
    counts = [int(count) for count in frequencies]
    parents = {token: (left, right) for left, right, token in merges.tolist()}
    alive_users = {token: len(made - gone) for token, made in users.items()}
    for token in gone:
        _hand_down(token, parents, counts)
    leaves = [
        (counts[token], -token)
        for token in range(model.first_made, len(model.tokens))
        if model.present[token] and token not in gone | fixed and not alive_users.get(token, 0)
    ]
    heapq.heapify(leaves)
    n_left = int(np.count_nonzero(model.present)) - len(gone)
    target = config.vocab_size if config.vocab_size is not None else 0
    while leaves and n_left > target:
        count, negative = heapq.heappop(leaves)
        if config.min_count is not None and count >= config.min_count:
            break
        token = -negative
        gone.add(token)
        n_left -= 1
        _hand_down(token, parents, counts)
        for parent in parts.get(token, ()):
            alive_users[parent] -= 1
            if not alive_users[parent] and parent not in fixed:
                heapq.heappush(leaves, (counts[parent], -parent))
    if config.vocab_size is not None and n_left > config.vocab_size and config.min_count is None:
        raise UsageError(f"vocab_size: {config.vocab_size} cannot be reached, {n_left} tokens may not be dropped")


def _hand_down(token: int, parents: dict[int, tuple[int, int]], counts: list[int]) -> None:
    for parent in parents.get(token, ()):
        counts[parent] += counts[token]


def _without(model: Model, gone: set[int]) -> tuple[Model, NDArray[np.uint32]]:
    old_ids = output_ids(model)
    kept = np.array([token not in gone for token in range(len(model.tokens))])
    lookup = np.full(len(model.tokens), NOT_IN_VOCAB, np.uint32)
    lookup[kept] = np.arange(int(kept.sum()), dtype=np.uint32)
    is_kept_event = kept[model.events.token]
    events = Events(
        kind=model.events.kind[is_kept_event],
        token=lookup[model.events.token[is_kept_event]],
        left=_moved(lookup, model.events.left, model.events.kind)[is_kept_event],
        right=_moved(lookup, model.events.right, model.events.kind)[is_kept_event],
        count=model.events.count[is_kept_event],
        pieces=np.zeros(0, np.uint32),
        piece_offsets=np.zeros(int(is_kept_event.sum()) + 1, np.uint64),
    )
    in_vocab = kept & (old_ids != NOT_IN_VOCAB)
    order = np.argsort(old_ids[in_vocab], kind="stable")
    new_ids = np.full(len(model.tokens), NOT_IN_VOCAB, np.uint32)
    new_ids[np.flatnonzero(in_vocab)[order]] = np.arange(len(order), dtype=np.uint32)
    id_map = np.full(int(old_ids[old_ids != NOT_IN_VOCAB].max()) + 1, NOT_IN_VOCAB, np.uint32)
    id_map[old_ids[in_vocab]] = new_ids[in_vocab]
    tokens = tuple(token for token, is_kept in zip(model.tokens, kept, strict=True) if is_kept)
    scores = None if model.scores is None else model.scores[kept]
    pruned = replace(model, tokens=tokens, events=events, ids=new_ids[kept], scores=scores)
    return pruned, id_map


def _moved(lookup: NDArray[np.uint32], parts: NDArray[np.uint32], kind: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Parents of merges in new internal ids; other events have none."""
    return np.where(kind == Kind.MERGE, lookup[parts], np.uint32(0))
