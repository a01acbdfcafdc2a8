"""Texts made to be slow: ids equal tiktoken's, and time grows with the length, not its square."""

import random
import time

import pytest
import tiktoken

from tests.conformance.vocabularies import CL100K, ranks, tiktoken_tables
from tokkit.model.tokenizer import Tokenizer


def _random(alphabet: str, n: int) -> str:
    return "".join(random.Random(n).choices(alphabet, k=n))


FAMILIES = {
    "a": lambda n: "a" * n,
    "random letters": lambda n: _random("abcdefghijklmnopqrstuvwxyz", n),
    "CJK": lambda n: _random("的一是不了人我在有他这为之大来以个中上们", n // 3),
    "Thai": lambda n: _random("กขคงจฉชซญดตถทนบปผพมยรลวสหอาิีุเแ", n // 3),
    "spaces": lambda n: " " * n,
    "spaces and x": lambda n: (" " * 1000 + "x") * (n // 1001),
    "newlines": lambda n: "\n" * n,
    "equals signs": lambda n: "=" * n,
    "punctuation": lambda n: _random("!?.,;:-_()[]{}'\"/\\|@#$%^&*+=~`<>", n),
    "digits": lambda n: _random("0123456789", n),
    "emoji": lambda n: _random("😀🎉👩‍💻🏳️‍🌈🧑🏽🚀", n // 4),
    "combining marks": lambda n: "e" + "\u0301\u0302\u0323" * (n // 6),
}


@pytest.fixture(scope="module")
def ours() -> Tokenizer:
    return Tokenizer(tiktoken_tables("cl100k_base", "cl100k@1"))


@pytest.fixture(scope="module")
def theirs() -> tiktoken.Encoding:
    return tiktoken.Encoding("cl100k", pat_str=CL100K, mergeable_ranks=ranks("cl100k_base"), special_tokens={})


@pytest.mark.slow
@pytest.mark.parametrize("size", [100_000, 1_000_000])
@pytest.mark.parametrize("family", FAMILIES)
def test_ids_are_those_of_tiktoken(ours, theirs, family, size):
    text = FAMILIES[family](size)
    assert ours.encode(text) == theirs.encode_ordinary(text)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_ten_times_the_text_takes_at_most_about_ten_times_as_long(ours, family):
    def seconds(size: int) -> float:
        text = FAMILIES[family](size)
        begin = time.process_time()
        ours.encode_batch([text], threads=1)
        return time.process_time() - begin

    seconds(1000)
    small = min(seconds(100_000) for _ in range(3))
    # n log n with caches that overflow; a quadratic encoder would need a hundred times.
    assert seconds(1_000_000) < 30 * small + 0.1
