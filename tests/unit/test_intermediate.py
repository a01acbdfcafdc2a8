"""Tokens made on the way to longer ones, against plain BPE that counts what it makes."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.bpe import merge_word
from tokkit.evaluate import BASELINES
from tokkit.metrics import find
from tokkit.metrics.evidence import gather
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Tokenizer

TOKENS = (b"a", b"b", b"c", b"ab", b"abc", b"bc", b"abab", b"aa")
MERGES = ((0, 1, 3), (3, 2, 4), (1, 2, 5), (3, 3, 6), (0, 0, 7))


def subject() -> Tokenizer:
    return Tokenizer(EncoderTables(TOKENS, np.arange(len(TOKENS), dtype=np.uint32), np.array(MERGES, np.uint32)))


def made(texts):
    """How often naive BPE makes each token, and how often it is left over."""
    makings, left_over = Counter(), Counter()
    for text in texts:
        word = [bytes([byte]) for byte in text.encode()]
        for left, right, result in MERGES:
            before = word.count(TOKENS[result])
            word = merge_word(word, (TOKENS[left], TOKENS[right]))
            makings[result] += word.count(TOKENS[result]) - before
        left_over.update(TOKENS.index(token) for token in word)
    return makings, left_over


@given(st.lists(st.text("abc", max_size=12), min_size=1, max_size=5))
def test_ratio_is_that_of_counting_every_merge(texts):
    metrics = [find("intermediate_ratio"), find("intermediate_tokens")]
    seen = gather(subject(), metrics, texts)
    ratio, share = (metric.compute(seen) for metric in metrics)
    makings, left_over = made(texts)
    total = sum(makings.values())
    if not total:
        assert ratio.value is None
        assert share.value is None
        return
    swallowed = {token: makings[token] - left_over[token] for token in makings}
    assert (ratio.numerator, ratio.denominator) == (sum(swallowed.values()), total)
    scaffolds = [token for token in makings if makings[token] and swallowed[token] >= 0.9 * makings[token]]
    assert (share.numerator, share.denominator) == (len(scaffolds), sum(count > 0 for count in makings.values()))


@pytest.mark.parametrize("name", ["intermediate_ratio", "intermediate_tokens"])
def test_tokenizer_without_merges_has_no_value_but_a_reason(name):
    found = find(name).compute(gather(BASELINES["bytes"](), [find(name)], ["abc"]))
    assert found.value is None
    assert "no plain list of merges" in found.reason
