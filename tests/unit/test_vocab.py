"""Output ids and vocabulary strings of a model in each layout."""

import numpy as np
import pytest

from tokkit.errors import TokenizerError
from tokkit.model import vocab
from tokkit.model.events import Event, Events, Kind
from tokkit.model.model import Alphabet, Model


def byte_model(*merges: tuple[bytes, bytes], specials: tuple[str, ...] = (), layout: str = "tokkit") -> Model:
    tokens = [text.encode() for text in specials] + [bytes([byte]) for byte in vocab.ATOM_BYTE_ORDER]
    rows = []
    for left, right in merges:
        if left + right not in tokens:
            tokens.append(left + right)
        rows.append([tokens.index(left), tokens.index(right), tokens.index(left + right)])
    events = Events.from_merges(np.array(rows, np.uint32).reshape(-1, 3), np.ones(len(rows), np.uint64))
    return Model(
        method="bpe",
        pretokenizer="gpt2@1",
        alphabet=Alphabet(),
        specials=specials,
        n_byte_tokens=0,
        n_atoms=256,
        tokens=tuple(tokens),
        events=events,
        layout=layout,  # type: ignore[arg-type]  # the tests pass a bad layout on purpose
    )


def test_byte_alphabet_is_gpt2s() -> None:
    from tokenizers.pre_tokenizers import ByteLevel

    assert sorted(vocab.BYTE_ALPHABET) == sorted(ByteLevel.alphabet())
    assert vocab.BYTE_ALPHABET[ord(" ")] == "Ġ"
    assert vocab.ATOM_BYTE_ORDER[0] == ord("!")


def test_string_and_bytes_are_inverse_on_every_byte() -> None:
    every = bytes(range(256))
    assert vocab.string_to_bytes(vocab.bytes_to_string(every)) == every


def test_string_outside_the_alphabet_is_refused() -> None:
    with pytest.raises(TokenizerError, match="'▁'"):
        vocab.string_to_bytes("▁a")


def test_tokkit_layout_has_bytes_then_merges_then_specials() -> None:
    model = byte_model((b"a", b"b"), (b"ab", b"c"), specials=("<s>", "</s>"))
    ids = vocab.output_ids(model)
    by_id = {int(ids[i]): token for i, token in enumerate(model.tokens)}
    assert [by_id[i] for i in range(256)] == [bytes([i]) for i in range(256)]
    assert [by_id[i] for i in range(256, 260)] == [b"ab", b"abc", b"<s>", b"</s>"]
    assert vocab.special_ids(model) == {"<s>": 258, "</s>": 259}
    assert vocab.vocab_size(model) == 260


def test_hf_layout_keeps_the_internal_order() -> None:
    model = byte_model((b"a", b"b"), specials=("<s>",), layout="hf")
    assert vocab.output_ids(model).tolist() == list(range(258))
    assert vocab.token_strings(model)[:3] == ["<s>", "!", '"']


def test_special_that_a_merge_spells_has_one_id() -> None:
    model = byte_model((b"t", b"h"), (b"th", b"e"), specials=("<s>", "the"))
    assert vocab.merged_specials(model) == {1}
    assert vocab.special_ids(model) == {"<s>": 257, "the": 258}


def test_one_character_special_is_the_atom_of_its_byte() -> None:
    base = byte_model()
    tokens = (b"!", *(token for token in base.tokens if token != b"!"))
    model = Model("bpe", "gpt2@1", Alphabet(), ("!",), 0, 255, tokens, base.events)
    assert vocab.byte_atoms(model)[ord("!")] == 0
    assert vocab.output_ids(model)[0] == ord("!")
    assert vocab.vocab_size(model) == 256


def test_missing_byte_is_named() -> None:
    base = byte_model()
    tokens = tuple(token for token in base.tokens if token != b"\x07")
    with pytest.raises(TokenizerError, match="0x07"):
        vocab.byte_atoms(Model("bpe", "gpt2@1", Alphabet(), (), 0, 255, tokens, base.events))


def test_absent_tokens_have_no_id_and_leave_no_hole() -> None:
    tokens = (*(bytes([byte]) for byte in vocab.ATOM_BYTE_ORDER), b"ab", b"abc")
    a, b, c = (tokens.index(text) for text in (b"a", b"b", b"c"))
    log = [
        Event(Kind.MERGE, 256, a, b, 9, ()),
        Event(Kind.MERGE, 257, 256, c, 8, ()),
        Event(Kind.SPLIT, 256, 0, 0, 8, (a, b)),
    ]
    model = Model("picky", "gpt2@1", Alphabet(), (), 0, 256, tokens, Events.from_list(log))
    ids = vocab.output_ids(model)
    assert ids[256] == vocab.NOT_IN_VOCAB
    assert ids[257] == 256


def test_sentencepiece_layout_puts_characters_last_by_score() -> None:
    tokens = (b"<unk>", *(bytes([byte]) for byte in range(256)), b"a", b"b", b"ab")
    scores = np.zeros(len(tokens))
    scores[257:260] = [-3.0, -2.0, 0.0]
    events = Events.from_merges(np.array([[257, 258, 259]], np.uint32), np.ones(1, np.uint64))
    alphabet = Alphabet(unit="char", unknown="byte_fallback", unk_token="<unk>")
    model = Model(
        "bpe", "sentencepiece@1", alphabet, ("<unk>",), 256, 2, tokens, events, layout="sentencepiece", scores=scores
    )
    assert vocab.output_ids(model)[257:].tolist() == [259, 258, 257]
    assert vocab.token_strings(model)[:3] == ["<unk>", "<0x00>", "<0x01>"]


def test_given_ids_win_over_the_layout() -> None:
    base = byte_model()
    ids = np.arange(256, dtype=np.uint32)[::-1].copy()
    model = Model("bpe", "gpt2@1", Alphabet(), (), 0, 256, base.tokens, base.events, ids=ids)
    assert vocab.output_ids(model).tolist() == ids.tolist()


def test_suffix_is_spelled_as_it_is() -> None:
    tokens = (*(bytes([byte]) for byte in vocab.ATOM_BYTE_ORDER), " ▁".encode())
    events = Events.from_list([])
    model = Model("bpe", "gpt2@1", Alphabet(suffix="▁"), (), 0, 257, tokens, events)
    assert vocab.token_strings(model)[-1] == "Ġ▁"


def test_unknown_layout_is_refused() -> None:
    with pytest.raises(TokenizerError, match="sideways"):
        vocab.output_ids(byte_model(layout="sideways"))
