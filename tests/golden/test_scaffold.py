"""Scaffold-BPE against the golden files: three independent implementations of the paper's algorithms agree on them."""

import numpy as np
import pytest

from tests.golden.trainer_files import assert_offsets_lie_where_the_tokens_are, files, is_byte, load, table, words
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.program import demolished
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import token_strings
from tokkit.trainers.bpe import Bpe
from tokkit.trainers.scaffold import Scaffold


def train(golden, engine="rust") -> Model:
    config = Scaffold.Config(
        vocab_size=golden["params"]["vocab_size"],
        min_frequency=golden["params"]["min_frequency"],
        unit="byte" if is_byte(golden) else "char",
        layout="hf",
        engine=engine,
    )
    return Scaffold(config).train(counts_of(golden))


def counts_of(golden):
    return table(words(golden), "gpt2@1" if is_byte(golden) else "picky-words@1")


def log_of(model: Model) -> list[list[object]]:
    log: list[list[object]] = []
    for event in model.events:
        if event.kind == Kind.MERGE:
            log.append(["M", event.left, event.right, event.token, event.count])
        else:
            log.append(["F" if event.kind == Kind.FLAG else "U", event.token, event.count])
    return log


def golden_log(golden) -> list[list[object]]:
    return [entry[:3] if entry[0] == "F" else entry for entry in golden["log"]]


def by_id(log: list[list[object]]) -> list[list[object]]:
    """The two flags of one merge in the order of ids, as the files have them."""
    log = list(log)
    for place in range(len(log) - 1):
        if log[place][0] == log[place + 1][0] == "F" and log[place][1] > log[place + 1][1]:
            log[place], log[place + 1] = log[place + 1], log[place]
    return log


@pytest.mark.parametrize("engine", ["rust", "python"])
@pytest.mark.parametrize("path", files("scaffold"))
def test_tokens_flags_and_log_equal_the_golden_file(path, engine):
    golden = load(path)
    model = train(golden, engine)
    assert token_strings(model) == golden["expanded_vocab"]
    assert by_id(log_of(model)) == golden_log(golden)
    assert np.flatnonzero(model.present).tolist() == golden["normal"]
    assert np.flatnonzero(~model.present).tolist() == golden["scaffold"]


@pytest.mark.parametrize("path", files("scaffold"))
def test_merges_are_those_of_plain_bpe_run_longer(path):
    golden = load(path)
    merges = train(golden).events.merges()
    config = Bpe.Config(
        vocab_size=len(golden["expanded_vocab"]), unit="byte" if is_byte(golden) else "char", layout="hf"
    )
    plain = Bpe(config).train(counts_of(golden))
    assert plain.events.merges().tolist() == merges.tolist()


@pytest.mark.parametrize("path", files("scaffold"))
def test_encodings_equal_the_golden_file(path):
    golden = load(path)
    tokenizer = Tokenizer.from_model(train(golden))
    for case in golden["encodings"]:
        assert tokenizer.encode(case["text"]) == case["ids"], case["text"]


@pytest.mark.parametrize("path", files("scaffold"))
def test_scaffold_tokens_fall_into_the_golden_pieces(path):
    golden = load(path)
    model = train(golden)
    strings = token_strings(model)
    pieces = {strings[token]: [strings[piece] for piece in parts] for token, parts in demolished(model)}
    assert pieces == golden["demolish"]


@pytest.mark.parametrize("path", files("scaffold"))
def test_offsets_lie_where_the_tokens_are(path):
    golden = load(path)
    alphabet = {string for string in golden["expanded_vocab"] if len(string) == 1}
    assert_offsets_lie_where_the_tokens_are(Tokenizer.from_model(train(golden)), golden, alphabet)
