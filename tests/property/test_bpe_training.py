"""The training kernel against the recount oracle, on corpora full of runs and ties."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import bpe as oracle
from tests.tables import ordered_table
from tokkit import _core
from tokkit.counts import CountTable
from tokkit.trainers import TRAINERS
from tokkit.trainers.alphabet import byte_atoms
from tokkit.trainers.bpe import read_events

words = st.dictionaries(
    st.text(alphabet="ab", min_size=1, max_size=12).map(str.encode)
    | st.text("abé ", min_size=1, max_size=8).map(str.encode),
    st.integers(1, 40),
    min_size=1,
    max_size=14,
)


def trained_merges(counts: dict[bytes, int], **options: object) -> list[tuple[bytes, bytes]]:
    trainer = TRAINERS.get("bpe")
    table = ordered_table(counts)
    model = trainer(trainer.Config(layout="hf", **options)).train(table)
    return [(model.tokens[left], model.tokens[right]) for left, right, _ in model.events.merges().tolist()]


@pytest.mark.parametrize("tie", ["hf", "bytes", "first", "lexmax"])
@settings(max_examples=150)
@given(counts=words, n_merges=st.integers(0, 60))
def test_byte_level_merges_equal_a_recount_of_everything(tie: str, counts: dict[bytes, int], n_merges: int) -> None:
    ids = byte_atoms("byte" if tie == "bytes" else "codepoint")
    expected = oracle.train(counts, n_tokens=256 + n_merges, ids=ids, tie=tie)
    assert trained_merges(counts, vocab_size=256 + n_merges, tie=tie) == expected


@settings(max_examples=150)
@given(counts=words, min_frequency=st.integers(0, 30), max_length=st.none() | st.integers(0, 9))
def test_limits_on_frequency_and_length_follow_the_rule_of_hf(
    counts: dict[bytes, int], min_frequency: int, max_length: int | None
) -> None:
    options = {"min_frequency": min_frequency, "max_token_length": max_length}
    expected = oracle.train(counts, n_tokens=400, ids=byte_atoms("codepoint"), **options)
    assert trained_merges(counts, vocab_size=400, **options) == expected


@settings(max_examples=150)
@given(counts=words, special=st.sampled_from(["ab", "ba", "aa", "abab", "b"]))
def test_a_merge_that_spells_a_special_token_becomes_it(counts: dict[bytes, int], special: str) -> None:
    ids = [special.encode(), *byte_atoms("codepoint")]
    n_tokens = len(set(ids)) + 20
    expected = oracle.train(counts, n_tokens=n_tokens, ids=ids)
    assert trained_merges(counts, vocab_size=n_tokens, special_tokens=(special,)) == expected


@settings(max_examples=100)
@given(counts=words)
def test_final_segmentation_is_the_encoding_and_counts_are_exact(counts: dict[bytes, int]) -> None:
    session = _core.TrainSession(
        CountTable.from_items(counts.items(), pretokenizer="none@1").raw,
        keys=byte_atoms("codepoint"),
        atom_ids=list(range(256)),
    )
    session.run(256 + 12)
    log = read_events(session)
    tokens = session.tokens()
    merges = [(tokens[left], tokens[right]) for left, right, _ in log.merges().tolist()]
    expected = [(oracle.encode(word, merges), count) for word, count in sorted(counts.items())]

    assert segmentation(session) == expected
    frequencies = Counter[bytes]()
    for word, count in expected:
        for token in word:
            frequencies[token] += count
    assert {tokens[t]: session.frequency(t) for t in range(len(tokens)) if session.frequency(t)} == dict(frequencies)
    pairs = oracle.count_pairs(expected)
    place = {token: number for number, token in enumerate(tokens)}
    assert {pair: session.pair_count(place[pair[0]], place[pair[1]]) for pair in pairs} == dict(pairs)


@settings(max_examples=300)
@given(counts=words, choices=st.lists(st.tuples(st.booleans(), st.integers(0, 10**6)), max_size=30))
def test_pair_counts_and_frequencies_stay_exact_under_any_merges_and_removals(
    counts: dict[bytes, int], choices: list[tuple[bool, int]]
) -> None:
    session = _core.TrainSession(
        CountTable.from_items(counts.items(), pretokenizer="none@1").raw,
        keys=byte_atoms("codepoint"),
        atom_ids=list(range(256)),
        can_split=True,
    )
    shadow = [([bytes([byte]) for byte in word], count) for word, count in sorted(counts.items())]
    for wants_removal, number in choices:
        made = [t for t in range(256, session.n_tokens) if session.is_present(t)]
        if wants_removal and made:
            token = made[number % len(made)]
            pieces = [session.token_bytes(piece) for piece in session.remove(token)]
            gone = session.token_bytes(token)
            shadow = [([p for t in word for p in (pieces if t == gone else [t])], count) for word, count in shadow]
        else:
            pairs = sorted(oracle.count_pairs(shadow))
            if not pairs:
                continue
            pair = pairs[number % len(pairs)]
            place = {session.token_bytes(t): t for t in range(session.n_tokens)}
            session.merge(place[pair[0]], place[pair[1]])
            shadow = [(oracle.merge_word(word, pair), count) for word, count in shadow]
        assert segmentation(session) == shadow
        exact = oracle.count_pairs(shadow)
        place = {session.token_bytes(t): t for t in range(session.n_tokens)}
        assert {pair: session.pair_count(place[pair[0]], place[pair[1]]) for pair in exact} == dict(exact)
        best = session.best()
        assert (best[2] if best else 0) == max(exact.values(), default=0)


def segmentation(session: _core.TrainSession) -> list[tuple[list[bytes], int]]:
    import numpy as np

    ids, ends, counts = (
        np.frombuffer(b, t) for b, t in zip(session.segmentation(), ("<u4", "<u8", "<u8"), strict=True)
    )
    starts = [0, *ends.tolist()]
    return [
        ([session.token_bytes(t) for t in ids[starts[i] : starts[i + 1]].tolist()], int(counts[i]))
        for i in range(len(ends))
    ]
