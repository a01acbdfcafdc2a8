"""Hypertokens against the golden streams of zip2zip_compression 0.3.4."""

import json
from functools import cache
from typing import Any

import pytest

from tests.golden_folder import golden_folder
from tokkit.hyper import CodebookManager, HypertokenCodec, HypertokenConfig


@cache
def _vectors() -> dict[str, Any]:
    path = golden_folder() / "trainers2" / "zip2zip" / "lzw_vectors.json"
    if not path.is_file():
        pytest.skip("no golden vectors of hypertokens here")
    vectors: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return vectors


def _config(case: dict[str, Any]) -> HypertokenConfig:
    return HypertokenConfig(
        initial_vocab_size=case["V"],
        max_codebook_size=case["max_codebook_size"],
        max_subtokens=case["max_subtokens"],
        pad_token_id=case["pad"],
        disabled_ids=case["disabled"],
    )


def _book(codes: dict[str, list[int]]) -> dict[int, list[int]]:
    return {int(code): ids for code, ids in codes.items()}


@pytest.mark.parametrize("kind", ["encode", "padding"])
def test_one_row_is_encoded_and_decoded_as_by_the_reference(kind: str) -> None:
    for case in _vectors()[kind]:
        codec = HypertokenCodec(_config(case))
        encoded = codec.encode(case["ids"], **case["kwargs"])
        assert encoded.lists() == [case["codes"]]
        if case["attention_mask"] is not None:
            assert encoded.attention_masks == [case["attention_mask"]]
        assert encoded.codebook().to_dict() == _book(case["codebook"])
        for tolerant in (False, True):
            decoded = codec.decode(case["codes"], tolerant=tolerant)
            assert decoded.lists() == [case["decoded"]]
            assert (decoded.codebook() == encoded.codebook()) == case["decode_codebook_equal"]


def test_a_batch_is_padded_to_the_left_and_has_independent_books() -> None:
    for case in _vectors()["batch"]:
        encoded = HypertokenCodec(_config(case)).encode_batch(case["ids"], padding=case["padding"])
        assert encoded.lists() == case["codes"]
        assert encoded.attention_masks == case["attention_mask"]
        assert [book.to_list() for book in encoded.codebooks] == case["codebooks_unpadded"]
        assert encoded.codebook(0).to_list(use_padding=True) == case["codebook0_padded"]


def test_a_manager_learns_as_the_reference_step_by_step() -> None:
    for case in _vectors()["stream"]:
        manager = CodebookManager(_config(case), ignore_lone_pad=True)
        width = case["max_subtokens"]
        for step in case["steps"]:
            ((flat,), (places,)) = manager.update_codebooks([step["codes"]])
            assert len(flat) == step["flat_len"]
            entries = [flat[start : start + width] for start in range(0, len(places) * width, width)]
            assert (entries, places) == (step["new_entries"], step["new_indices"])
        assert manager.get_codebooks()[0].to_dict() == _book(case["final"])


def test_arbitrary_codes_are_decoded_as_by_the_reference() -> None:
    for case in _vectors()["tolerant_decode"]:
        decoded = HypertokenCodec(_config(case)).decode(case["codes"], tolerant=True)
        assert decoded.lists() == [case["decoded"]]
        assert decoded.codebook().to_dict() == _book(case["codebook"])


def test_text_is_encoded_as_by_the_reference() -> None:
    for case in _vectors()["text"]:
        ids = case.get("ids") or list(case["text"].encode())
        encoded = HypertokenCodec(_config(case)).encode(ids)
        assert encoded.lists() == [case["codes"]]
        found = case["codebook"]
        wanted = list(_book(found).values()) if isinstance(found, dict) else found
        assert encoded.codebook().to_list() == wanted
