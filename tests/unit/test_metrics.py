"""Metrics against numbers worked out by hand, and against their definitions."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.errors import InputError, UsageError
from tokkit.evaluate.baselines import BASELINES, Bytes, Characters, Ids, Spans
from tokkit.metrics.base import METRICS, Batch
from tokkit.metrics.distribution import renyi_entropy
from tokkit.metrics.words import count_uax29, word_spans


class Pieces:
    """Cuts text at `|`, which belongs to no token; the vocabulary is the list of pieces."""

    def __init__(self, *vocabulary: str) -> None:
        self.vocabulary = vocabulary
        self.vocab_size = len(vocabulary)

    def encode_batch(self, texts: Sequence[str]) -> Ids:
        ids = [[self.vocabulary.index(piece) for piece in text.split("|")] if text else [] for text in texts]
        return Ids(
            np.array(sum(ids, []), np.uint32),
            np.cumsum([0, *map(len, ids)]).astype(np.uint64),
        )

    def encode_offsets(self, text: str) -> Spans:
        spans, position = [], 0
        for piece in text.split("|"):
            spans.append((position, position + len(piece.encode())))
            position += len(piece.encode()) + 1
        return Spans(np.array(spans, np.int64))

    def token_bytes(self, token: int) -> bytes:
        return self.vocabulary[token].encode()

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.vocabulary[token] for token in ids)


def measure(name: str, subject, texts: list[str]):
    metric = METRICS.get(name)(subject.vocab_size)
    metric.add(Batch.of(subject, texts))
    return metric.value()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tokens", 14),  # 8 + 6 bytes
        ("bytes_per_token", 1.0),
        ("chars_per_token", 13 / 14),
        ("fertility.ws", 14 / 4),
        ("fertility.uax29", 14 / 4),
        ("strr.in_context", 1 / 4),  # only "a"
        ("vocab_utilisation", 10 / 256),  # g o d space a y C3 BC e t
        ("round_trip", 1.0),
    ],
)
def test_byte_baseline_has_the_values_worked_out_by_hand(name, expected):
    assert measure(name, Bytes(), ["good day", "a üet"]).value == pytest.approx(expected)


def test_character_baseline_counts_code_points():
    assert measure("chars_per_token", Characters(), ["naïve 日本 😀"]).value == 1.0
    assert measure("bytes_per_token", Characters(), ["日本"]).value == 3.0


def test_word_is_single_when_exactly_one_token_overlaps_it():
    subject = Pieces("the", " cat", " s", "at ", "on it")
    batch = Batch.of(subject, ["the| cat| s|at |on it"])
    # The pipes are characters of the text that no token covers, so the tokenizer's own offsets decide.
    starts, ends = batch.byte_spans[0]
    assert (starts[1], ends[1]) == (4, 8)
    metric = METRICS.get("strr.in_context")(subject.vocab_size)
    metric.add(batch)
    # words: "the|", "cat|", "s|at", "|on", "it"; only "s|at" has two tokens
    assert (metric.value().numerator, metric.value().denominator) == (4, 5)


def test_lengths_of_tokens_say_where_they_lie_when_they_tile_the_text():
    batch = Batch.of(Characters(), ["aü", "日"])
    assert [(starts.tolist(), ends.tolist()) for starts, ends in batch.byte_spans] == [([0, 1], [1, 3]), ([0], [3])]


@given(st.text(max_size=60))
def test_word_spans_are_the_words_of_split(text):
    data = text.encode("utf-8", "surrogatepass")
    low, high = word_spans(text, data)
    words = [data[start:end].decode("utf-8", "surrogatepass") for start, end in zip(low, high, strict=True)]
    assert words == text.split()


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=6), st.data())
def test_merged_shards_give_the_value_of_the_whole(texts, data):
    cut = data.draw(st.integers(0, len(texts)))
    for name in METRICS:
        metric = METRICS.get(name)
        whole, left, right = metric(256), metric(256), metric(256)
        whole.add(Batch.of(Bytes(), texts))
        left.add(Batch.of(Bytes(), texts[:cut]))
        right.add(Batch.of(Bytes(), texts[cut:]))
        right.merge(left)
        assert right.value() == whole.value(), name


@given(st.lists(st.integers(0, 50), min_size=1).filter(any), st.floats(0.1, 5))
def test_renyi_entropy_is_the_sum_of_its_definition(counts, alpha):
    total = sum(counts)
    shares = [count / total for count in counts if count]
    if abs(alpha - 1) < 1e-3:
        return
    expected = math.log2(sum(share**alpha for share in shares)) / (1 - alpha)
    assert renyi_entropy(counts, alpha) == pytest.approx(expected, abs=1e-9)


def test_even_use_of_tokens_is_fully_efficient():
    assert measure("renyi_efficiency.observed", Bytes(), ["abcd"]).value == pytest.approx(1.0)
    assert measure("renyi_efficiency.nominal", Bytes(), ["abcd"]).value == pytest.approx(2 / 8)


@pytest.mark.parametrize("name", [name for name in METRICS if name != "tokens"])
def test_no_text_gives_no_value_but_a_reason(name):
    found = measure(name, Bytes(), [])
    if name == "vocab_utilisation":
        assert found.value == 0.0
    else:
        assert found.value is None
        assert found.reason


def test_one_distinct_token_has_no_efficiency():
    assert measure("renyi_efficiency.observed", Bytes(), ["aaaa"]).value is None


def test_entropy_of_nothing_is_refused():
    with pytest.raises(InputError, match="all counts are 0"):
        renyi_entropy([0, 0], 2.0)


def test_counts_beyond_32_bits_are_kept():
    metric = METRICS.get("vocab_utilisation")(2)
    metric.counts[:] = 2**33
    other = METRICS.get("vocab_utilisation")(2)
    other.counts[:] = 2**33
    metric.merge(other)
    assert metric.counts.tolist() == [2**34, 2**34]


def test_id_outside_of_the_vocabulary_is_refused():
    metric = METRICS.get("vocab_utilisation")(10)
    with pytest.raises(InputError, match="id 97"):
        metric.add(Batch.of(Bytes(), ["a"]))


def test_lone_surrogate_is_refused_with_document_and_place():
    with pytest.raises(InputError, match="document 1: .* character 2"):
        Batch.of(Bytes(), ["fine", "ab\ud800"])


def test_lossy_tokenizer_does_not_round_trip():
    assert measure("round_trip", Pieces("a", "b"), ["a|b", "a"]).value == 0.5


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("can't stop", 2), ("a-b c.d 3.14", 4), ("...", 0), ("日本語", 3), ("naïve café", 2)],
)
def test_words_of_annex_29(text, words):
    assert count_uax29(text) == words


def test_unknown_metric_names_the_nearest():
    with pytest.raises(UsageError, match=r"fertility\.ws"):
        METRICS.get("fertilty.ws")


def test_each_metric_is_filed_under_its_own_name():
    for name in METRICS:
        assert METRICS.get(name).name == name
        assert METRICS.get(name).__doc__


def test_baselines_tell_the_truth_about_offsets():
    for make in BASELINES.values():
        subject = make()
        text = "a ü 日😀"
        ids = subject.encode_batch([text]).ids.tolist()
        data = text.encode()
        spans = np.asarray(subject.encode_offsets(text).byte_offsets).tolist()
        assert [data[low:high] for low, high in spans] == [subject.token_bytes(token) for token in ids]
        assert subject.decode(ids) == text
