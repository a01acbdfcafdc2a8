"""The compiled encoder equals its slow twin, for random vocabularies and words in every mode."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.model.reference import ReferenceEncoder
from tokkit.model.tables import MODES, EncoderTables
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import NOT_IN_VOCAB

# Two or three letters find errors in runs and overlaps within seconds.
LETTERS = "abé"


@st.composite
def tables(draw, modes=MODES):
    mode = draw(st.sampled_from(modes))
    unit = draw(st.sampled_from(["byte", "char"]))
    marked = mode != "vocab_rank" and draw(st.booleans())
    prefix = draw(st.sampled_from(["", "##"])) if marked else ""
    suffix = draw(st.sampled_from(["", "</w>"])) if marked else ""
    letters = [bytes([byte]) for byte in "abé".encode()] if unit == "byte" else [c.encode() for c in LETTERS]
    known = draw(st.lists(st.sampled_from(letters), min_size=1, unique=True))
    tokens = []
    for letter in known:
        for front in {b"", prefix.encode()}:
            for back in {b"", suffix.encode()}:
                tokens.append(front + letter + back)
    tokens = sorted(set(tokens))
    merges = []
    for _ in range(draw(st.integers(0, 12))):
        left, right = draw(st.sampled_from(tokens)), draw(st.sampled_from(tokens))
        if (suffix and left.endswith(suffix.encode())) or (prefix and not right.startswith(prefix.encode())):
            continue
        made = left + right[len(prefix) :]
        if made not in tokens:
            tokens.append(made)
        row = (tokens.index(left), tokens.index(right), tokens.index(made))
        if row not in merges:
            merges.append(row)
    n = len(tokens)
    unknown = draw(st.sampled_from(["drop", "unk", "bytes"]))
    byte_ids = None
    ids = list(range(n))
    if unknown == "bytes":
        byte_ids = np.arange(n, n + 256, dtype=np.uint32)
        if draw(st.booleans()):
            byte_ids[0x62] = NOT_IN_VOCAB
        tokens += [bytes([byte]) for byte in range(256)]
        ids += range(n, n + 256)
    unk_id = None
    if unknown != "drop":
        unk_id = len(ids)
        tokens.append(b"<unk>")
        ids.append(unk_id)
    scores = draw(st.lists(st.integers(-6, -1), min_size=len(ids), max_size=len(ids)))
    return EncoderTables(
        tokens=tuple(tokens),
        ids=np.array(ids, np.uint32),
        merges=np.array(merges, np.uint32).reshape(-1, 3),
        unit=unit,
        inference=mode,
        unk_id=unk_id,
        fuse_unk=draw(st.booleans()),
        byte_ids=byte_ids,
        prefix=prefix,
        suffix=suffix,
        ignore_merges=draw(st.booleans()) and not marked,
        scores=np.array(scores, np.float64),
    )


words = st.text(alphabet=LETTERS + "x", max_size=24).map(str.encode) | st.binary(max_size=12)


@pytest.mark.slow
@settings(max_examples=200)
@given(tables(), st.lists(words, min_size=1, max_size=4))
def test_compiled_encoder_equals_the_reference(given_tables, given_words):
    tokenizer, reference = Tokenizer(given_tables), ReferenceEncoder(given_tables)
    for word in given_words:
        expected = reference.encode_word(word)
        assert tokenizer.encode_bytes(word) == expected
        assert tokenizer.encode_bytes(word) == expected, "from the cache"


@pytest.mark.slow
@settings(max_examples=25)
@given(tables(modes=["merge", "vocab_rank"]), st.text(alphabet="aab", min_size=65, max_size=150))
def test_long_words_by_the_heap_equal_the_reference(given_tables, word):
    assert Tokenizer(given_tables).encode(word) == ReferenceEncoder(given_tables).encode_word(word.encode())


@settings(max_examples=60)
@given(tables(), st.text(alphabet=LETTERS + "x", max_size=24))
def test_offsets_go_with_the_ids_and_lie_in_the_text(given_tables, text):
    tokenizer = Tokenizer(given_tables)
    encoding = tokenizer.encode_offsets(text)
    assert encoding.ids == tokenizer.encode(text)
    data = text.encode()
    for (low, high), (first, last) in zip(encoding.byte_offsets, encoding.char_offsets, strict=True):
        assert 0 <= low <= high <= len(data)
        assert len(text[:first].encode()) <= low <= high <= len(text[:last].encode())
    assert encoding.byte_offsets == sorted(encoding.byte_offsets)


@settings(max_examples=30)
@given(tables(modes=["merge"]), st.text(alphabet="ab", max_size=12))
def test_dropout_of_zero_and_one(given_tables, text):
    tokenizer = Tokenizer(EncoderTables(**{**vars(given_tables), "ignore_merges": False}))
    reference = ReferenceEncoder(tokenizer.tables)
    assert tokenizer.encode(text, dropout=1e-300) == tokenizer.encode(text)
    assert tokenizer.encode(text, dropout=1.0) == reference.encode_word_with_dropout(
        text.encode(), 1.0, random.Random(0)
    )


def _abab() -> EncoderTables:
    return EncoderTables(
        tokens=(b"a", b"b", b"ab", b"abab"),
        ids=np.arange(4, dtype=np.uint32),
        merges=np.array([(0, 1, 2), (2, 2, 3)], np.uint32),
    )


@pytest.mark.slow
def test_dropout_has_the_distribution_of_the_definition():
    n = 20_000
    tokenizer = Tokenizer(_abab())
    drawn = Counter(tuple(tokenizer.encode("abab", dropout=0.5, seed=seed)) for seed in range(n))
    expected = {(0, 1, 0, 1): 0.25, (2, 0, 1): 0.25, (2, 2): 0.1875, (3,): 0.1875, (0, 1, 2): 0.125}
    assert set(drawn) == set(expected)
    for ids, share in expected.items():
        assert drawn[ids] / n == pytest.approx(share, abs=0.012)


@pytest.mark.slow
def test_dropout_of_the_reference_has_that_distribution_too():
    n, coin = 8_000, random.Random(1)
    reference = ReferenceEncoder(_abab())
    drawn = Counter(tuple(reference.encode_word_with_dropout(b"abab", 0.5, coin)) for _ in range(n))
    for ids, share in {(0, 1, 0, 1): 0.25, (2, 0, 1): 0.25, (2, 2): 0.1875, (3,): 0.1875, (0, 1, 2): 0.125}.items():
        assert drawn[ids] / n == pytest.approx(share, abs=0.02)
