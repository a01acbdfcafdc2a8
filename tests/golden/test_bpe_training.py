"""Plain BPE against the packages themselves: HF tokenizers, minbpe, rustbpe, bpeasy, subword-nmt, sentencepiece."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.golden_folder import golden_folder
from tests.tables import ordered_table
from tokkit import _core
from tokkit.corpus import texts
from tokkit.counts import CountConfig, CountTable, count
from tokkit.model.model import Model
from tokkit.model.vocab import output_ids, token_strings
from tokkit.trainers import TRAINERS

FOLDER = golden_folder() / "trainers"
SCHEMES = {"bytelevel": "gpt2@1", "ws": "whitespace@1", "metaspace": "metaspace@1"}


def files(kind: str) -> list[Path]:
    found = sorted((FOLDER / kind).glob("*.json"))
    assert found, f"no golden files in {FOLDER / kind}"
    return found


def corpus(entry: dict[str, object]) -> str:
    path = FOLDER / str(entry["corpus"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["corpus_sha256"]
    return path.read_bytes().decode()


def sequences(text: str, feed: str) -> list[str]:
    lines = text.split("\n")
    return {
        "whole": [text],
        "lines": [line for line in lines if line],
        "lines_keepends": [line + "\n" for line in lines[:-1]] + [line for line in lines[-1:] if line],
    }[feed]


def train(counts: CountTable, **options: object) -> Model:
    trainer = TRAINERS.get("bpe")
    return trainer(trainer.Config(**options)).train(counts)


def merge_strings(model: Model) -> list[list[str]]:
    strings = token_strings(model)
    return [[strings[left], strings[right]] for left, right, _ in model.events.merges().tolist()]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("path", files("bpe_hf"), ids=lambda path: path.stem)
def test_vocabulary_and_merges_equal_hf_tokenizers(path: Path, threads: int) -> None:
    entry = json.loads(path.read_text(encoding="utf-8"))
    scheme = SCHEMES[entry["pre_tokenizer"]["kind"]]
    table = count(
        texts(sequences(corpus(entry), entry["feed"])), pretokenizer=scheme, config=CountConfig(threads=threads)
    )
    assert (len(table), table.total) == (entry["n_word_types"], entry["n_words"])

    model = train(table, layout="hf", **hf_options(entry))

    assert [token_strings(model)[token] for token in np.argsort(output_ids(model))] == entry["vocab"]
    assert merge_strings(model) == entry["merges"]


def hf_options(entry: dict[str, dict[str, object]]) -> dict[str, object]:
    trainer, model = entry["trainer"], entry["model"]
    names = ("vocab_size", "min_frequency", "max_token_length", "limit_alphabet")
    options = {name: trainer[name] for name in names if name in trainer}
    specials = trainer.get("special_tokens", [])
    if entry["pre_tokenizer"]["kind"] != "bytelevel":
        options["unit"] = "char"
        if model["unk_token"] is not None:
            options |= {"unk_token": model["unk_token"], "unknown": "unk", "fuse_unk": model["fuse_unk"]}
        if model["byte_fallback"]:
            specials = [special for special in specials if not special.startswith("<0x")]
            options["unknown"] = "byte_fallback"
    return options | {"special_tokens": tuple(specials)}


def tie_cases() -> list[object]:
    cases = []
    for path in files("bpe_ties"):
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        cases += [pytest.param(path, name, id=f"{path.stem}-{name}") for name in results]
    return cases


@pytest.mark.parametrize(("path", "package"), tie_cases())
def test_every_package_is_reproduced_by_its_tie_rule(path: Path, package: str) -> None:
    entry = json.loads(path.read_text(encoding="utf-8"))
    expected = entry["results"][package]
    text = corpus(entry)
    if package.startswith("minbpe"):
        words = gpt2_words(text) if package == "minbpe_regex" else {text.encode(): 1}
        model = train(ordered_table(words), vocab_size=entry["vocab_size"], tie="first")
        merges = [(model.tokens[left], model.tokens[right]) for left, right, _ in model.events.merges().tolist()]
        if isinstance(expected, str):  # the package crashed when its pairs ran out; ours stops and says so
            assert model.exhausted
        else:
            assert merges == in_bytes(expected)
    elif package == "subword_nmt":
        model = train(
            CountTable.from_items(subword_nmt_words(text).items(), pretokenizer="whitespace@1"),
            vocab_size=100_000,
            unit="char",
            tie="lexmax",
            end_of_word_suffix="</w>",
            min_frequency=2,
        )
        assert [" ".join(pair) for pair in merge_strings(model)][: len(expected)] == expected
    else:
        max_length = int(package.removeprefix("bpeasy_maxlen")) if package.startswith("bpeasy") else None
        table = CountTable.from_items(gpt2_words(text).items(), pretokenizer="gpt2@1")
        model = train(table, vocab_size=entry["vocab_size"], tie="bytes", max_token_length=max_length)
        assert [token.hex() for token in model.tokens[256:]] == expected


def gpt2_words(text: str) -> Counter[bytes]:
    raw = text.encode()
    return Counter(raw[start:end] for start, end in _core.pretokenize(raw, "gpt2@1"))


def subword_nmt_words(text: str) -> Counter[bytes]:
    lines = (line.strip("\r\n ").split(" ") for line in text.split("\n"))
    return Counter(word.encode() for line in lines for word in line if word)


def in_bytes(merges: list[list[int]]) -> list[tuple[bytes, bytes]]:
    """minbpe's merges, given as ids, as byte strings."""
    tokens = {byte: bytes([byte]) for byte in range(256)}
    for left, right, new in merges:
        tokens[new] = tokens[left] + tokens[right]
    return [(tokens[left], tokens[right]) for left, right, _ in merges]


@pytest.mark.parametrize("path", files("bpe_sp"), ids=lambda path: path.stem)
def test_pieces_and_scores_equal_sentencepiece(path: Path) -> None:
    entry = json.loads(path.read_text(encoding="utf-8"))
    table = count(texts(sequences(corpus(entry), "lines")), pretokenizer="sentencepiece@1")

    model = train(table, rules="sentencepiece", **sentencepiece_options(entry["params"]))

    strings, scores = token_strings(model), model.scores
    assert scores is not None
    pieces = [[strings[token], float(scores[token])] for token in np.argsort(output_ids(model))]
    assert pieces == [[piece, score] for piece, score, _ in entry["pieces"]]


def sentencepiece_options(params: dict[str, object]) -> dict[str, object]:
    names = ("vocab_size", "character_coverage", "split_by_unicode_script", "split_by_number", "split_digits")
    options = {name: params[name] for name in names if name in params}
    if "max_sentencepiece_length" in params:
        options["max_piece_length"] = params["max_sentencepiece_length"]
    if params.get("byte_fallback"):
        options["unknown"] = "byte_fallback"
    return options
