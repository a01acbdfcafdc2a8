"""Tokens of four families by bytes: the golden canonical tokens and matches."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.golden_folder import golden_folder
from tokkit.transplant.match import Origin, match, text_pairs
from tokkit.transplant.vocabulary import Vocabulary, read_vocabulary

FOLDER = golden_folder() / "transplant" / "e2e"
NAMES = ("bytelevel", "spm", "wordpiece", "unigram")
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no golden vectors of transplantation here")


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def vocabulary(name: str) -> Vocabulary:
    return read_vocabulary(FOLDER / "tokenizers" / f"{name}.json")


@pytest.mark.parametrize("name", NAMES)
def test_canonical_tokens(name: str) -> None:
    expected = load("canonical_tokens.json")
    found = vocabulary(name)
    assert found.family == expected["families"][name]
    rows = [
        {"id": t.id, "token": t.token, "kind": t.kind, "bytes_hex": t.data.hex(), "precedence": t.precedence}
        for t in found.tokens
    ]
    assert rows == expected["tokens"][name]


def test_matches_of_all_ordered_pairs() -> None:
    expected = load("matches.json")
    assert len(expected) == 12
    for key, value in expected.items():
        # The file's pairs are (id of the first name, id of the second), whatever its README calls them.
        first, second = key.split("->")
        found = text_pairs(vocabulary(first), vocabulary(second))
        assert [list(pair) for pair in found] == value["pairs"], key


@pytest.mark.parametrize("case", ["tied_bf16_sharded", "untied_f32"])
def test_matches_of_the_checkpoints(case: str) -> None:
    expected = load("expected.json")[case]
    base, donor = (read_vocabulary(Path(FOLDER / case / side)) for side in ("base", "donor"))
    names = {number: token.token for number, token in donor.by_id.items()}
    overrides = {names[int(left)]: base.by_id[right].token for left, right in expected["special_map"].items()}
    found = match(donor, base, overrides=overrides)
    pairs = [[int(left), int(found.source[left])] for left in range(donor.n_rows) if found.source[left] >= 0]
    assert pairs == expected["matched_pairs"]
    assert found.ids(Origin.NEW, Origin.NEW_SPECIAL).tolist() == expected["new_ids"]
