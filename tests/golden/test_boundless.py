"""BoundlessBPE and its SuperBPE against the authors' Python implementation (fastboundlessbpe)."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.golden_folder import golden_folder
from tokkit.corpus import texts
from tokkit.errors import TokenizerError
from tokkit.model.boundless import BoundlessTokenizer
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.vocab import NOT_IN_VOCAB, bytes_to_string, output_ids
from tokkit.trainers import TRAINERS

FOLDER = golden_folder() / "trainers2"
# Bytes that UTF-8 never uses: the reference leaves them out of its vocabulary, ours has all 256.
UNUSED = {0xC0, 0xC1, *range(0xF5, 0x100)}
MODELS = {"word_model": "superbpe-pretoken", "superbpe_model": "superbpe-pretoken", "boundless_model": "boundless"}


def files() -> list[Path]:
    found = sorted((FOLDER / "boundless").glob("*.json"))
    assert found, f"no golden files in {FOLDER / 'boundless'}"
    return found


@cache
def golden(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def options(entry: dict, kind: str) -> dict[str, object]:
    params = entry["params"]
    found: dict[str, object] = {
        "scheme": "regex:" + params["main_regex"],
        "merge_pattern": params["merge_pattern"],
        "threshold": params["tau"],
        "to_bytes": params["blowup"],
        "reference": True,
        "vocab_size": params["vocab_size"] + len(UNUSED),
    }
    if params["script_specific_regex"]:
        found["script_scheme"] = "regex:" + params["script_specific_regex"]
        found["scripts"] = params["script_specific_scripts"]
    if kind != "boundless_model":
        found["n_superwords"] = 0 if kind == "word_model" else params["n_supermerges"]
        found["vocab_size"] += found["n_superwords"]
    return found


@cache
def train(path: Path, kind: str, *, reference: bool = True) -> Model:
    entry = golden(path)
    documents = json.loads((FOLDER / "corpora" / f"{entry['corpus']}.json").read_text(encoding="utf-8"))["docs"]
    trainer_class = TRAINERS.get(MODELS[kind])
    trainer = trainer_class(trainer_class.Config(**{**options(entry, kind), "reference": reference}))
    return trainer.train(trainer.count_words(texts(documents)), again=trainer.count_again(texts(documents)))


def vocabulary(model: Model) -> list[str]:
    ids = output_ids(model)
    order = [int(token) for token in np.argsort(ids, kind="stable") if ids[token] != NOT_IN_VOCAB]
    return [bytes_to_string(model.tokens[t]) for t in order if model.tokens[t] not in [bytes([b]) for b in UNUSED]]


def cases() -> list[object]:
    made = []
    for path in files():
        # greedy_split cuts the runs at rare n-grams and so counts even frequent pairs short: in the one file with it
        # 28 of 45 superwords have other counts or are not ours, and 105 of the 150 asked for are not found. A real
        # difference (see the last test), not reproduced on purpose: our cuts are exact.
        kinds = ["word_model"] if golden(path)["params"]["greedy_split"] else list(MODELS)
        made += [pytest.param(path, kind, id=f"{path.stem}-{kind}") for kind in kinds]
    return made


@pytest.mark.parametrize(("path", "kind"), cases())
def test_events_equal_the_reference(path: Path, kind: str) -> None:
    expected = golden(path)[kind]
    model = train(path, kind)
    n_words = model.config["boundless"]["n_word_events"]
    events = list(model.events)

    def spelled(token: int) -> str:
        return bytes_to_string(model.tokens[token])

    merges = [
        [i, spelled(e.left), spelled(e.right), e.count] for i, e in enumerate(events[:n_words]) if e.kind == Kind.MERGE
    ]
    removed = [[i, spelled(e.token)] for i, e in enumerate(events[:n_words]) if e.kind == Kind.SPLIT]
    assert merges == [merge[:4] for merge in expected["words"]["merges"]]
    assert removed == expected["words"]["deletions"]
    if expected["superwords"] is not None:
        superwords = [[i, spelled(e.left), spelled(e.right), e.count] for i, e in enumerate(events[n_words:])]
        assert superwords == [merge[:4] for merge in expected["superwords"]["merges"]]


@pytest.mark.parametrize(("path", "kind"), cases())
def test_vocabulary_equals_the_reference(path: Path, kind: str) -> None:
    assert vocabulary(train(path, kind)) == golden(path)[kind]["vocab"]


@pytest.mark.parametrize(("path", "kind"), cases())
def test_encodings_equal_the_reference(path: Path, kind: str) -> None:
    entry, model = golden(path), train(path, kind)
    tokenizer = BoundlessTokenizer(model)
    ids = {string: place for place, string in enumerate(entry[kind]["vocab"])}
    for case in entry["encodings"]:
        expected = case[kind.removesuffix("_model")]
        text = case["text"]
        if None in expected:
            # The reference meets a token that it had removed, and raises KeyError (5 texts of one file): a log with its
            # faults is refused here too, one without them has ids.
            for encode in (tokenizer.encode, tokenizer.encode_offsets, lambda text: tokenizer.encode_batch([text])):
                with pytest.raises(TokenizerError, match="is made again by this text"):
                    encode(text)
            sound = BoundlessTokenizer(train(path, kind, reference=False))
            assert sound.decode(sound.encode(text)) == text
            continue
        pretokens = [text.encode()[start:end].decode() for start, end in tokenizer.cutter.cut(text.encode())]
        assert pretokens == case["pretokens"], text
        tokens = [tokenizer.token_bytes(token) for token in tokenizer.encode(text)]
        assert [ids[bytes_to_string(token)] for token in tokens] == expected, text


# The file with greedy_split is not among those that lie here: without the whole set there is nothing to compare.
@pytest.mark.parametrize("path", [path for path in files() if golden(path)["params"]["greedy_split"]])
def test_greedy_split_counts_short_where_we_count_what_stands_in_the_text(path: Path) -> None:
    model = train(path, "superbpe_model")
    trainer_class = TRAINERS.get("superbpe-pretoken")
    trainer = trainer_class(trainer_class.Config(**options(golden(path), "superbpe_model")))
    documents = json.loads((FOLDER / "corpora" / f"{golden(path)['corpus']}.json").read_text(encoding="utf-8"))["docs"]
    runs = [(run.split(b"\xff"), n) for run, n in trainer.count_again(texts(documents))]

    _, left, right, theirs = golden(path)["superbpe_model"]["superwords"]["merges"][0][:4]
    ours = model.events[model.config["boundless"]["n_word_events"]]

    assert [bytes_to_string(model.tokens[token]) for token in (ours.left, ours.right)] == [left, right]
    pair = (model.tokens[ours.left], model.tokens[ours.right])
    assert ours.count == sum(n * list(pairwise(run)).count(pair) for run, n in runs)
    assert theirs < ours.count
