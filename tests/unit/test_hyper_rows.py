"""What rows of ids the hypertoken codec takes, and codebooks that are spelt out when asked for."""

import array

import numpy as np
import pytest

from tokkit.errors import InputError, UsageError
from tokkit.hyper import HypertokenCodec, HypertokenConfig

IDS = [1, 2, 1, 2, 1, 2, 9, 1, 2, 1, 3] * 4
CODEC = HypertokenCodec(HypertokenConfig(initial_vocab_size=10, max_codebook_size=8, max_subtokens=3, pad_token_id=9))
WANTED = CODEC.encode(IDS).lists()[0]


@pytest.mark.parametrize(
    "row",
    [
        tuple(IDS),
        np.array(IDS, np.uint32),
        np.array(IDS, np.int64),
        np.array(IDS, np.uint8),
        np.repeat(np.array(IDS, np.uint32), 2)[::2],
        array.array("I", IDS),
        [np.int64(token) for token in IDS],
        range(3),
        [],
    ],
    ids=["tuple", "uint32", "int64", "uint8", "strided", "array", "numpy ints", "range", "empty"],
)
def test_rows_of_any_kind_stand_beside_lists(row: list[int]) -> None:
    own = CODEC.encode(list(map(int, row))).lists()[0]
    assert CODEC.encode_batch([IDS, row, IDS]).lists() == [WANTED, own, WANTED]
    assert CODEC.decode_batch([np.array(own, np.uint32), WANTED]).lists() == [list(row), IDS]


def test_an_array_of_two_dimensions_is_a_row_a_line() -> None:
    rows = np.array([IDS, IDS], np.uint32)
    assert CODEC.encode_batch(rows).lists() == [WANTED, WANTED]  # type: ignore[arg-type]  # a sequence of rows


@pytest.mark.parametrize("row", [[-1], [2**32], [1.5], ["1"], [[1]], np.zeros((1, 2), np.uint32), [2**70]])
def test_what_is_no_row_is_refused_with_its_place(row: list[int]) -> None:
    with pytest.raises(InputError, match="row 1"):
        CODEC.encode_batch([IDS, row])


def test_ids_are_seen_without_a_copy_and_outlive_their_rows() -> None:
    ids = CODEC.encode_batch([IDS] * 50).ids
    assert not ids.flags.writeable
    assert not ids.flags.owndata
    assert ids.tolist() == WANTED * 50


@pytest.mark.parametrize("policy", ["freeze", "reset", "lru"])
def test_the_books_of_both_sides_are_those_of_a_stream(policy: str) -> None:
    codec = HypertokenCodec(CODEC.config.model_copy(update={"policy": policy}))
    encoded = codec.encode_batch([IDS, IDS[:5]])
    stream = codec.row()
    stream.push(IDS)
    stream.finish()
    assert encoded.codebook(0) == stream.codebook()
    assert encoded.codebooks == codec.decode_batch(encoded.lists()).codebooks
    assert encoded.codebooks[1] != encoded.codebooks[0]


def test_the_book_of_a_row_cut_short_has_what_its_last_code_taught() -> None:
    cut = CODEC.encode([1, 2, 3, 4], truncation=True, max_length=2)
    assert cut.lists() == [[1, 2]]
    assert cut.codebook().to_dict() == {10: [1, 2], 11: [2, 3]}


def test_rows_made_without_books_say_so() -> None:
    encoded = CODEC.encode_batch([IDS], with_codebooks=False)
    with pytest.raises(UsageError, match="without codebooks"):
        encoded.codebook()
