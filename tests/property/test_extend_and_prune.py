"""Continuing and pruning a vocabulary: ids stay, encodings refine, and nothing becomes unreachable."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import bpe as oracle
from tokkit.counts import CountTable
from tokkit.errors import UsageError
from tokkit.model.events import Events
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids
from tokkit.progress import silent
from tokkit.trainers import TRAINERS
from tokkit.trainers.extend import ExtendConfig, _extend_encoded, extend
from tokkit.trainers.prune import PruneConfig, prune

words = st.dictionaries(
    st.text("abcé", min_size=1, max_size=10).map(str.encode), st.integers(1, 30), min_size=1, max_size=12
)


def table(counts: dict[bytes, int]) -> CountTable:
    return CountTable.from_items(counts.items(), pretokenizer="none@1")


def train(counts: dict[bytes, int], vocab_size: int, **options: object) -> Model:
    trainer = TRAINERS.get("bpe")
    return trainer(trainer.Config(vocab_size=vocab_size, special_tokens=("<|end|>",), **options)).train(table(counts))


def merges(model: Model) -> list[tuple[bytes, bytes]]:
    return [(model.tokens[left], model.tokens[right]) for left, right, _ in model.events.merges().tolist()]


def ids_by_token(model: Model) -> dict[bytes, int]:
    ids = output_ids(model).tolist()
    return {token: number for token, number in zip(model.tokens, ids, strict=True) if number != NOT_IN_VOCAB}


@settings(max_examples=80)
@given(old=words, new=words, layout=st.sampled_from(["tokkit", "hf"]))
def test_extending_keeps_every_id_and_undoing_new_merges_gives_the_old_encoding(
    old: dict[bytes, int], new: dict[bytes, int], layout: str
) -> None:
    base = train(old, 262, layout=layout)
    larger = extend(base, table(new), config=ExtendConfig(vocab_size=272))

    assert ids_by_token(larger).items() >= ids_by_token(base).items()
    assert sorted(ids_by_token(larger).values()) == list(range(len(ids_by_token(larger))))
    assert merges(larger)[: len(merges(base))] == merges(base)
    added = {left + right: (left, right) for left, right in merges(larger)[len(merges(base)) :]}
    for word in [*old, *new]:
        tokens = oracle.encode(word, merges(larger))
        while any(token in added for token in tokens):
            tokens = [part for token in tokens for part in added.get(token, (token,))]
        assert tokens == oracle.encode(word, merges(base))


@settings(max_examples=60)
@given(counts=words, n_first=st.integers(0, 8))
def test_extending_on_the_same_counts_is_training_in_one_go(counts: dict[bytes, int], n_first: int) -> None:
    size = 257 + n_first
    base = train(counts, size, layout="hf")
    if base.exhausted:
        return
    larger = extend(base, table(counts), config=ExtendConfig(vocab_size=size + 6))
    assert merges(larger) == merges(train(counts, size + 6, layout="hf"))


@settings(max_examples=80)
@given(old=words, new=words, protected=words)
def test_protected_pretokens_keep_their_encoding(
    old: dict[bytes, int], new: dict[bytes, int], protected: dict[bytes, int]
) -> None:
    base = train(old, 260)
    larger = extend(base, table(new), config=ExtendConfig(vocab_size=275), protect=table(protected))
    for word in protected:
        assert oracle.encode(word, merges(larger)) == oracle.encode(word, merges(base))


@settings(max_examples=80)
@given(counts=words, n_left=st.integers(0, 12))
def test_every_token_left_by_pruning_is_reached_by_its_own_bytes(counts: dict[bytes, int], n_left: int) -> None:
    model = train(counts, 275)
    smaller, id_map = prune(model, table(counts), config=PruneConfig(vocab_size=257 + n_left))

    assert len(smaller.tokens) <= max(257 + n_left, 257)
    for token in smaller.tokens[smaller.n_specials :]:
        assert oracle.encode(token, merges(smaller)) == [token]
    before, after = ids_by_token(model), ids_by_token(smaller)
    assert {token: int(id_map[number]) for token, number in before.items() if token in after} == after
    assert all(id_map[number] == NOT_IN_VOCAB for token, number in before.items() if token not in after)
    kept_in_order = [token for token in sorted(before, key=before.__getitem__) if token in after]
    assert [after[token] for token in kept_in_order] == list(range(len(after)))


@settings(max_examples=60)
@given(counts=words, place=st.integers(0, 10**6))
def test_dropping_a_token_drops_what_is_made_from_it_and_nothing_else(counts: dict[bytes, int], place: int) -> None:
    model = train(counts, 275)
    made = model.tokens[model.first_made :]
    if not made:
        return
    token = made[place % len(made)]
    smaller, _ = prune(model, None, config=PruneConfig(drop=(token,)))

    expected = {token}
    for left, right in merges(model):
        if left in expected or right in expected:
            expected.add(left + right)
    assert set(model.tokens) - set(smaller.tokens) == expected


def test_kept_tokens_and_their_parts_survive_pruning_to_the_smallest_size() -> None:
    model = train({b"abab": 9, b"cc": 5}, 262)
    smaller, _ = prune(model, table({b"abab": 9}), config=PruneConfig(vocab_size=259, keep=(b"abab",)))
    assert set(smaller.tokens[257:]) == {b"ab", b"abab"}


def test_a_size_that_cannot_be_reached_is_refused() -> None:
    model = train({b"abab": 9}, 259)
    with pytest.raises(UsageError, match="257 tokens may not be dropped"):
        prune(model, table({b"abab": 9}), config=PruneConfig(vocab_size=100))


def test_counts_of_another_pretokenizer_are_refused() -> None:
    model = train({b"abab": 9}, 259)
    other = CountTable.from_items([(b"ab", 1)], pretokenizer="gpt2@1")
    with pytest.raises(UsageError, match="gpt2@1"):
        extend(model, other, config=ExtendConfig(vocab_size=300))


@given(old=words, new=words, seed=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_extending_merges_in_no_order_of_training_keeps_the_old_encoding_below_the_new(
    old: dict[bytes, int], new: dict[bytes, int], seed: int
) -> None:
    base = every_way(old, Random(seed))
    larger = extend(base, table(new), config=ExtendConfig(vocab_size=len(base.tokens) + 6))
    assert ids_by_token(larger).items() >= ids_by_token(base).items()
    added = {larger.tokens[made]: larger.events.merges()[place] for place, made in learnt(base, larger)}
    before, after = Tokenizer.from_model(base), Tokenizer.from_model(larger)
    for word in [*old, *new]:
        tokens = [after.token_bytes(token) for token in after.encode_bytes(word)]
        while any(token in added for token in tokens):
            tokens = [
                part
                for token in tokens
                for part in ([larger.tokens[side] for side in added[token][:2]] if token in added else [token])
            ]
        assert tokens == [before.token_bytes(token) for token in before.encode_bytes(word)]


@given(old=words, new=words)
@settings(max_examples=60, deadline=None)
def test_extending_encoded_words_learns_what_replaying_learns(old: dict[bytes, int], new: dict[bytes, int]) -> None:
    base = train(old, 262)
    config = ExtendConfig(vocab_size=len(base.tokens) + 5)
    ordered = extend(base, table(new), config=config)
    encoded = _extend_encoded(base, table(new), None, output_ids(base), config, silent)
    assert merges(ordered) == merges(encoded)


@given(st.randoms(use_true_random=False), st.integers(262, 290))
@settings(max_examples=40, deadline=None)
def test_pruning_merges_out_of_the_order_of_training_keeps_every_token_in_reach(shuffle: Random, size: int) -> None:
    words = {b"abab": 9, b"ababc": 5, b"cabbage": 4, b"abba": 7, b"bagbag": 3}
    odd, counts = every_way(words, shuffle), table(words)
    smaller, id_map = prune(odd, counts, config=PruneConfig(vocab_size=size))
    before, after = Tokenizer.from_model(odd), Tokenizer.from_model(smaller)
    assert after.vocab_size == min(size, before.vocab_size)
    for token in after.ids:
        spelled = after.token_bytes(token)
        old = before.encode_bytes(spelled)
        if len(old) == 1:
            assert after.encode_bytes(spelled) == [token] == [id_map[old[0]]]


def every_way(words: dict[bytes, int], shuffle: Random) -> Model:
    """A model as files from sentencepiece have it: all substrings, each by every two tokens, in an order of its own."""
    model = train(words, 257)
    made = {word[low:high] for word in words for low in range(len(word)) for high in range(low + 2, len(word) + 1)}
    tokens = (*model.tokens, *sorted(made))
    known = {token: place for place, token in enumerate(tokens)}
    rows = [(known[t[:cut]], known[t[cut:]], known[t]) for t in sorted(made) for cut in range(1, len(t))]
    shuffle.shuffle(rows)
    events = Events.from_merges(np.array(rows, np.uint32).reshape(-1, 3), np.ones(len(rows), np.uint64))
    return Model(**{**vars_of(model), "tokens": tokens, "events": events})


def learnt(base: Model, larger: Model) -> list[tuple[int, int]]:
    """(place among the merges, token) of what the larger model has learnt."""
    first = len(base.events.merges())
    return [(first + place, int(row[2])) for place, row in enumerate(larger.events.merges()[first:])]


def vars_of(model: Model) -> dict[str, object]:
    return {name: getattr(model, name) for name in Model.__dataclass_fields__}


def test_ids_of_an_extended_vocabulary_do_not_depend_on_the_layout_of_the_old() -> None:
    base = train({b"abab": 9, b"xyz": 3}, 259)
    larger = extend(base, table({b"xyz": 9}), config=ExtendConfig(vocab_size=261))
    old, new = output_ids(base), output_ids(larger)
    assert np.array_equal(new[: len(old)], old)
    assert new[len(old) :].tolist() == [259, 260]
