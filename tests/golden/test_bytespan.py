"""The byte language model and ByteSpan against golden signals, spans and vocabularies."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.golden_folder import golden_folder
from tokkit.bytespan.compat import reference_counts, reference_spans
from tokkit.bytespan.increment import grown_spans, increment_base
from tokkit.bytespan.lm import ByteLm
from tokkit.bytespan.rows import Rows
from tokkit.bytespan.spans import continues, spans_of, threshold_of
from tokkit.bytespan.vocabulary import MARK, base_tokens, seeds
from tokkit.bytespan.words import Token, words_of
from tokkit.counts import CountTable
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import ATOM_BYTE_ORDER, output_order, string_to_bytes
from tokkit.trainers.bytespan import ByteSpan

FOLDER = golden_folder() / "trainers2" / "bytespan"
SPECIALS = ("<|padding|>", "<|endoftext|>")
UNKNOWN = "<|unk|>"


@cache
def _load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return content


def rows_of(name: str, measure: str) -> Rows:
    rows = _load(name)["rows"]
    documents = [bytes.fromhex(row["bytes_hex"]) for row in rows]
    offsets = np.zeros(len(rows) + 1, np.uint64)
    np.cumsum([len(document) for document in documents], out=offsets[1:])
    return Rows(
        blob=b"".join(documents),
        offsets=offsets,
        starts=np.array([mark == "1" for row in rows for mark in row["pre_token_start"]]),
        signal=np.array([value for row in rows for value in row[measure.lower()]]),
        counts=np.ones(len(rows), np.int64),
        languages=tuple(row["lang"] for row in rows),
    )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("signals_*.json")), ids=lambda path: path.stem)
def test_signals_are_those_of_the_definition(path: Path) -> None:
    case = _load(path.name)
    corpus = golden_folder() / "trainers2" / "corpora" / f"{case['lm']['trained_on']}.json"
    if not corpus.is_file():
        pytest.skip("the compact vectors lack the text that this model learnt from")
    texts = json.loads(corpus.read_text(encoding="utf-8"))["docs"]
    # The goldens' model was trained on documents with the space in front that its tokenizer adds.
    documents = [(text if text[:1].isspace() else " " + text).encode() for text in texts]
    model = ByteLm.train(documents, order=case["lm"]["order"])
    rows = [bytes.fromhex(row["bytes_hex"]) for row in case["rows"]]
    # In this file the first signals of every other document are made by hand: tiny, but not zero.
    by_hand = np.zeros(sum(map(len, rows)), np.bool_)
    if path.stem.endswith("_bos"):
        by_hand[np.cumsum([0, *map(len, rows[:-1])])[::2]] = True
    for measure, found in zip(("surprisal", "entropy"), model.signals(rows), strict=True):
        wanted = np.array([value for row in case["rows"] for value in row[measure]])
        assert np.abs(found - wanted)[~by_hand].max() < 2e-6
        assert ((wanted[by_hand] > 0) & (wanted[by_hand] < 0.01)).all()


def options_of(case: dict[str, Any]) -> dict[str, Any]:
    """The trainer's options for the parameters of a golden file."""
    params = case["params"]
    options: dict[str, Any] = {"signal": params["measure"].lower(), "vocab_size": params["vocab_size"], "typed": True}
    if params["kind"] == "global" and "frequency_threshold" in params:
        return {**options, "build": "increment", "min_count": params["frequency_threshold"]}
    kind = params["kind"]
    if kind == "curve":
        kind = "monotonic" if params["percentile"] is None else "combined"
    build = "frequency" if params["proportion"] is None else "balanced" if params.get("balance") else "seeding"
    share = {} if params["proportion"] is None else {"proportion": params["proportion"]}
    return {**options, "build": build, "constraint": kind, "percentile": params["percentile"], **share}


def trained(name: str, folder: Path, **more: Any) -> Model:
    """What the trainer makes of a golden file's signals, read from parquet."""
    case = _load(name)
    rows = _load(case["signals"])["rows"]
    measure = case["params"]["measure"].lower()
    languages = [row["lang"] for row in rows]
    table = {"document": [bytes.fromhex(row["bytes_hex"]) for row in rows], measure: [row[measure] for row in rows]}
    pq.write_table(pa.table({**table, "language": pa.array(languages, pa.string())}), folder / "signals.parquet")
    config = {
        **options_of(case),
        "special_tokens": (*SPECIALS, UNKNOWN),
        "layout": "hf",
        "signals": str(folder / "signals.parquet"),
        **more,
    }
    counts = CountTable.from_items([(b"x", 1)], pretokenizer="gpt2@1")
    return ByteSpan(ByteSpan.Config.model_validate(config)).train(counts)


def tokens_of(model: Model) -> list[Token]:
    """The tokens behind the specials, in order of their ids."""
    mark = MARK.encode()
    order = [int(token) for token in output_order(model) if token >= model.n_specials]
    return [(not model.tokens[t].startswith(mark), model.tokens[t].removeprefix(mark)) for t in order]


def encoded(model: Model, text: str) -> list[Token]:
    """The tokens of a text with the space in front that the goldens' tokenizer adds."""
    tokenizer = Tokenizer.from_model(model)
    mark = MARK.encode()
    data = [tokenizer.token_bytes(token) for token in tokenizer.encode(text if text[:1].isspace() else " " + text)]
    return [(not token.startswith(mark), token.removeprefix(mark)) for token in data]


def names(pattern: str) -> list[str]:
    return [path.name for path in sorted(FOLDER.glob(pattern))]


@pytest.mark.parametrize("name", names("clean_*.json"))
def test_clean_spans_are_those_of_the_definition(name: str) -> None:
    case = _load(name)
    params = case["params"]
    rows = rows_of(case["signals"], params["measure"])
    threshold = None if params["percentile"] is None else threshold_of(rows, params["percentile"])
    assert threshold == pytest.approx(case["threshold"])
    found = continues(rows, params["kind"], threshold)
    assert [[list(span) for span in spans] for spans in spans_of(rows, found)] == case["spans"]
    base = base_tokens(ATOM_BYTE_ORDER, typed=True)
    share, n_base = params["proportion"], len(base) + len(SPECIALS) + 1
    quota = None if share is None else max(0, int(share * params["vocab_size"] - n_base))
    seeded = seeds(
        words_of(rows, found, by_language=params["balance"]), base, quota, typed=True, balanced=params["balance"]
    )
    assert n_base + len(seeded) == case["n_seeded"]


@pytest.mark.parametrize("name", names("clean_*.json"))
def test_clean_vocabularies_and_encodings_are_those_of_the_definition(name: str, tmp_path: Path) -> None:
    case = _load(name)
    model = trained(name, tmp_path)
    entries = [
        entry if isinstance(entry, str) else (bool(entry[0]), bytes.fromhex(entry[1])) for entry in case["vocab"]
    ]
    wanted = [entry for entry in entries if not isinstance(entry, str)]
    assert tokens_of(model) == wanted
    assert len(model.tokens) == len(case["vocab"])
    for encoding in case["encodings"]:
        assert encoded(model, encoding["text"]) == [entries[token] for token in encoding["ids"]]


def published(case: dict[str, Any]) -> list[Token]:
    return [_typed(text) for text in case["vocab"] if text not in (*SPECIALS, UNKNOWN)]


def _typed(text: str) -> Token:
    return (False, string_to_bytes(text[2:])) if text.startswith("##") else (True, string_to_bytes(text))


CURVES = [name for name in names("*__curve_*.json") if "spans" in _load(name)]


@pytest.mark.parametrize("name", CURVES)
def test_compatible_spans_and_their_counts_are_those_of_the_published_code(name: str) -> None:
    case = _load(name)
    params = case["params"]
    rows = rows_of(case["signals"], params["measure"])
    threshold = None if params["percentile"] is None else threshold_of(rows, params["percentile"])
    assert threshold == pytest.approx(case["threshold"])
    spans = reference_spans(rows, "monotonic" if threshold is None else "combined", threshold)
    assert [[list(span) for span in found] for found in spans] == case["spans"]
    counts = reference_counts(rows, spans, set(base_tokens(ATOM_BYTE_ORDER, typed=True)))
    wanted = case["span_frequencies_in_order"]
    if isinstance(wanted, dict):
        for language, pairs in wanted.items():
            assert list(counts[language].items()) == [(_typed(text), count) for text, count in pairs]
        return
    merged: dict[Token, int] = {}
    for own in counts.values():
        for token, count in own.items():
            merged[token] = merged.get(token, 0) + count
    assert list(merged.items()) == [(_typed(text), count) for text, count in wanted]


@pytest.mark.parametrize("name", [name for name in names("*__curve_*.json") if "vocab" in _load(name)])
def test_compatible_vocabularies_and_encodings_are_those_of_the_published_code(name: str, tmp_path: Path) -> None:
    case = _load(name)
    model = trained(name, tmp_path, compat=True)
    assert tokens_of(model) == published(case)
    assert len(model.tokens) == len(case["vocab"])
    for encoding in case["encodings"]:
        assert encoded(model, encoding["text"]) == [_typed(token) for token in encoding["tokens"]]


@pytest.mark.parametrize("name", [name for name in names("*__curve_*.json") if "reference_error" in _load(name)])
def test_what_the_published_code_cannot_do_is_done(name: str, tmp_path: Path) -> None:
    model = trained(name, tmp_path, compat=True)
    params = _load(name)["params"]
    n_wanted = params["vocab_size"] - 770
    spans = reference_spans(rows_of(_load(name)["signals"], params["measure"]), "monotonic", None)
    assert 0 < len(model.tokens) - 770 <= n_wanted
    assert model.exhausted == (len(model.tokens) - 770 < n_wanted)
    assert model.events.count[-1] <= sum(map(len, spans))


INCREMENTS = [name for name in names("*__global_*.json") if "frequency_threshold" in _load(name)["params"]]


@pytest.mark.parametrize("name", INCREMENTS)
@pytest.mark.parametrize("key", ["vocab", "vocab_without_alias_bug"])
def test_increments_are_those_of_the_published_code_and_without_its_fault(name: str, key: str, tmp_path: Path) -> None:
    case = _load(name)
    params = case["params"]
    base = increment_base(ATOM_BYTE_ORDER, typed=True)
    wanted = [_typed(text) for text in case[key] if text not in (*SPECIALS, UNKNOWN)]
    is_reference = key == "vocab"
    rows = rows_of(case["signals"], params["measure"])
    n_base = len(base) + len(SPECIALS) + 1
    found, looks = grown_spans(
        rows,
        base,
        params["vocab_size"] - n_base,
        min_count=params["frequency_threshold"],
        typed=True,
        reference=is_reference,
    )
    assert [*base, *(token for token, _ in found)] == wanted
    model = trained(name, tmp_path, compat=is_reference)
    assert tokens_of(model)[-len(found) :] == wanted[len(base) :]
    assert sorted(tokens_of(model)) == sorted(wanted)
    if not is_reference:
        return
    assert [[n_base + n_found, n_spans] for n_found, n_spans in looks] == [row[1:3] for row in case["stats"]]
    for encoding in case["encodings"]:
        assert encoded(model, encoding["text"]) == [_typed(token) for token in encoding["tokens"]]


def test_no_golden_file_is_left_out() -> None:
    tested = {*names("signals_*.json"), *names("clean_*.json"), *names("*__curve_*.json")}
    assert tested | set(INCREMENTS) == set(names("*.json"))
