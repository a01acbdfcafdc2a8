"""Metrics against numbers worked out by hand, and against their definitions."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.metric_files import tokenizer
from tokkit.errors import InputError, UsageError
from tokkit.evaluate.baselines import BASELINES, Bytes, Characters, Ids, Spans
from tokkit.metrics import METRICS, Batch, Evidence, find, fold
from tokkit.metrics.batch import word_spans
from tokkit.metrics.columns import count_uax29
from tokkit.metrics.distribution import renyi_entropy
from tokkit.metrics.evidence import gather
from tokkit.metrics.fairness import gini
from tokkit.metrics.lexical import WordList, fold_case
from tokkit.metrics.numbers import direction, ideal_cuts, score

OF_TEXT = [METRICS.get(name) for name in METRICS if METRICS.get(name).scope == "text"]


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
    metric = find(name)
    return metric.compute(gather(subject, [metric], texts))


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
    starts, ends = batch.spans(0)
    assert (starts[1], ends[1]) == (4, 8)
    value = measure("strr.in_context", subject, batch.texts)
    # words: "the|", "cat|", "s|at", "|on", "it"; only "s|at" has two tokens
    assert (value.numerator, value.denominator) == (4, 5)


def test_lengths_of_tokens_say_where_they_lie_when_they_tile_the_text():
    batch = Batch.of(Characters(), ["aü", "日"])
    assert [(starts.tolist(), ends.tolist()) for starts, ends in map(batch.spans, range(2))] == [
        ([0, 1], [1, 3]),
        ([0], [3]),
    ]


@given(st.text(max_size=60))
def test_word_spans_are_the_words_of_split(text):
    data = text.encode("utf-8", "surrogatepass")
    low, high = word_spans(text, data)
    words = [data[start:end].decode("utf-8", "surrogatepass") for start, end in zip(low, high, strict=True)]
    assert words == text.split()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=6), st.data())
def test_merged_shards_give_the_value_of_the_whole(texts, data):
    cut = data.draw(st.integers(0, len(texts)))
    metrics = OF_TEXT
    whole, left, right = (Evidence(Bytes(), metrics) for _ in range(3))
    whole.add(Batch.of(Bytes(), texts))
    left.add(Batch.of(Bytes(), texts[:cut]))
    right.add(Batch.of(Bytes(), texts[cut:], first=cut))
    left.merge(right)
    for metric in metrics:
        assert metric.compute(left) == metric.compute(whole), metric.id


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from(" \n\x1c\x85\xa0\u1680\u2003\u2028\u205f\u3000aéж中あ\u1681\u2013😀"), max_size=30),
    st.randoms(),
)
def test_compiled_walk_counts_any_cut_as_its_twin(text, draw):
    """Tokens of any bytes: halves of characters, halves of spaces, long ones."""
    data = text.encode()
    places = sorted({0, len(data), *draw.sample(range(len(data) + 1), draw.randint(0, len(data)))})
    pieces = [data[low:high] for low, high in zip(places, places[1:], strict=False)]
    tokens = sorted(set(pieces))
    ids = np.array([tokens.index(piece) for piece in pieces], np.uint32)
    lengths = np.array([len(token) for token in tokens], np.uint32)
    flags = np.array([draw.randrange(64) for _ in tokens], np.uint8)
    ends = (np.array([0, len(data)], np.int64), ids, np.array([0, len(ids)], np.int64))
    rows = fold.fold(data, *ends, b"".join(tokens), lengths, flags)
    assert rows.tolist() == fold.fold_numpy(data, *ends, lengths, flags).tolist()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8") | st.sampled_from(" \n\x1c\x85\u2003\u3000é中"), max_size=40), max_size=4
    )
)
def test_compiled_walk_counts_as_its_twin(texts):
    batch = Batch.of(tokenizer("bbpe_4k"), texts)
    assert batch.is_tiled
    known = batch.lexicon
    head = (batch.data, batch.byte_ends, batch.ids, batch.offsets)
    rows = fold.fold(*head, known.blob, known.lengths, known.flags)
    assert rows.tolist() == fold.fold_numpy(*head, known.lengths, known.flags).tolist()
    assert rows[:, 0].tolist() == list(map(len, texts))
    assert rows[:, 2].tolist() == [len(text.split()) for text in texts]
    object.__setattr__(batch, "_tiles", None)
    assert [batch._row(index) for index in range(len(texts))] == rows.tolist()


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec="utf-8") | st.sampled_from(" \n\t\r'.,-_3aé\u0301\u200d\u202f中あ🇹🇷"), max_size=30))
def test_words_of_annex_29_do_not_depend_on_the_cut_at_spaces(text):
    assert measure("fertility.uax29", Bytes(), [text]).denominator in (None, count_uax29(text))


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


SUMS = ("tokens", "special_tokens", "specials_in_text")


@pytest.mark.parametrize("name", [metric.name for metric in OF_TEXT if metric.name not in SUMS])
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
    evidence, other = (Evidence(Bytes(), [find("vocab_utilisation")]) for _ in range(2))
    for each in (evidence, other):
        each.counts[:2] = 2**33
    evidence.merge(other)
    assert evidence.used.tolist() == [2**34, 2**34]


def test_id_outside_of_the_vocabulary_is_refused():
    class Liar(Bytes):
        vocab_size = 10

    with pytest.raises(InputError, match="id 97"):
        Batch.of(Liar(), ["a"])


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
    with pytest.raises(UsageError) as caught:
        METRICS.get("qqqqq")
    assert caught.value.hint == "`tokkit list metrics` shows all"


def test_each_metric_is_filed_under_its_own_name():
    for name in METRICS:
        metric = METRICS.get(name)
        assert metric.name == name
        assert metric.id == f"{name}@{metric.version}"
        assert metric.formula in metric.explain()
        assert metric.caveat in metric.explain()


def test_id_of_another_version_is_refused():
    assert find("fertility.ws@1") is find("fertility.ws")
    with pytest.raises(UsageError, match="has the version 1 here, got 2"):
        find("fertility.ws@2")


def test_number_cuts_are_judged_from_the_right():
    assert ideal_cuts(7) == (1, 4)
    assert score((1, 4), 7) == (1.0, 1.0, 1.0)
    assert score((), 3) == (1.0, 1.0, 1.0)
    assert score((1,), 3) == (0.0, 1.0, 0.0)
    assert score((), 7) == (1.0, 0.0, 0.0)
    assert [direction(cuts, 7) for cuts in ((1, 4), (3, 6), (1, 2, 3, 4, 5, 6), (), (2,))] == [
        "r2l_3",
        "l2r_3",
        "single_digit",
        "whole_number",
        "other",
    ]
    assert direction((3,), 6) == "both_l2r_r2l_3"


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=8))
def test_gini_is_its_double_sum(costs):
    n, mean = len(costs), sum(costs) / len(costs)
    expected = sum(abs(a - b) for a in costs for b in costs) / (2 * n * n * mean)
    assert gini(costs) == pytest.approx(expected, abs=1e-12)


def test_turkish_lower_case_keeps_both_letters_i():
    assert [fold_case(word, language) for word, language in (("IŞIK", "tur"), ("İĞNE", "tur"), ("IT", "eng"))] == [
        "ışık",
        "iğne",
        "it",
    ]
    assert WordList.of("x@1", "tur", ["Iğdır", " "]).words == {"ığdır"}


def test_baselines_tell_the_truth_about_offsets():
    for make in BASELINES.values():
        subject = make()
        text = "a ü 日😀"
        ids = subject.encode_batch([text]).ids.tolist()
        data = text.encode()
        spans = np.asarray(subject.encode_offsets(text).byte_offsets).tolist()
        assert [data[low:high] for low, high in spans] == [subject.token_bytes(token) for token in ids]
        assert subject.decode(ids) == text
