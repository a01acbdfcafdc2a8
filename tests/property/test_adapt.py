"""What holds of a tokenizer that was specialised to a domain."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.command import tokkit
from tests.oracles.superword_inference import adapted_ids
from tokkit.corpus import texts
from tokkit.counts import count
from tokkit.errors import InputError, TokenizerError
from tokkit.load import load_tokenizer
from tokkit.model.adapted import AdaptedTokenizer, NewToken
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers import TRAINERS
from tokkit.trainers.adapt import AdaptConfig, adapt

GENERAL = ["the cat sat on the mat", "a dog and a cat and a bird", "numbers 12 34 56"] * 5
DOMAIN = ["the court of appeal held that the court of first instance erred in law"] * 8


def base() -> Tokenizer:
    bpe = TRAINERS.get("bpe")
    return Tokenizer.from_model(
        bpe(bpe.Config(vocab_size=300, special_tokens=("<eos>",))).train(count(texts([*GENERAL, *DOMAIN])))
    )


BASE = base()


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(2, 5), st.booleans(), st.booleans(), st.text(max_size=60))
def test_every_text_comes_back(n_new: int, max_n: int, cross_words: bool, grow: bool, text: str) -> None:
    adapted = adapt(BASE, DOMAIN, config=AdaptConfig(n_new=n_new, max_n=max_n, cross_words=cross_words, grow=grow))

    for each in (text, *DOMAIN[:1], *GENERAL[:3]):
        ids = adapted.encode(each)
        assert adapted.decode(ids) == each
        assert set(ids) <= set(adapted.ids)
        assert adapted.encode_batch([each]).lists() == [ids]


def test_the_domain_gets_shorter_and_other_ids_stay() -> None:
    adapted = adapt(BASE, DOMAIN, config=AdaptConfig(n_new=20, max_n=4, cross_words=True))

    assert len(adapted.encode(DOMAIN[0])) < len(BASE.encode(DOMAIN[0]))
    new = {token.id for token in adapted.new_tokens}
    assert new <= set(adapted.removed)
    assert adapted.vocab_size <= BASE.vocab_size
    for token in set(adapted.ids) - new:
        assert adapted.token_bytes(token) == BASE.token_bytes(token)


def test_specials_and_single_characters_are_never_replaced() -> None:
    adapted = adapt(BASE, DOMAIN, config=AdaptConfig(n_new=10_000))

    assert all(len(BASE.token_bytes(token)) > 1 for token in adapted.removed)
    assert not set(adapted.removed) & set(BASE.specials.values())
    assert adapted.encode("a<eos>", allowed_special="all")[-1] == BASE.specials["<eos>"]


def test_the_map_names_old_and_new_tokens() -> None:
    adapted = adapt(BASE, DOMAIN, config=AdaptConfig(n_new=5, cross_words=True))
    content = adapted.to_json()

    for entry in content["new"]:
        spelled = b"".join(BASE.token_bytes(piece) for piece in entry["pieces"])
        assert bytes.fromhex(entry["token"]) == spelled
    for entry in content["removed"]:
        assert bytes.fromhex(entry["token"]) == BASE.token_bytes(entry["id"])


def test_a_saved_folder_reads_back_the_same(tmp_path: Path) -> None:
    adapted = adapt(BASE, DOMAIN, config=AdaptConfig(n_new=20))
    adapted.save(tmp_path / "law")

    again = load_tokenizer(tmp_path / "law")

    assert isinstance(again, AdaptedTokenizer)
    assert again.encode(DOMAIN[0]) == adapted.encode(DOMAIN[0])


def test_a_map_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(TokenizerError, match="not removed"):
        AdaptedTokenizer(BASE, {}, [NewToken(290, (1, 2), 1)])
    with pytest.raises(TokenizerError, match="taken apart"):
        AdaptedTokenizer(BASE, {290: (290,)}, [])


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(2, 5), st.booleans(), st.booleans(), st.binary(max_size=60))
def test_the_compiled_encoder_equals_the_oracle(
    n_new: int, max_n: int, cross_words: bool, grow: bool, data: bytes
) -> None:
    adapted = adapt(BASE, DOMAIN, config=AdaptConfig(n_new=n_new, max_n=max_n, cross_words=cross_words, grow=grow))

    for text in (data, DOMAIN[0].encode() + data + GENERAL[0].encode(), b"the court<eos>of court"):
        ids = adapted.encode_bytes(text, allowed_special="all")
        assert ids == adapted_ids(adapted, BASE.encode_bytes(text, allowed_special="all"))
        assert adapted.decode_bytes(ids) == text


@settings(max_examples=40)
@given(st.integers(1, 40), st.booleans(), st.booleans(), st.text(max_size=30))
def test_offsets_cover_the_text(n_new: int, cross_words: bool, grow: bool, text: str) -> None:
    adapted = adapt(BASE, DOMAIN, config=AdaptConfig(n_new=n_new, max_n=4, cross_words=cross_words, grow=grow))

    for each in (text, DOMAIN[0], GENERAL[0] + "<eos>" + DOMAIN[0]):
        located = adapted.encode_offsets(each, allowed_special="all")
        assert located.ids == adapted.encode(each, allowed_special="all")
        assert [each.encode()[a:b] for a, b in located.byte_offsets] == located.tokens


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_a_batch_has_the_same_ids_on_any_number_of_threads(threads: int) -> None:
    adapted = adapt(BASE, DOMAIN, config=AdaptConfig(n_new=20, max_n=4, cross_words=True))
    batch = [f"{DOMAIN[0]} {GENERAL[place % 15]} {place}" for place in range(4000)]

    assert adapted.encode_batch(batch, threads=threads).lists() == [
        adapted_ids(adapted, ids) for ids in BASE.encode_batch(batch).lists()
    ]


def test_unknown_ids_are_named_with_their_place() -> None:
    adapted = adapt(BASE, DOMAIN, config=AdaptConfig(n_new=20, max_n=2))
    gone = set(adapted.removed) - {made.id for made in adapted.new_tokens}

    for token in (10**6, -1, *sorted(gone)[:1]):
        with pytest.raises(InputError, match=rf"{token} at position 1 is not in the vocabulary"):
            adapted.decode([adapted.ids[0], token])


def test_the_command_line_adapts_and_encodes(tmp_path: Path) -> None:
    (tmp_path / "law.txt").write_text("\n".join(DOMAIN) + "\n", encoding="utf-8")
    BASE.save_pretrained(tmp_path / "base")

    made = tokkit("adapt", "base", "law.txt", "-o", "law", "--n-new", 20, "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    encoded = tokkit("encode", "law", "--text", DOMAIN[0], cwd=tmp_path)
    assert encoded.returncode == 0, encoded.stderr
    decoded = tokkit("decode", "law", cwd=tmp_path, text=encoded.stdout)
    assert decoded.stdout.strip() == DOMAIN[0], decoded.stderr
