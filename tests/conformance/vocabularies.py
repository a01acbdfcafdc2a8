"""Published vocabularies for tests, where they lie beside the project; tests skip without them."""

import base64
import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tokkit.model.tables import EncoderTables

CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"
    r"|\s*[\r\n]|\s+(?!\S)|\s"
)
GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"


def data_folder() -> Path:
    """The folder of real data: TOKKIT_DATA, else `shared/data` beside the project; skips the test without it."""
    named = os.environ.get("TOKKIT_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the data folder that TOKKIT_DATA names")
    return folder


@cache
def ranks(name: str) -> dict[bytes, int]:
    """Token bytes and ranks of a .tiktoken file."""
    path = data_folder() / "tokenizers" / name / f"{name}.tiktoken"
    lines = (line.split() for line in path.read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in lines}


@cache
def tiktoken_tables(name: str, pretokenizer: str, specials: tuple[tuple[str, int], ...] = ()) -> EncoderTables:
    """A .tiktoken file as tables: every neighbouring pair that spells a token is joined, lowest rank first."""
    by_bytes = ranks(name)
    return EncoderTables(
        tokens=tuple(by_bytes),
        ids=np.array(list(by_bytes.values()), np.uint32),
        pretokenizer=pretokenizer,
        inference="vocab_rank",
        ignore_merges=True,
        specials=dict(specials),
    )


def golden_encodings(name: str) -> list[dict[str, Any]]:
    """Texts with the ids of the reference library: {src, text, ids, decoded_equal}."""
    path = data_folder() / "conformance" / "encode" / f"{name}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
