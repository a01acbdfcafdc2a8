"""SuperBPE against the authors' fork of HF tokenizers: stage 1, stage 2 and encodings of both regex generations."""

import json
from functools import cache
from pathlib import Path

import pytest

from tests.golden_folder import golden_folder
from tests.oracles import superword as oracle
from tokkit.corpus import texts
from tokkit.counts import CountConfig, CountTable, count
from tokkit.model.model import Model
from tokkit.model.vocab import string_to_bytes, token_strings
from tokkit.trainers import TRAINERS

FOLDER = golden_folder() / "trainers2"
SUPERBPE = TRAINERS.get("superbpe")


def files() -> list[Path]:
    found = sorted((FOLDER / "superbpe").glob("*.json"))
    assert found, f"no golden files in {FOLDER / 'superbpe'}"
    return found


@cache
def golden(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def units(entry: dict) -> list[str]:
    documents = json.loads((FOLDER / "corpora" / f"{entry['corpus']}.json").read_text(encoding="utf-8"))["docs"]
    return list(documents) if entry["unit"] == "doc" else lines(documents)


def lines(documents: list[str]) -> list[str]:
    found = []
    for document in documents:
        parts = document.split("\n")
        found += [part + "\n" for part in parts[:-1]] + [part for part in parts[-1:] if part]
    return found


def options(entry: dict, **more: object) -> dict[str, object]:
    params = entry["params"]
    # The fork's sizes count only the bytes that occur; our vocabulary has all 256.
    unseen = 256 - len(set("".join(units(entry)).encode()))
    return {
        "generation": entry["variant"],
        "vocab_size": params["stage2_vocab_size"] + unseen,
        "inherit_merges": min(params["inherit_merges"], len(entry["stage1"]["merges"])),
        "inherit": "reference",
        "min_frequency": params["min_frequency"],
        "max_words": params["max_words"],
        "forbid": (params["forbid_substring"].replace("Ġ", " "),),
        **more,
    }


def tables(entry: dict, threads: int = 1) -> tuple[CountTable, CountTable]:
    trainer = SUPERBPE(SUPERBPE.Config(**options(entry)))
    config = CountConfig(threads=threads)
    found = units(entry)
    words = count(texts(found), pretokenizer=trainer.default_pretokenizer(), config=config)
    return words, trainer.count_again(texts(found), config=config)


def merge_strings(model: Model) -> list[list[str]]:
    strings = token_strings(model)
    return [[strings[left], strings[right]] for left, right, _ in model.events.merges().tolist()]


def seen_strings(model: Model, entry: dict) -> list[str]:
    """The vocabulary in HF's order, without the bytes that do not occur."""
    seen = set("".join(units(entry)).encode())
    made = range(model.first_made, len(model.tokens))
    atoms = [token for token in range(model.first_made) if model.tokens[token][0] in seen]
    strings = token_strings(model)
    return [strings[token] for token in [*atoms, *made]]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_first_stage_equals_the_reference(path: Path) -> None:
    entry = golden(path)
    unseen = 256 - len(set("".join(units(entry)).encode()))
    bpe = TRAINERS.get("bpe")
    size = entry["params"]["stage1_vocab_size"] + unseen
    config = bpe.Config(vocab_size=size, min_frequency=entry["params"]["min_frequency"], layout="hf")

    model = bpe(config).train(tables(entry)[0])

    assert merge_strings(model) == entry["stage1"]["merges"]
    assert seen_strings(model, entry) == entry["stage1"]["vocab"]


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_second_stage_equals_the_reference(path: Path, threads: int) -> None:
    entry = golden(path)
    words, chunks = tables(entry, threads)

    model = SUPERBPE(SUPERBPE.Config(**options(entry, threads=threads))).train(words, again=chunks)

    assert model.config["n_inherited"] == entry["stage2"]["n_inherited"]
    assert merge_strings(model) == entry["stage2"]["merges"]
    assert seen_strings(model, entry) == entry["stage2"]["vocab"]


@pytest.mark.parametrize("bound", [0, 1, 3, 10**9])
@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_cutting_rare_neighbours_apart_changes_nothing(path: Path, bound: int) -> None:
    entry = golden(path)
    words, chunks = tables(entry)

    model = SUPERBPE(SUPERBPE.Config(**options(entry, bound=bound))).train(words, again=chunks)

    assert merge_strings(model) == entry["stage2"]["merges"]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_strict_inheritance_keeps_all_merges_and_ids_of_the_first_stage(path: Path) -> None:
    entry = golden(path)
    words, chunks = tables(entry)
    trainer = SUPERBPE(SUPERBPE.Config(**options(entry, inherit="strict")))
    first = trainer.first_stage(words)
    model = trainer.train(words, again=chunks)
    n = min(entry["params"]["inherit_merges"], len(entry["stage1"]["merges"]))

    assert merge_strings(model)[:n] == entry["stage1"]["merges"][:n]
    n_tokens = model.first_made + n
    assert model.tokens[: n_tokens - 5] == first.tokens[: n_tokens - 5]
    if not entry["stage2"]["skipped_inherited"]:
        assert merge_strings(model) == entry["stage2"]["merges"]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_encodings_equal_the_reference(path: Path) -> None:
    from tokkit.model.tokenizer import Tokenizer

    entry = golden(path)
    words, chunks = tables(entry)
    model = SUPERBPE(SUPERBPE.Config(**options(entry, layout="hf"))).train(words, again=chunks)
    tokenizer = Tokenizer.from_model(model)
    seen = set("".join(units(entry)).encode())
    ids = {string: place for place, string in enumerate(entry["stage2"]["vocab"])}
    for case in entry["encodings"]:
        text = case["text"]
        if set(text.encode()) <= seen:
            tokens = [tokenizer.token_bytes(token) for token in tokenizer.encode(text)]
            assert [ids[oracle.spelled(token)] for token in tokens] == case["stage2_ids"], text
        else:
            # The fork drops bytes that it never saw, and their neighbours meet; tokkit has a token for each byte.
            pretokens = oracle.pretokens(text.encode(), model.pretokenizer)
            kept = [bytes(byte for byte in pretoken if byte in seen) for pretoken in pretokens]
            merges = [(string_to_bytes(a), string_to_bytes(b)) for a, b in entry["stage2"]["merges"]]
            spelled = [oracle.spelled(t) for word in kept for t in oracle.encode(word, merges)]
            assert [ids[string] for string in spelled] == case["stage2_ids"], text
            assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_pretokens_equal_the_reference(path: Path) -> None:
    entry = golden(path)
    scheme = SUPERBPE(SUPERBPE.Config(**options(entry))).second_pretokenizer()
    for case in entry["encodings"]:
        found = [oracle.spelled(pretoken) for pretoken in oracle.pretokens(case["text"].encode(), scheme)]
        assert found == case["stage2_pretokens"], case["text"]
