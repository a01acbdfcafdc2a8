"""What holds of superwords over whole words on any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.superword_inference import boundless_ids
from tokkit.corpus import texts
from tokkit.errors import UsageError
from tokkit.model.boundless import BoundlessTokenizer
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers import TRAINERS

TEXTS = st.lists(st.text(alphabet="ab .é", min_size=1, max_size=30).filter(str.strip), min_size=1, max_size=8)
METHODS = st.sampled_from(["boundless", "superbpe-pretoken"])


def train(method: str, documents: list[str], **options: object) -> Model:
    trainer_class = TRAINERS.get(method)
    trainer = trainer_class(trainer_class.Config(**options))
    return trainer.train(trainer.count_words(texts(documents)), again=trainer.count_again(texts(documents)))


@settings(max_examples=25)
@given(METHODS, TEXTS, st.integers(256, 300), st.sampled_from([0.5, 0.7, 1.1]), st.booleans(), st.text(max_size=30))
def test_round_trip_is_identity_with_removed_tokens(
    method: str, documents: list[str], size: int, threshold: float, to_bytes: bool, text: str
) -> None:
    model = train(method, documents, vocab_size=size, threshold=threshold, to_bytes=to_bytes)
    tokenizer = Tokenizer.from_model(model)

    for each in (text, *documents):
        ids = tokenizer.encode(each)
        assert tokenizer.decode(ids) == each
        assert all(token < model.config["vocab_size"] for token in ids)
        located = tokenizer.encode_offsets(each)
        assert [each.encode()[a:b] for a, b in located.byte_offsets] == located.tokens


@settings(max_examples=25)
@given(TEXTS)
def test_without_superwords_the_words_fill_the_vocabulary(documents: list[str]) -> None:
    model = train("boundless", documents, vocab_size=264, merge_pattern="Z", threshold=1.1)
    reference = train("boundless", documents, vocab_size=264, merge_pattern="Z", threshold=1.1, reference=True)

    assert model.config["boundless"]["n_word_events"] == len(model.events) >= len(reference.events)


def test_special_tokens_count_only_where_allowed() -> None:
    model = train("boundless", ["a b a b a b"], vocab_size=260, special_tokens=("<eos>",))
    tokenizer = Tokenizer.from_model(model)

    assert isinstance(tokenizer, BoundlessTokenizer)
    assert len(tokenizer.encode("a<eos>b", allowed_special="all")) == 3
    assert tokenizer.specials["<eos>"] not in tokenizer.encode("a<eos>b")
    assert tokenizer.decode(tokenizer.encode("a<eos>b", allowed_special=("<eos>",))) == "a<eos>b"


def test_a_superword_spans_whole_words() -> None:
    model = train("superbpe-pretoken", ["of the of the, of the"] * 3, vocab_size=262, n_superwords=1)

    first = model.events[model.config["boundless"]["n_word_events"]]
    assert (model.tokens[first.left], model.tokens[first.right]) in {(b"of", b" the"), (b" of", b" the")}


def test_an_artefact_reads_back_as_the_same_tokenizer(tmp_path) -> None:
    from tokkit import artifact

    model = train("boundless", ["ab ab ab. ab ab cab"] * 2, vocab_size=270, threshold=0.5)
    artifact.save(model, tmp_path / "it")
    again = Tokenizer.from_model(artifact.load(tmp_path / "it"))

    assert again.encode("cab ab ab") == Tokenizer.from_model(model).encode("cab ab ab")


def test_a_fraction_of_weight_takes_some_documents() -> None:
    from tokkit.corpus import SourceOptions
    from tokkit.counts import CountConfig

    trainer_class = TRAINERS.get("boundless")
    trainer = trainer_class(trainer_class.Config())
    documents = [f"{letter} b{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    table = trainer.count_again(texts(documents), config=CountConfig(source=SourceOptions(weight=1.5)))

    counts = {count for _, count in table}
    assert (len(table), counts) == (26, {1, 2})


@settings(max_examples=40)
@given(METHODS, TEXTS, st.integers(256, 330), st.sampled_from([0.5, 1.1]), st.binary(max_size=40))
def test_the_compiled_encoder_equals_the_oracle(
    method: str, documents: list[str], size: int, threshold: float, data: bytes
) -> None:
    more = {"transition": 0.85} if method == "superbpe-pretoken" and size > 320 else {}
    model = train(method, documents, vocab_size=size, threshold=threshold, **more)
    tokenizer = Tokenizer.from_model(model)

    for text in (data, *(document.encode() for document in documents), "".join(documents).encode()):
        ids = tokenizer.encode_bytes(text)
        assert ids == boundless_ids(model, text)
        assert tokenizer.decode_bytes(ids) == text


def test_scripts_are_cut_as_in_the_oracle() -> None:
    documents = ["ภาษาไทย ab 漢字 cd ภาษาไทย ab", "ab cd ab cd 漢字漢字"] * 3
    model = train("boundless", documents, vocab_size=330, script_scheme="letters", threshold=1.1)
    tokenizer = Tokenizer.from_model(model)

    for text in documents:
        assert tokenizer.encode(text) == boundless_ids(model, text.encode())
        located = tokenizer.encode_offsets(text)
        assert located.ids == tokenizer.encode(text)
        assert [text.encode()[a:b] for a, b in located.byte_offsets] == located.tokens


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_a_batch_has_the_same_ids_on_any_number_of_threads(threads: int) -> None:
    documents = ["of the end of the day, of the cat"] * 3
    tokenizer = Tokenizer.from_model(train("superbpe-pretoken", documents, vocab_size=275, n_superwords=6))
    batch = [f"of the end {'of the day ' * (place % 7)}{place}" for place in range(3000)]

    assert tokenizer.encode_batch(batch, threads=threads).lists() == [tokenizer.encode(text) for text in batch]


def test_dropout_is_refused() -> None:
    tokenizer = Tokenizer.from_model(train("boundless", ["a b a b"], vocab_size=258))

    with pytest.raises(UsageError, match="dropout is not defined"):
        tokenizer.encode("a b", dropout=0.5)
