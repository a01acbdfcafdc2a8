"""The second reading of a corpus: within a memory budget, and refused where it cannot be."""

from pathlib import Path

import pytest

import tokkit
from tokkit.corpus import texts
from tokkit.counts import CountTable
from tokkit.errors import InputError, UsageError
from tokkit.trainers import TRAINERS

SUPERBPE = TRAINERS.get("superbpe")


LETTERS = str.maketrans("0123456789", "abcdefghij")


def line(place: int) -> str:
    """Numbers are chunks of their own, so the place is spelled in letters."""
    return f"line {place:05}".translate(LETTERS) + " of the text, in words\n"


def corpus(folder: Path, *, n_lines: int = 8000) -> Path:
    path = folder / "text.txt"
    path.write_text("".join(map(line, range(n_lines))), encoding="utf-8")
    return path


def chunks(path: Path, memory_mb: int | None) -> CountTable:
    return SUPERBPE(SUPERBPE.Config(memory_mb=memory_mb)).count_again(str(path))


def test_a_text_beyond_the_budget_is_sampled_all_over_and_said_so(tmp_path: Path) -> None:
    path = corpus(tmp_path)

    whole, sampled = chunks(path, None), chunks(path, 1)

    assert 0.3 < len(sampled) / len(whole) < 0.7
    found = {word for word, _ in sampled}
    places = [place for place in range(8000) if line(place).encode() in found]
    assert len(places) == len(sampled)
    assert min(places) < 100
    assert max(places) > 7900
    assert any("a random sample" in warning for warning in sampled.report.warnings)
    assert chunks(path, 1) == sampled


def test_a_text_within_the_budget_is_read_whole(tmp_path: Path) -> None:
    path = corpus(tmp_path, n_lines=50)

    assert chunks(path, 1) == chunks(path, None)


def test_texts_in_memory_cannot_be_sampled() -> None:
    trainer = SUPERBPE(SUPERBPE.Config(memory_mb=1))

    with pytest.raises(UsageError, match="texts in memory cannot be sampled"):
        trainer.count_again(texts(list(map(line, range(8000)))))


def test_another_corpus_can_be_read_for_the_second_stage(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("only this\n", encoding="utf-8")

    table = SUPERBPE(SUPERBPE.Config(stage2_sources=(str(other),))).count_again(str(corpus(tmp_path)))

    assert dict(table) == {b"only this\n": 1}


def test_tables_of_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    words = CountTable.from_items([(b"a", 1)], pretokenizer="superbpe-paper-words@1")
    trainer = SUPERBPE(SUPERBPE.Config(vocab_size=300))

    with pytest.raises(UsageError, match="reads its text twice"):
        trainer.train(words)
    with pytest.raises(UsageError, match="must be cut by"):
        trainer.train(words, again=words)
    with pytest.raises(UsageError, match="less than"):
        smaller = SUPERBPE(SUPERBPE.Config(vocab_size=100))
        smaller.train(words, again=CountTable.from_items([(b"a b", 1)], pretokenizer="superbpe@1"))
    with pytest.raises(InputError, match="empty"):
        trainer.train(CountTable.from_items([], pretokenizer="superbpe-paper-words@1"))


@pytest.mark.parametrize("sweep", ["0.5,2", "a", "-1"])
def test_a_senseless_sweep_is_refused(sweep: str) -> None:
    with pytest.raises(ValueError, match=r"sweep_transition|could not convert"):
        SUPERBPE.Config(sweep_transition=sweep)


@pytest.mark.slow
def test_a_chunk_of_one_repeated_letter_takes_linear_time() -> None:
    for length in (1000, 200_000):
        chunk = CountTable.from_items([(b"a" * length, 1)], pretokenizer="superbpe@1")
        words = CountTable.from_items([(b"a", 1)], pretokenizer="superbpe-paper-words@1")
        model = SUPERBPE(SUPERBPE.Config(vocab_size=262, inherit_merges=0)).train(words, again=chunk)
        assert [len(token) for token in model.tokens[256:]] == [2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("method", ["superbpe", "boundless", "supertoken"])
def test_texts_of_the_package_are_read_as_often_as_the_method_wants(method: str) -> None:
    lines = ["of the cat and of the dog, in the end of the day"] * 30

    listed = tokkit.train(texts(lines), method=method, vocab_size=290, special_tokens=("<eos>",))
    streamed = tokkit.train(iter(lines), method=method, vocab_size=290, special_tokens=("<eos>",))

    assert listed.tokens == streamed.tokens
    assert any(b" " in token[1:-1] for token in listed.tokens)
