"""Ids equal those of the reference libraries on texts that nobody here wrote."""

import gzip
import json
from typing import Any

import numpy as np
import pytest
import tokenizers

from tests.conformance.vocabularies import data_folder, golden_encodings, tiktoken_tables
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import BYTE_ALPHABET, string_to_bytes


def byte_level_tables(file: dict[str, Any], pretokenizer: str) -> EncoderTables:
    """A byte-level tokenizer.json without anything unusual."""
    vocab = file["model"]["vocab"]
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in file["model"]["merges"]]
    ordinary = {token: number for token, number in vocab.items() if set(token) <= set(BYTE_ALPHABET)}
    return EncoderTables(
        tokens=tuple(string_to_bytes(token) for token in ordinary),
        ids=np.array(list(ordinary.values()), np.uint32),
        merges=np.array([(vocab[a], vocab[b], vocab[a + b]) for a, b in pairs], np.uint32),
        pretokenizer=pretokenizer,
        specials={token["content"]: token["id"] for token in file["added_tokens"]},
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pretokenizer"), [("cl100k_base", "cl100k@1"), ("p50k_base", "gpt2@1"), ("o200k_base", "o200k@1")]
)
def test_tiktoken_vocabularies_give_the_golden_ids(name, pretokenizer):
    tokenizer = Tokenizer(tiktoken_tables(name, pretokenizer))
    for row in golden_encodings(f"{name}__{name}.tiktoken"):
        assert tokenizer.encode(row["text"]) == row["ids"], row["text"]
        assert tokenizer.decode(row["ids"]) == row["text"]


@pytest.mark.slow
def test_gpt2_merges_give_the_golden_ids():
    file = json.loads((data_folder() / "tokenizers" / "gpt2" / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer(byte_level_tables(file, "gpt2@1"))
    for row in golden_encodings("gpt2__tokenizer.json"):
        assert tokenizer.encode(row["text"], allowed_special="all") == row["ids"], row["text"]


@pytest.mark.slow
def test_character_offsets_are_those_of_hugging_face():
    path = data_folder() / "tokenizers" / "gpt2" / "tokenizer.json"
    theirs = tokenizers.Tokenizer.from_file(str(path))
    theirs.post_processor = tokenizers.processors.ByteLevel(trim_offsets=False)
    ours = Tokenizer(byte_level_tables(json.loads(path.read_text(encoding="utf-8")), "gpt2@1"))
    for row in golden_encodings("gpt2__tokenizer.json"):
        expected = theirs.encode(row["text"], add_special_tokens=False)
        encoding = ours.encode_offsets(row["text"], allowed_special="all")
        assert encoding.ids == expected.ids
        assert encoding.char_offsets == expected.offsets, row["text"]
        data = row["text"].encode()
        spelled = [data[low:high] for low, high in encoding.byte_offsets]
        assert spelled == encoding.tokens


@pytest.mark.slow
def test_every_code_point_is_encoded_as_by_hugging_face():
    path = data_folder() / "tokenizers" / "gpt2" / "tokenizer.json"
    theirs = tokenizers.Tokenizer.from_file(str(path))
    ours = Tokenizer(byte_level_tables(json.loads(path.read_text(encoding="utf-8")), "gpt2@1"))
    with gzip.open(
        data_folder() / "corpora" / "utf8_all_codepoints.txt.gz", "rt", encoding="utf-8", newline=""
    ) as file:
        text = file.read()
    texts = [text[at : at + 5000] for at in range(0, len(text), 5000)]
    expected = [encoding.ids for encoding in theirs.encode_batch(texts, add_special_tokens=False)]
    assert ours.encode_batch(texts).lists() == expected
