"""What holds of superwords over whole words on any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.corpus import texts
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


def test_fractional_weights_are_refused() -> None:
    from tokkit.corpus import SourceOptions
    from tokkit.counts import CountConfig
    from tokkit.errors import UsageError

    trainer_class = TRAINERS.get("boundless")
    trainer = trainer_class(trainer_class.Config())
    with pytest.raises(UsageError, match="whole numbers"):
        trainer.count_again(texts(["a b"]), config=CountConfig(source=SourceOptions(weight=0.5)))
