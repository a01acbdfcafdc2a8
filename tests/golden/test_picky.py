"""Picky BPE against the golden files made by the authors' code (total tie order, exact vocabulary size)."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.golden.trainer_files import (
    FOLDER,
    assert_offsets_lie_where_the_tokens_are,
    files,
    is_byte,
    load,
    table,
    words,
)
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import output_ids, token_strings
from tokkit.trainers.alphabet import cut_to_coverage
from tokkit.trainers.picky import Picky


def train(golden, engine="rust") -> Model:
    params = golden["params"]
    byte = is_byte(golden)
    unit = {} if byte else {"unit": "char", "unknown": "unk", "unk_token": "<UNK>", "atom_order": "first"}
    config = Picky.Config(
        vocab_size=params["vocab_size"],
        threshold=params["threshold"],
        special_tokens=tuple(params["specials"]),
        coverage=params["coverage"],
        layout="hf",
        engine=engine,
        **unit,
    )
    return Picky(config).train(table(words(golden), "gpt2@1" if byte else "picky-words@1"))


def events_of(model: Model) -> list[list[object]]:
    return [
        ["M", event.left, event.right, event.token]
        if event.kind == Kind.MERGE
        else ["S", event.token, list(event.pieces)]
        for event in model.events
    ]


@pytest.mark.parametrize("engine", ["rust", "python"])
@pytest.mark.parametrize("path", files("picky"))
def test_vocabulary_events_and_present_tokens_equal_the_reference(path, engine):
    golden = load(path)
    model = train(golden, engine)
    assert token_strings(model) == golden["tokens"]
    assert events_of(model) == golden["events"]
    assert np.flatnonzero(model.present).tolist() == golden["present"]


def test_coverage_removes_what_the_corrected_rule_removes():
    path = FOLDER / "picky" / "coverage_vectors.json"
    if not path.exists():
        pytest.skip("no golden files")
    for vector in json.loads(path.read_text(encoding="utf-8")):
        text = (FOLDER / "corpora" / f"{vector['corpus']}.txt").read_text(encoding="utf-8")
        counts: dict[str, int] = {}
        for word in text.split():
            for character in f"\u2581{word}":
                counts[character] = counts.get(character, 0) + 1
        kept = set(cut_to_coverage(list(counts.items()), vector["coverage"]))
        assert sorted(set(counts) - kept) == sorted(vector["removed"]), vector["coverage"]


@pytest.mark.parametrize("path", files("picky"))
def test_encodings_equal_the_reference(path):
    golden = load(path)
    tokenizer = Tokenizer.from_model(train(golden))
    for case in golden["encodings"]:
        assert tokenizer.encode(case["text"]) == case["ids"], case["text"]


@pytest.mark.parametrize("path", files("picky"))
def test_encoding_the_training_words_gives_the_final_segmentation(path):
    golden = load(path)
    model = train(golden)
    tokenizer = Tokenizer.from_model(replace(model, pretokenizer="none@1"))
    strings = dict(zip(output_ids(model).tolist(), token_strings(model), strict=True))
    frequencies: Counter[str] = Counter()
    for word, count in words(golden).items():
        for token in tokenizer.encode_bytes(word):
            frequencies[strings[token]] += count
    frequencies.pop("<UNK>", None)
    assert frequencies == golden["final_token_freqs"]


@pytest.mark.parametrize("path", files("picky"))
def test_offsets_lie_where_the_tokens_are(path):
    golden = load(path)
    alphabet = {string for string in golden["tokens"] if len(string) == 1}
    assert_offsets_lie_where_the_tokens_are(Tokenizer.from_model(train(golden)), golden, alphabet)
