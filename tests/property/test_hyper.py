"""Hypertokens and LZW vocabularies on any input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.counts import CountTable
from tokkit.errors import InputError, UsageError
from tokkit.hyper import CodebookManager, HypertokenCodec, HypertokenConfig
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers.lzw import Lzw

POLICIES = st.sampled_from(["freeze", "reset", "lru"])
ROWS = st.lists(st.lists(st.integers(0, 7), max_size=60), max_size=5)


def codec_of(size: int, longest: int, policy: str, disabled: tuple[int, ...] = ()) -> HypertokenCodec:
    return HypertokenCodec(
        HypertokenConfig.model_validate(
            {
                "initial_vocab_size": 8,
                "max_codebook_size": size,
                "max_subtokens": longest,
                "pad_token_id": 8 + size,
                "disabled_ids": disabled,
                "policy": policy,
            }
        )
    )


@given(ROWS, st.integers(0, 12), st.integers(1, 5), POLICIES, st.sampled_from([1, 2, 8]))
def test_round_trip_is_identity(rows: list[list[int]], size: int, longest: int, policy: str, threads: int) -> None:
    codec = codec_of(size, longest, policy, (3,))
    encoded = codec.encode_batch(rows, threads=threads)
    decoded = codec.decode_batch(encoded.lists(), threads=threads)
    assert decoded.lists() == rows
    assert decoded.codebooks == encoded.codebooks
    assert all(code < 8 + size for row in encoded.lists() for code in row)


@given(st.lists(st.integers(0, 7), max_size=80), st.integers(1, 9), POLICIES)
def test_pieces_of_any_size_give_the_same_codes(ids: list[int], step: int, policy: str) -> None:
    codec = codec_of(6, 3, policy)
    row = codec.row("encode")
    codes = [code for start in range(0, len(ids), step) for code in row.push(ids[start : start + step])]
    assert [*codes, *row.finish()] == codec.encode(ids).lists()[0]


@given(st.lists(st.integers(0, 7), max_size=80), st.integers(1, 9))
def test_cutting_a_long_row_loses_no_id(ids: list[int], limit: int) -> None:
    codec = codec_of(6, 3, "freeze")
    chunks = codec.encode_continuous(ids, limit)
    assert [token for chunk in chunks for token in codec.decode(chunk.ids).lists()[0]] == ids
    assert all(len(chunk.ids) == limit for chunk in chunks[:-1])


@given(st.lists(st.integers(0, 20), max_size=40))
def test_any_codes_are_decoded_or_refused(codes: list[int]) -> None:
    for tolerant in (False, True):
        try:
            codec_of(6, 3, "freeze").decode(codes, tolerant=tolerant)
        except InputError:
            continue


@given(ROWS)
def test_a_manager_knows_the_books_of_the_decoder(rows: list[list[int]]) -> None:
    codec = codec_of(6, 3, "freeze")
    codes = codec.encode_batch(rows).lists()
    manager = CodebookManager(codec.config)
    for place in range(max(map(len, codes), default=0)):
        manager.update_codebooks([row[place : place + 1] for row in codes])
    assert not rows or not any(codes) or manager.get_codebooks() == codec.decode_batch(codes).codebooks


@pytest.mark.parametrize("ids", [[1, 8], [1, -1], [2**32], [1, 2**70], ["a"], [1.5]])
def test_what_is_no_base_id_is_refused(ids: list[int]) -> None:
    with pytest.raises(InputError):
        codec_of(6, 3, "freeze").encode(ids)


def test_a_disabled_id_among_the_codes_is_refused() -> None:
    with pytest.raises(UsageError, match="disabled id 9"):
        codec_of(6, 3, "freeze", (9,))


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=8), st.binary(max_size=60))
def test_an_lzw_vocabulary_spells_any_bytes(words: list[bytes], data: bytes) -> None:
    counts = CountTable.from_items([(word, 3) for word in words], pretokenizer="none@1")
    model = Lzw(Lzw.Config(vocab_size=270)).train(counts)
    tokenizer = Tokenizer.from_model(model)
    assert tokenizer.decode_bytes(tokenizer.encode_bytes(data)) == data
