"""Real tokenizers give the ids that their own libraries give, on every text of the conformance set."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tokkit.load import load_tokenizer
from tokkit.load.library import LibraryTokenizer

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"
DATA = Path(os.environ.get("TOKKIT_DATA", _BESIDE))
# What our own encoder must run; the rest may go through the other library.
OWN = {
    "cl100k_base/cl100k_base.tiktoken",
    "gpt2/tokenizer.json",
    "gpt_neox/tokenizer.json",
    "kl3m_001_32k/tokenizer.json",
    "mistral_v1/tokenizer.json",
    "o200k_base/o200k_base.tiktoken",
    "p50k_base/p50k_base.tiktoken",
    "qwen3/tokenizer.json",
    "tekken_240718/tekken.json",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir() and "TOKKIT_DATA" not in os.environ, reason="no folder of conformance data"),
]


def rows(name: str) -> list[dict[str, Any]]:
    path = DATA / "conformance" / "encode" / (name.replace("/", "__") + ".jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def names() -> list[str]:
    folder = DATA / "conformance" / "encode"
    return sorted(path.name.removesuffix(".jsonl.gz").replace("__", "/", 1) for path in folder.glob("*.jsonl.gz"))


@pytest.mark.parametrize("name", names())
def test_ids_are_those_of_the_reference_library(name: str) -> None:
    tokenizer = load_tokenizer(DATA / "tokenizers" / name)
    # `tokenizers` reads special tokens from text, the others take them for ordinary text.
    allowed: Any = "all" if name.endswith("tokenizer.json") else ()
    texts = rows(name)
    found = tokenizer.encode_batch([row["text"] for row in texts], allowed_special=allowed).lists()
    wrong = [row["src"] for row, ids in zip(texts, found, strict=True) if row["ids"] != ids]
    assert not wrong, f"{len(wrong)} of {len(texts)} differ: {wrong[:10]}"
    assert isinstance(tokenizer, LibraryTokenizer) == (name not in OWN), getattr(tokenizer, "reason", "our encoder")


@pytest.mark.parametrize("name", sorted(OWN))
def test_decoding_gives_the_text_back(name: str) -> None:
    tokenizer = load_tokenizer(DATA / "tokenizers" / name)
    for row in rows(name):
        if row["decoded_equal"]:
            assert tokenizer.decode(row["ids"]) == row["text"], row["src"]
