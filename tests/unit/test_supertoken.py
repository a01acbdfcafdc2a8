"""Supertokens: chunks by chance, and BPE on them."""

from collections import Counter
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import superword as oracle
from tokkit import _core
from tokkit.corpus import SourceSpec, texts
from tokkit.counts import CountConfig
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers import TRAINERS

SUPERTOKEN = TRAINERS.get("supertoken")
SCHEME = "superbpe-paper-words@1"
TEXT = b"of the cat, and of the dog in"
PRETOKENS = [b"of", b" the", b" cat", b",", b" and", b" of", b" the", b" dog", b" in"]


def chunks(text: bytes = TEXT, place: int = 0, *, p_cut: float = 0.5, max_words: int = 4, seed: int = 0) -> list[bytes]:
    cuts = _core.ChanceCuts(SCHEME, p_cut=p_cut, max_words=max_words, seed=seed)
    blob, offsets = cuts.cut(text, np.array([0, len(text)], "<u8").tobytes(), place)
    return [blob[low:high] for low, high in pairwise(np.frombuffer(offsets, "<u8").tolist())]


def test_spaces_cut_always_or_never_at_the_ends_of_the_scale() -> None:
    assert chunks(p_cut=1.0) == PRETOKENS
    assert chunks(p_cut=0.0, max_words=9) == [b"of the cat", b", and of the dog in"]


def test_no_chunk_has_more_words_than_allowed() -> None:
    assert chunks(p_cut=0.0, max_words=2) == [b"of the", b" cat", b", and", b" of the", b" dog in"]


def test_texts_and_seeds_are_cut_differently_but_always_the_same() -> None:
    assert len({tuple(chunks(place=place)) for place in range(50)}) > 10
    assert len({tuple(chunks(seed=seed)) for seed in range(50)}) > 10
    assert chunks(place=7, seed=3) == chunks(place=7, seed=3)


@given(
    st.lists(st.text(alphabet="ab ,\n1é", max_size=30), min_size=1, max_size=5),
    st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0]),
    st.integers(1, 5),
    st.integers(0, 2**63),
)
def test_chunks_equal_the_definition(documents: list[str], p_cut: float, max_words: int, seed: int) -> None:
    data = [document.encode() for document in documents]
    offsets = np.array([0, *accumulate(map(len, data))], "<u8").tobytes()
    cuts = _core.ChanceCuts(SCHEME, p_cut=p_cut, max_words=max_words, seed=seed)

    blob, ends = cuts.cut(b"".join(data), offsets, 5)

    made = [blob[low:high] for low, high in pairwise(np.frombuffer(ends, "<u8").tolist())]
    expected = [
        chunk
        for place, text in enumerate(data)
        for chunk in oracle.chunks(oracle.pretokens(text, SCHEME), place + 5, p_cut, max_words, seed)
    ]
    assert made == expected


def test_the_table_holds_the_chunks_of_all_texts_weighted(tmp_path: Path) -> None:
    documents = [f"of the cat and of dog {place}, in the end\n" for place in range(40)]
    (tmp_path / "text.txt").write_text("".join(documents), encoding="utf-8")
    trainer = SUPERTOKEN(SUPERTOKEN.Config(seed=9, max_words=3))

    table = trainer.count_words(SourceSpec(path=str(tmp_path / "text.txt"), weight=2))

    expected: Counter[bytes] = Counter()
    for place, document in enumerate(documents):
        expected.update(oracle.chunks(oracle.pretokens(document.encode(), SCHEME), place, 0.5, 3, 9))
    assert dict(table) == {chunk: 2 * n for chunk, n in expected.items()}


def test_specials_are_cut_out_of_the_text_and_counted() -> None:
    trainer = SUPERTOKEN(SUPERTOKEN.Config(p_cut=0.0))

    table = trainer.count_words(texts(["of the<eos> cat<eos>"]), config=CountConfig(specials=("<eos>",)))

    assert dict(table) == {b"of the": 1, b" cat": 1}
    assert table.report.specials == {"<eos>": 2}


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
