"""The Tokenizer: specials, batches, offsets, decoding and its refusals."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.errors import InputError, TokenizerError, UsageError
from tokkit.model.model import Model
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Encodings, Tokenizer

BYTES = tuple(bytes([byte]) for byte in range(256))


def byte_tables(*words: bytes, specials: dict[str, int] | None = None, **changes: object) -> EncoderTables:
    """All bytes and `words`, each made from the left by merges in order; ids as in the layout "tokkit"."""
    tokens = list(BYTES)
    merges = []
    for word in words:
        for end in range(2, len(word) + 1):
            if word[:end] not in tokens:
                tokens.append(word[:end])
                merges.append((tokens.index(word[: end - 1]), word[end - 1], len(tokens) - 1))
    names = {text: len(tokens) + place for place, text in enumerate(specials or {})}
    values = {
        "tokens": tuple(tokens),
        "ids": np.arange(len(tokens), dtype=np.uint32),
        "merges": np.array(merges, np.uint32).reshape(-1, 3),
        "specials": names,
    }
    return EncoderTables(**(values | changes))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tables = byte_tables(
        b" the", b"ing", "é".encode(), specials={"<s>": 0, "<s><t>": 0, "ing": 0}, pretokenizer="gpt2@1"
    )
    return Tokenizer(tables)


@given(st.binary(max_size=200))
def test_round_trip_of_bytes_is_identity(data):
    made = Tokenizer(byte_tables(b"ab", b"\x00\x00", b"\xc3\xa9", pretokenizer="llama-bpe@1"))
    assert made.decode_bytes(made.encode_bytes(data)) == data


@given(st.text(max_size=60))
def test_round_trip_of_text_is_identity(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text), errors="strict") == text
    assert tokenizer.decode(tokenizer.encode(text, allowed_special="all"), errors="strict") == text


def test_specials_are_ordinary_text_unless_allowed(tokenizer):
    special = tokenizer.specials["<s>"]
    assert special not in tokenizer.encode("a<s>b")
    assert tokenizer.encode("a<s>b", allowed_special=["<s>"]) == [ord("a"), special, ord("b")]
    assert tokenizer.encode("a<s>b", allowed_special="all") == [ord("a"), special, ord("b")]


def test_the_longest_allowed_special_wins(tokenizer):
    both = tokenizer.specials["<s><t>"]
    assert tokenizer.encode("<s><t>", allowed_special="all") == [both]
    assert tokenizer.encode("<s><t>", allowed_special=["<s>"])[0] == tokenizer.specials["<s>"]


def test_a_special_is_found_inside_a_word_but_never_spelled(tokenizer):
    assert tokenizer.encode("king", allowed_special="all") == [ord("k"), tokenizer.specials["ing"]]
    assert tokenizer.specials["ing"] not in tokenizer.encode("king")


def test_an_unknown_special_is_refused(tokenizer):
    with pytest.raises(UsageError, match=r"<x>"):
        tokenizer.encode("a", allowed_special=["<x>"])
    with pytest.raises(UsageError, match="collection"):
        tokenizer.encode("a", allowed_special="<s>")


@pytest.mark.parametrize("call", ["encode", "encode_offsets", "encode_batch"])
def test_a_lone_surrogate_is_refused_with_its_place(tokenizer, call):
    text = "ab\ud800c"
    with pytest.raises(InputError, match="character 2 is a lone surrogate"):
        getattr(tokenizer, call)([text] if call == "encode_batch" else text)


def test_a_lone_surrogate_in_a_batch_names_the_text(tokenizer):
    with pytest.raises(InputError, match=r"text 1: character 0"):
        tokenizer.encode_batch(["fine", "\udc00"])


@pytest.mark.parametrize(
    "ids",
    [
        [1, 2, 999_999],
        [1, 2, -1],
        [1, 2, 2**40],
        np.array([1, 2, 999_999], np.uint32),
        np.array([1, 2, -1]),
        (1, 2, "x"),
    ],
)
def test_decode_names_an_unknown_id_and_its_position(tokenizer, ids):
    with pytest.raises(InputError, match="at position 2"):
        tokenizer.decode(ids)


def test_decode_takes_lists_tuples_and_arrays(tokenizer):
    ids = tokenizer.encode("x the")
    for same in (ids, tuple(ids), np.array(ids), np.array(ids, np.uint32), np.array(ids, np.uint16)):
        assert tokenizer.decode(same) == "x the"
    assert tokenizer.decode([]) == ""


def test_half_a_character_decodes_to_a_replacement_or_an_error(tokenizer):
    half = [0xC3, ord("a")]
    assert tokenizer.decode(half) == "\ufffda"
    with pytest.raises(InputError, match="byte 0"):
        tokenizer.decode(half, errors="strict")
    with pytest.raises(UsageError, match="ignore"):
        tokenizer.decode(half, errors="ignore")


def test_token_bytes_refuses_an_unknown_id(tokenizer):
    assert tokenizer.token_bytes(65) == b"A"
    with pytest.raises(InputError, match="4000"):
        tokenizer.token_bytes(4000)


def test_batches_equal_single_texts_for_any_number_of_threads(tokenizer):
    texts = ["", "the king", " the" * 50_000, "é" * 3000, "<s>", "\0"] * 40
    expected = [tokenizer.encode(text) for text in texts]
    for threads in (0, 1, 2, 8):
        batch = tokenizer.encode_batch(texts, threads=threads)
        assert batch.ids.dtype == np.uint32
        assert batch.offsets.dtype == np.uint64
        assert batch.lists() == expected


def test_an_empty_batch_is_empty(tokenizer):
    batch = tokenizer.encode_batch([])
    assert len(batch) == 0
    assert batch.lists() == []


def test_encodings_are_a_sequence_of_arrays():
    rows = Encodings(np.arange(5, dtype=np.uint32), np.array([0, 2, 2, 5], np.uint64))
    assert [row.tolist() for row in rows] == [[0, 1], [], [2, 3, 4]]
    assert rows[-1].tolist() == [2, 3, 4]
    assert len(rows[1:]) == 2
    with pytest.raises(IndexError):
        rows[3]


def test_parts_of_a_character_name_it_whole():
    made = Tokenizer(byte_tables(b"\xa9b", pretokenizer="none@1"))
    encoding = made.encode_offsets("aéb")
    assert encoding.tokens == [b"a", b"\xc3", b"\xa9b"]
    assert encoding.byte_offsets == [(0, 1), (1, 2), (2, 4)]
    assert encoding.char_offsets == [(0, 1), (1, 2), (1, 3)]


def test_offsets_of_a_marked_text_are_those_of_the_text():
    tables = EncoderTables(
        tokens=("▁".encode(), b"a", b"b", "▁a".encode()),
        ids=np.arange(4, dtype=np.uint32),
        merges=np.array([(0, 1, 3)], np.uint32),
        unit="char",
        pretokenizer="metaspace@1",
    )
    encoding = Tokenizer(tables).encode_offsets("b  a")
    assert encoding.ids == [0, 2, 0, 3]
    assert encoding.byte_offsets == [(0, 0), (0, 1), (1, 2), (2, 4)]
    assert Tokenizer(tables).decode(encoding.ids) == "b  a"


def test_offsets_count_specials_too(tokenizer):
    encoding = tokenizer.encode_offsets("é<s>é", allowed_special="all")
    assert encoding.char_offsets == [(0, 1), (1, 4), (4, 5)]
    assert encoding.byte_offsets == [(0, 2), (2, 5), (5, 7)]


def test_words_with_a_suffix_mark_decode_with_spaces():
    tables = EncoderTables(
        tokens=(b"a", b"b", b"a</w>", b"b</w>", b"ab</w>"),
        ids=np.arange(5, dtype=np.uint32),
        merges=np.array([(0, 3, 4)], np.uint32),
        unit="char",
        pretokenizer="whitespace@1",
        suffix="</w>",
    )
    made = Tokenizer(tables)
    assert made.encode("ab aab") == [4, 0, 4]
    assert made.decode([4, 0, 4]) == "ab aab"


def test_words_with_a_prefix_mark_decode_with_spaces():
    tables = EncoderTables(
        tokens=(b"a", b"b", b"##a", b"##b", b"ab"),
        ids=np.arange(5, dtype=np.uint32),
        merges=np.array([(0, 3, 4)], np.uint32),
        unit="char",
        pretokenizer="whitespace@1",
        prefix="##",
    )
    made = Tokenizer(tables)
    assert made.encode("ab aab") == [4, 0, 2, 3]
    assert made.decode(made.encode("ab aab")) == "ab aab"


def test_a_normaliser_is_applied_before_encoding():
    made = Tokenizer(byte_tables("é".encode(), normalizer="nfc"))
    decomposed = unicodedata.normalize("NFD", "é")
    assert made.encode(decomposed) == made.encode("é") == [256]
    assert made.encode_batch([decomposed]).lists() == [[256]]
    assert made.encode_bytes(decomposed.encode()) == [256]
    assert made.encode_offsets(decomposed).char_offsets == [(0, 2)]
    assert made.encode_offsets(decomposed).byte_offsets == [(0, 3)]
    with pytest.raises(InputError, match="byte 0"):
        made.encode_bytes(b"\xff")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": np.array([0] * 256, np.uint32)}, "given twice"),
        ({"ids": np.array([*range(255), 2**31], np.uint32)}, "too large"),
        ({"merges": np.array([(0, 1, 999)], np.uint32)}, "merge 0"),
        ({"inference": "likelihood"}, "scores"),
        ({"inference": "likelihood", "scores": np.zeros(3)}, "3 scores"),
        ({"normalizer": "lowercase"}, "lowercase"),
        ({"specials": {"": 300}}, "empty"),
    ],
)
def test_tables_that_contradict_themselves_are_refused(changes, message):
    with pytest.raises(TokenizerError, match=message):
        Tokenizer(byte_tables(**changes))


def test_an_unknown_mode_is_refused():
    with pytest.raises(UsageError, match="least_tokens"):
        Tokenizer(byte_tables(inference="longest"))


def test_dropout_is_refused_where_nothing_merges(tokenizer):
    with pytest.raises(UsageError, match="dropout"):
        Tokenizer(byte_tables(inference="longest_prefix")).encode("a", dropout=0.5)
    with pytest.raises(UsageError, match="between 0 and 1"):
        tokenizer.encode("a", dropout=1.5)


def test_dropout_depends_on_the_seed_only(tokenizer):
    text = " the king" * 20
    draws = [tokenizer.encode(text, dropout=0.5, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert tokenizer.decode(draws[2]) == text
    batch = tokenizer.encode_batch([text, text], dropout=0.5, seed=1)
    assert batch.lists() == [draws[0], draws[2]]


def test_only_a_tokenizer_of_a_model_can_be_saved(tokenizer, tmp_path):
    with pytest.raises(TokenizerError, match="tables"):
        tokenizer.save_pretrained(tmp_path / "made")


def test_tables_of_a_model_use_output_ids(tmp_path):
    from tokkit.model.events import Events
    from tokkit.model.model import Alphabet
    from tokkit.model.vocab import ATOM_BYTE_ORDER

    atoms = tuple(bytes([byte]) for byte in ATOM_BYTE_ORDER)
    at = {token: 1 + place for place, token in enumerate(atoms)}
    model = Model(
        method="bpe",
        pretokenizer="llama-bpe@1",
        alphabet=Alphabet(),
        specials=("<s>",),
        n_byte_tokens=0,
        n_atoms=256,
        tokens=(b"<s>", *atoms, b"ab"),
        events=Events.from_merges(np.array([(at[b"a"], at[b"b"], 257)], np.uint32), np.ones(1, np.uint64)),
    )
    made = Tokenizer.from_model(model)
    assert made.encode("cab") == [ord("c"), 256]
    assert made.encode("<s>", allowed_special="all") == [257]
    assert made.vocab_size == 258
    made.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "tokkit.json").exists()
