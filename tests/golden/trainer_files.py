"""The golden trainer files: their corpora as count tables, and byte strings as they spell them."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.golden_folder import golden_folder
from tokkit import _core
from tokkit.counts import CountTable
from tokkit.model.tokenizer import Tokenizer

FOLDER = golden_folder() / "trainers"
MARKER = "\u2581"


def files(kind: str) -> list[Any]:
    """The files of `trainers/<kind>` as parameters; a mark that skips where the vectors are not there."""
    found = sorted(path for path in (FOLDER / kind).glob("*.json") if "coverage" not in path.name)
    if not found:
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no golden files trainers/{kind}"))]
    return [pytest.param(path, id=path.stem) for path in found]


def load(path: Path) -> dict[str, Any]:
    """The content of a golden file."""
    return json.loads(path.read_text(encoding="utf-8"))


def is_byte(golden: dict[str, Any]) -> bool:
    """Whether the file's strings are in the byte alphabet."""
    return golden["pre_tokenizer"].startswith("GPT-2")


def words(golden: dict[str, Any]) -> Counter[bytes]:
    """The pretokens of the file's corpus in the order of their first appearance."""
    text = (FOLDER / golden["corpus"]).read_text(encoding="utf-8")
    counts: Counter[bytes] = Counter()
    for line in text.split("\n"):
        if is_byte(golden):
            data = (line + "\n").encode()
            counts.update(data[start:end] for start, end in _core.pretokenize(data, "gpt2@1"))
        else:
            counts.update(f"\u2581{word}".encode() for word in line.split())
    if is_byte(golden) and text.endswith("\n"):
        counts[b"\n"] -= 1  # the last split part is no line
        counts = Counter({word: count for word, count in counts.items() if count})
    return counts


def table(counts: Counter[bytes], pretokenizer: str) -> CountTable:
    """A count table that knows the order of its pretokens."""
    offsets = np.cumsum([0, *map(len, counts)]).astype("<u8").tobytes()
    raw = _core.CountTable.from_buffers(
        b"".join(counts),
        offsets,
        np.array(list(counts.values()), "<u8").tobytes(),
        np.arange(len(counts), dtype="<u8").tobytes(),
    )
    return CountTable(raw, pretokenizer=pretokenizer)


def assert_offsets_lie_where_the_tokens_are(tokenizer: Tokenizer, golden: dict[str, Any], alphabet: set[str]) -> None:
    """Every golden text: ranges rise, and each holds what its token spells.

    Bytes do so exactly. With markers a range may also hold white space, which the marker stands for, and characters
    outside `alphabet`, which vanish; of an unknown token nothing is spelled.
    """
    for case in golden["encodings"]:
        data, encoding = case["text"].encode(), tokenizer.encode_offsets(case["text"])
        assert encoding.ids == case["ids"]
        parts = [data[start:end] for start, end in encoding.byte_offsets]
        if is_byte(golden):
            assert parts == encoding.tokens
            continue
        assert encoding.byte_offsets == sorted(encoding.byte_offsets)
        assert all(one[1] <= other[0] for one, other in pairwise(encoding.byte_offsets))
        for part, token in zip(parts, encoding.tokens, strict=True):
            if token.decode() not in tokenizer.specials:
                spelled = "".join(character for character in part.decode() if character in alphabet)
                assert spelled.replace(MARKER, "") == token.decode().replace(MARKER, ""), case["text"]
