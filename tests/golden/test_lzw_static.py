"""The LZW trainer against golden vocabularies and segmentations."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.golden_folder import golden_folder
from tokkit import _core
from tokkit.trainers.lzw import learn

FILES = sorted((golden_folder() / "trainers2" / "lzw_static").glob("*.json"))


def _units(case: dict[str, Any]) -> list[bytes]:
    path = golden_folder() / "trainers2" / "corpora" / f"{case['corpus']}.json"
    documents = [text.encode() for text in json.loads(path.read_text(encoding="utf-8"))["docs"]]
    unit = case["params"]["unit"]
    if unit == "line":
        return [line for document in documents for line in document.splitlines(keepends=True)]
    if unit == "pretoken":
        return [document[a:b] for document in documents for a, b in _core.pretokenize(document, "o200k@1")]
    return documents


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_phrases_and_their_uses_are_those_of_the_definition(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    params = case["params"]
    found = learn(
        _units(case),
        vocab_size=params["vocab_size"],
        max_length=params["max_len"],
        keep=params["rho"],
        min_count=params["min_count"],
        segmentation=params["segmentation"],
    )
    assert list(found.sizes) == case["sizes_per_round"]
    assert [[token.hex(), count] for token, count in found.tokens] == case["vocab"]
