"""The byte language model and ByteSpan against golden signals, spans and vocabularies."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.golden_folder import golden_folder
from tokkit.bytespan.lm import ByteLm
from tokkit.bytespan.rows import Rows
from tokkit.bytespan.spans import continues, spans_of, threshold_of
from tokkit.bytespan.vocabulary import base_tokens, merge_tail, seeds
from tokkit.bytespan.words import Token, words_of
from tokkit.model.vocab import ATOM_BYTE_ORDER

FOLDER = golden_folder() / "trainers2" / "bytespan"
SPECIALS = ("<|padding|>", "<|endoftext|>")


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
    if path.stem.endswith("_bos"):
        pytest.skip("the first signals of this file are made by hand")
    corpus = golden_folder() / "trainers2" / "corpora" / f"{case['lm']['trained_on']}.json"
    texts = json.loads(corpus.read_text(encoding="utf-8"))["docs"]
    # The goldens' model was trained on documents with the space in front that its tokenizer adds.
    documents = [(text if text[:1].isspace() else " " + text).encode() for text in texts]
    model = ByteLm.train(documents, order=case["lm"]["order"])
    rows = [bytes.fromhex(row["bytes_hex"]) for row in case["rows"]]
    surprisal, entropy = model.signals(rows)
    wanted = np.array([value for row in case["rows"] for value in row["surprisal"]])
    assert np.abs(surprisal - wanted).max() < 2e-6
    assert np.abs(entropy - np.array([value for row in case["rows"] for value in row["entropy"]])).max() < 2e-6


@pytest.mark.parametrize("path", sorted(FOLDER.glob("clean_*.json")), ids=lambda path: path.stem)
def test_clean_spans_and_vocabulary_are_those_of_the_definition(path: Path) -> None:
    case = _load(path.name)
    params = case["params"]
    rows = rows_of(case["signals"], params["measure"])
    threshold = None if params["percentile"] is None else threshold_of(rows, params["percentile"])
    assert threshold == pytest.approx(case["threshold"])
    found = continues(rows, params["kind"], threshold)
    assert [[list(span) for span in spans] for spans in spans_of(rows, found)] == case["spans"]
    base = base_tokens(ATOM_BYTE_ORDER, typed=True)
    n_base = len(base) + len(SPECIALS) + 1
    words = words_of(rows, found)
    share, size = params["proportion"], params["vocab_size"]
    quota = None if share is None else max(0, int(share * size - n_base))
    seeded = [token for token, _ in seeds(words, base, quota, typed=True, balanced=params["balance"])]
    assert n_base + len(seeded) == case["n_seeded"]
    known: dict[Token, int] = {token: place for place, token in enumerate([*base, *seeded])}
    tail = [token for token, _ in merge_tail(words, known, seeded, size - n_base - len(seeded), typed=True)]
    wanted = [(bool(entry[0]), bytes.fromhex(entry[1])) for entry in case["vocab"] if isinstance(entry, list)]
    assert [*base, *seeded, *tail][: len(wanted)] == wanted
    assert len(case["vocab"]) == min(size, n_base + len(seeded) + len(tail))
