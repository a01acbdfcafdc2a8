"""Encodings of the golden BPE files (Hugging Face tokenizers), from vocabulary and merges as the files give them."""

import json
from typing import Any

import numpy as np
import pytest

from tests.golden_folder import golden_folder
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import NOT_IN_VOCAB, string_to_bytes

FILES = sorted((golden_folder() / "trainers" / "bpe_hf").glob("*.json"))
SCHEMES = {"bytelevel": "gpt2@1", "metaspace": "metaspace@1", "ws": "whitespace@1"}


def tokenizer_of(file: dict[str, Any]) -> Tokenizer:
    vocab, model = file["vocab"], file["model"]
    number = {token: place for place, token in enumerate(vocab)}
    specials = file["trainer"].get("special_tokens", [])
    is_byte = file["pre_tokenizer"]["kind"] == "bytelevel"
    spell = string_to_bytes if is_byte else str.encode
    names = [f"<0x{byte:02X}>" for byte in range(256)]
    assert model["continuing_subword_prefix"] is None
    assert model["end_of_word_suffix"] is None
    ordinary = [token for token in vocab if token not in specials]
    return Tokenizer(
        EncoderTables(
            tokens=tuple(spell(token) for token in ordinary),
            ids=np.array([number[token] for token in ordinary], np.uint32),
            merges=np.array([(number[a], number[b], number[a + b]) for a, b in file["merges"]], np.uint32),
            pretokenizer=SCHEMES[file["pre_tokenizer"]["kind"]],
            unit="byte" if is_byte else "char",
            unk_id=None if model["unk_token"] is None else number[model["unk_token"]],
            fuse_unk=model["fuse_unk"],
            byte_ids=(
                np.array([number.get(name, NOT_IN_VOCAB) for name in names], np.uint32)
                if model["byte_fallback"]
                else None
            ),
            ignore_merges=model["ignore_merges"],
            specials={token: number[token] for token in specials},
        )
    )


def test_there_are_golden_files():
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_encodings_are_those_of_the_golden_file(path):
    file = json.loads(path.read_text(encoding="utf-8"))
    tokenizer = tokenizer_of(file)
    for row in file["encodings"]:
        assert tokenizer.encode(row["text"], allowed_special="all") == row["ids"], row["text"]
