"""Models in the JSON of the authors' Picky BPE code, made from the golden files."""

import json

import pytest

from tests.golden.trainer_files import files, is_byte, load
from tokkit.errors import TokenizerError
from tokkit.load import load_tokenizer
from tokkit.load.picky_json import read_picky
from tokkit.model.events import Kind

CHAR_FILES = [
    parameter for parameter in files("picky") if parameter.values[0] and not is_byte(load(parameter.values[0]))
]


def reference_json(golden) -> dict[str, object]:
    """What the authors' `_dump` writes, from the golden form of the same training."""
    parents = {}
    for event in golden["events"]:
        if event[0] == "M":
            parents.setdefault(event[3], (event[1], event[2]))
    present = set(golden["present"])
    final = {token: place for place, token in enumerate(golden["present"])}

    def walk(token: int) -> list[int]:
        if token in present or token not in parents:
            return [token]
        return walk(parents[token][0]) + walk(parents[token][1])

    def row(token: int) -> dict[str, object]:
        left, right = parents.get(token, (None, None))
        return {
            "id": token,
            "str": golden["tokens"][token],
            "freq": 0,
            "special": token < 4,
            "present": token in present,
            "left": left,
            "right": right,
            "split": walk(token),
        }

    merges, splits = [], []
    for number, event in enumerate(golden["events"]):
        if event[0] == "M":
            merges.append({"id": number, "pair": [row(event[1]), row(event[2])], "new_token": row(event[3])})
        else:
            splits.append({"id": number, "token": row(event[1]), "split": [row(piece) for piece in event[2]]})
    return {
        "tokens": [row(token) for token in reversed(range(len(golden["tokens"])))],
        "id2int": {str(token): place for token, place in final.items()},
        "int2id": {str(place): token for token, place in final.items()},
        "merges": merges,
        "splits": splits,
    }


@pytest.mark.parametrize("path", CHAR_FILES)
def test_the_authors_file_encodes_as_their_code(path, tmp_path):
    golden = load(path)
    file = tmp_path / "model.json"
    file.write_text(json.dumps(reference_json(golden), indent=4), encoding="utf-8")
    tokenizer = load_tokenizer(file)
    assert len(tokenizer.model.events) == len(golden["events"])
    assert Kind.SPLIT in tokenizer.model.events.kind.tolist()
    for case in golden["encodings"]:
        assert tokenizer.encode(case["text"]) == case["ids"]


def _broken(change) -> dict[str, object]:
    content = reference_json(load(CHAR_FILES[0].values[0]))
    change(content)
    return content


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("splits"),
        lambda data: data["tokens"].pop(),
        lambda data: data["merges"].clear(),
        lambda data: data["id2int"].update({"4": 99}),
        lambda data: data["tokens"].append(dict(data["tokens"][0])),
        lambda data: data["merges"][0].update(pair=[]),
        lambda data: data.update(merges={"a": 1}),
    ],
)
@pytest.mark.skipif(not CHAR_FILES, reason="no golden files")
def test_a_file_that_contradicts_itself_is_refused(change, tmp_path):
    file = tmp_path / "model.json"
    file.write_text(json.dumps(_broken(change)), encoding="utf-8")
    with pytest.raises(TokenizerError, match=r"model\.json"):
        read_picky(file)
