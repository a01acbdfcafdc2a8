"""What holds of superword training on any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import superword as oracle
from tokkit.counts import CountTable
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers import TRAINERS

SUPERBPE = TRAINERS.get("superbpe")
BPE = TRAINERS.get("bpe")

# Few letters make the many ties, repeats and second derivations that real text has in a gigabyte.
TEXTS = st.lists(st.text(alphabet="ab :.\n", min_size=1, max_size=24), min_size=1, max_size=12)


def tables(texts: list[str], generation: str = "paper") -> tuple[CountTable, CountTable]:
    trainer = SUPERBPE(SUPERBPE.Config(generation=generation))
    made = []
    for scheme in (trainer.default_pretokenizer(), trainer.second_pretokenizer()):
        cut = [(piece, 1) for text in texts for piece in oracle.pretokens(text.encode(), scheme)]
        made.append(CountTable.from_items(cut, pretokenizer=scheme))
    return made[0], made[1]


def train(texts: list[str], **options: object) -> Model:
    words, chunks = tables(texts, str(options.get("generation", "paper")))
    return SUPERBPE(SUPERBPE.Config(**options)).train(words, again=chunks)


def merges(model: Model) -> list[tuple[bytes, bytes]]:
    return [(model.tokens[left], model.tokens[right]) for left, right, _ in model.events.merges().tolist()]


@settings(max_examples=25)
@given(TEXTS, st.integers(0, 12), st.integers(1, 30), st.sampled_from([None, 2, 3]), st.integers(0, 3))
def test_training_equals_recounting_everything(
    texts: list[str], n_inherited: int, n_more: int, max_words: int | None, min_frequency: int
) -> None:
    words, chunks = tables(texts)
    options = {
        "vocab_size": 256 + n_inherited + n_more,
        "inherit_merges": n_inherited,
        "max_words": max_words,
        "min_frequency": min_frequency,
    }
    trainer = SUPERBPE(SUPERBPE.Config(**options))
    model = trainer.train(words, again=chunks)
    n = model.config["n_inherited"]
    inherited = merges(model)[:n]
    n_tokens = len({*model.tokens[:256], *(left + right for left, right in inherited)})

    expected = oracle.second_stage(
        dict(chunks),
        inherited=inherited,
        ids=model.tokens[:n_tokens],
        n_tokens=trainer.config.vocab_size,
        is_allowed=lambda token: (
            b": " not in token and (max_words is None or sum(bool(word) for word in token.split(b" ")) <= max_words)
        ),
        min_frequency=min_frequency,
    )

    assert merges(model)[n:] == expected


@settings(max_examples=25)
@given(TEXTS, st.integers(0, 10), st.integers(1, 25), st.sampled_from([1, 2, 3, 5, 100]))
def test_cutting_rare_neighbours_apart_changes_nothing(
    texts: list[str], n_inherited: int, n_more: int, bound: int
) -> None:
    options = {"vocab_size": 256 + n_inherited + n_more, "inherit_merges": n_inherited, "forbid": ()}

    assert merges(train(texts, **options, bound=bound)) == merges(train(texts, **options, bound=0))


@settings(max_examples=25)
@given(st.binary(min_size=40, max_size=400), st.integers(0, 5), st.sampled_from([2, 3, 4]), st.integers(0, 40))
def test_cutting_is_exact_on_dense_texts(seed: bytes, n_inherited: int, n_letters: int, bound: int) -> None:
    # Words without spaces: tokens overlap in all ways, and a bound of 40 is above most counts.
    text = "".join("abcd"[byte % n_letters] for byte in seed)
    pieces = [text[i : i + 13] for i in range(0, len(text), 13)]
    options = {"vocab_size": 296, "inherit_merges": n_inherited, "max_words": None}

    assert merges(train(pieces, **options, bound=bound)) == merges(train(pieces, **options, bound=0))


@settings(max_examples=25)
@given(TEXTS)
def test_threads_change_nothing(texts: list[str]) -> None:
    options = {"vocab_size": 290, "inherit_merges": 10}

    assert len({tuple(merges(train(texts, **options, threads=threads))) for threads in (1, 2, 8)}) == 1


@settings(max_examples=25)
@given(TEXTS, st.integers(1, 20))
def test_strict_inheritance_keeps_the_first_stage(texts: list[str], n_inherited: int) -> None:
    words, _ = tables(texts)
    first = BPE(BPE.Config(vocab_size=256 + n_inherited)).train(words)

    model = train(texts, vocab_size=300, inherit_merges=n_inherited)

    n = len(first.tokens)
    assert model.tokens[:n] == first.tokens
    assert merges(model)[: len(first.events)] == merges(first)


@settings(max_examples=25)
@given(TEXTS, st.integers(1, 3), st.integers(2, 9))
def test_no_superword_breaks_a_rule(texts: list[str], max_words: int, max_bytes: int) -> None:
    options = {
        "inherit_merges": 4,
        "max_words": max_words,
        "max_bytes": max_bytes,
        "forbid": ("a:", ". "),
        "forbid_newline": True,
    }

    model = train(texts, vocab_size=320, **options)

    for left, right in merges(model)[model.config["n_inherited"] :]:
        token = left + right
        assert len(token) <= max_bytes
        assert not any(text in token for text in (b"\n", b"a:", b". "))
        assert sum(bool(word) for word in token.split(b" ")) <= max_words


@settings(max_examples=25)
@given(st.lists(st.text(alphabet="aé漢 ", min_size=1, max_size=20), min_size=1, max_size=8))
def test_superwords_hold_whole_characters_when_asked(texts: list[str]) -> None:
    model = train(texts, vocab_size=330, inherit_merges=3, whole_utf8=True)

    for left, right in merges(model)[model.config["n_inherited"] :]:
        (left + right).decode()


@settings(max_examples=25)
@given(TEXTS, st.text(max_size=40))
def test_round_trip_is_identity(texts: list[str], text: str) -> None:
    tokenizer = Tokenizer.from_model(train(texts, vocab_size=300, inherit_merges=8, special_tokens=("<eos>",)))

    assert tokenizer.decode(tokenizer.encode(text)) == text


@settings(max_examples=25)
@given(TEXTS, st.text(alphabet="ab :.\n", max_size=40))
def test_encoding_is_plain_bpe_on_the_chunks(texts: list[str], text: str) -> None:
    model = train(texts, vocab_size=310, inherit_merges=8)
    tokenizer = Tokenizer.from_model(model)

    tokens = [tokenizer.token_bytes(token) for token in tokenizer.encode(text)]

    pieces = oracle.pretokens(text.encode(), model.pretokenizer)
    assert tokens == [token for piece in pieces for token in oracle.encode(piece, merges(model))]


def test_counts_beyond_32_bits_are_exact() -> None:
    chunks = CountTable.from_items([(b"a b", 3 * 2**33), (b"c d", 2**34)], pretokenizer="superbpe@1")
    words = CountTable.from_items([(b"a", 1)], pretokenizer="superbpe-paper-words@1")

    model = SUPERBPE(SUPERBPE.Config(vocab_size=258, inherit_merges=0)).train(words, again=chunks)

    assert model.events.count.tolist() == [3 * 2**33, 3 * 2**33]


def test_tokens_of_the_training_text_are_counted() -> None:
    texts = ["a b a b", "a b", "ab ab ab"]
    words, chunks = tables(texts)
    points = SUPERBPE(SUPERBPE.Config(vocab_size=262, sweep_transition="0.98,0.99,1")).sweep(words, chunks)
    for point in points:
        tokenizer = Tokenizer.from_model(point.model)
        n_tokens = sum(len(tokenizer.encode_bytes(chunk)) * n for chunk, n in chunks)
        assert point.tokens_per_byte == pytest.approx(n_tokens / sum(len(chunk) * n for chunk, n in chunks))
