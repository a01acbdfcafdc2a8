"""Supertokens: chunks by chance, and BPE on them."""

from itertools import pairwise

import pytest

from tokkit.corpus import texts
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers import TRAINERS
from tokkit.trainers.supertoken import SplitMix64

SUPERTOKEN = TRAINERS.get("supertoken")
WORDS = [b"of", b" the", b" cat", b",", b" and", b" of", b" the", b" dog", b" in"]


def chunks(place: int = 0, **options: object) -> list[bytes]:
    return SUPERTOKEN(SUPERTOKEN.Config(**options)).chunks(WORDS, place)


def test_generator_gives_the_published_numbers() -> None:
    random = SplitMix64(1234567)
    assert [random.next() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_spaces_cut_always_or_never_at_the_ends_of_the_scale() -> None:
    assert chunks(p_cut=1.0) == WORDS
    assert chunks(p_cut=0.0, max_words=9) == [b"of the cat", b", and of the dog in"]


def test_no_chunk_has_more_words_than_allowed() -> None:
    assert chunks(p_cut=0.0, max_words=2) == [b"of the", b" cat", b", and", b" of the", b" dog in"]


def test_texts_and_seeds_are_cut_differently_but_always_the_same() -> None:
    assert len({tuple(chunks(place)) for place in range(50)}) > 10
    assert len({tuple(chunks(seed=seed)) for seed in range(50)}) > 10
    assert chunks(7, seed=3) == chunks(7, seed=3)
    assert b"".join(chunks(5)) == b"".join(WORDS)


def test_tokens_reach_across_spaces_at_encoding() -> None:
    trainer = SUPERTOKEN(SUPERTOKEN.Config(vocab_size=290))
    documents = ["of the cat and of the dog in the end of the day"] * 40
    model = trainer.train(trainer.count_words(texts(documents)))
    tokenizer = Tokenizer.from_model(model)

    tokens = [tokenizer.token_bytes(token) for token in tokenizer.encode(documents[0])]

    assert any(b" " in token[1:] for token in tokens)
    assert tokenizer.decode(tokenizer.encode(documents[0])) == documents[0]
    assert all(a.count(b" ") <= 4 for a, _ in pairwise(tokens))


@pytest.mark.parametrize("option", [{"p_cut": 1.5}, {"max_words": 0}])
def test_senseless_options_are_refused(option: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="p_cut|max_words"):
        SUPERTOKEN.Config(**option)
