"""The seven inference modes give the tokens of the golden files, which are those of the reference programs."""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.golden_folder import golden_folder
from tokkit.model.reference import ReferenceEncoder
from tokkit.model.tables import MODES, EncoderTables
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import string_to_bytes

FILES = sorted((golden_folder() / "trainers" / "inference").glob("*.json"))


@cache
def golden(name: str) -> dict[str, Any]:
    return json.loads((golden_folder() / "trainers" / "inference" / name).read_text(encoding="utf-8"))


@cache
def tables(name: str, mode: str) -> EncoderTables:
    file = golden(name)
    source = json.loads((golden_folder() / "trainers" / file["vocab_from"]).read_text(encoding="utf-8"))
    by_string = {token: place for place, token in enumerate(source["vocab"])}
    merges = [(by_string[left], by_string[right], by_string[left + right]) for left, right in source["merges"]]
    return EncoderTables(
        tokens=tuple(string_to_bytes(token) for token in source["vocab"]),
        ids=np.arange(len(source["vocab"]), dtype=np.uint32),
        merges=np.array(merges, np.uint32),
        pretokenizer="gpt2@1",
        inference=mode,
        scores=np.array([file["scores"].get(token, -np.inf) for token in source["vocab"]]),
    )


def test_there_are_golden_files():
    assert FILES


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_encodings_are_those_of_the_golden_file(name, mode):
    tokenizer = Tokenizer(tables(name, mode))
    for row in golden(name)["encodings"]:
        tokens = [tokenizer.token_bytes(number) for number in tokenizer.encode(row["text"])]
        assert tokens == [string_to_bytes(token) for token in row[mode]], row["text"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_the_total_of_tokens_is_that_of_the_golden_file(name, mode):
    tokenizer = Tokenizer(tables(name, mode))
    batch = tokenizer.encode_batch([row["text"] for row in golden(name)["encodings"]])
    assert len(batch.ids) == golden(name)["total_tokens"][mode]


@pytest.mark.parametrize("mode", MODES)
def test_the_reference_encoder_agrees_on_the_golden_words(mode):
    name = FILES[0].name
    reference = ReferenceEncoder(tables(name, mode))
    whole = Tokenizer(EncoderTables(**{**vars(tables(name, mode)), "pretokenizer": "none@1"}))
    words = {word for row in golden(name)["encodings"] for word in row["text"].encode().split() if len(word) < 40}
    for word in sorted(words):
        assert reference.encode_word(word) == whole.encode_bytes(word), word
