"""Metrics against the golden oracle, over real tokenizers of four families."""

import json
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from tokenizers import Tokenizer

from tests.golden_folder import golden_folder
from tokkit.evaluate import evaluate
from tokkit.evaluate.baselines import Ids, Spans
from tokkit.metrics.words import word_spans

ORACLE_OF = {
    "tokens": "tokens",
    "bytes_per_token": "bytes_per_token",
    "chars_per_token": "chars_per_token",
    "fertility.ws": "fertility_ws",
    "strr.in_context": "strr_in_context",
    "renyi_efficiency.observed": "renyi_eff_observed_a2.5",
    "renyi_efficiency.nominal": "renyi_eff_nominal_a2.5",
    "vocab_utilisation": "vocab_utilisation",
    "round_trip": "roundtrip_exact_rate",
}


class Library:
    """A tokenizer of the `tokenizers` library, seen through the protocol of the metrics."""

    def __init__(self, path) -> None:
        self.inner = Tokenizer.from_file(str(path))
        self.vocab_size = self.inner.get_vocab_size(with_added_tokens=True)

    def encode_batch(self, texts: Sequence[str]) -> Ids:
        encoded = [self.inner.encode(text, add_special_tokens=False).ids for text in texts]
        return Ids(
            np.array([token for ids in encoded for token in ids], np.uint32),
            np.cumsum([0, *map(len, encoded)]).astype(np.uint64),
        )

    def encode_offsets(self, text: str) -> Spans:
        lengths = [0, *(len(character.encode()) for character in text)]
        byte_of = np.cumsum(lengths)
        spans = self.inner.encode(text, add_special_tokens=False).offsets
        return Spans(byte_of[np.array(spans, np.int64).reshape(-1, 2)])

    def token_bytes(self, token: int) -> bytes:
        return b""  # never adds up to the text: the offsets of the library decide

    def decode(self, ids: Sequence[int]) -> str:
        return self.inner.decode(ids, skip_special_tokens=False)


@cache
def _load(name: str):
    return json.loads((golden_folder() / "metrics" / name).read_text(encoding="utf-8"))


def _tokenizers() -> list[str]:
    return [name for name in _load("oracle.json")["tokenizers"] if not name.startswith("npm:")]


@pytest.mark.parametrize("name", _tokenizers())
def test_every_language_has_the_oracle_values(name):
    entry = _load("oracle.json")["tokenizers"][name]
    subject = Library(golden_folder() / "metrics" / "tokenizers" / entry["file"])
    texts = _load("texts.json")["languages"]
    results = evaluate({name: subject}, texts, tuple(ORACLE_OF))
    compared = 0
    for language in texts:
        for metric, key in ORACLE_OF.items():
            expected = entry["corpus"][language][key]
            found = results.value(name, language, metric)
            assert found == (None if expected is None else pytest.approx(expected, rel=1e-9)), (language, metric)
            compared += 1
    assert compared == len(texts) * len(ORACLE_OF)


def test_words_are_counted_as_in_the_oracle():
    corpus = _load("oracle.json")["tokenizers"][_tokenizers()[0]]["corpus"]
    for language, documents in _load("texts.json")["languages"].items():
        n_words = sum(len(word_spans(text, text.encode())[0]) for text in documents)
        assert n_words == corpus[language]["ws_words"], language
