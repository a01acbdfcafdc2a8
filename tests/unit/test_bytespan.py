"""The byte language model's file, signals from elsewhere, and the trainer from text to export."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tokkit.bytespan.lm import ByteLm
from tokkit.bytespan.signals_file import read_signals
from tokkit.counts import count
from tokkit.errors import InputError, UsageError
from tokkit.export.fidelity import fidelity
from tokkit.export.hf import export
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers.bytespan import ByteSpan

TEXT = "the cat sat on the mat\nthe dog sat on the log\nétat, états\n" * 20


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_saved_model_gives_the_same_signals(tmp_path: Path) -> None:
    model = ByteLm.train([TEXT.encode()], order=4)
    model.save(tmp_path / "lm")
    again = ByteLm.load(tmp_path / "lm")
    for ours, theirs in zip(model.signals([b"the hat", b""]), again.signals([b"the hat", b""], threads=8), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lm"
    ByteLm.train([b"some text"], order=2).save(path)
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="checksum"):
        ByteLm.load(path)


def test_pruning_leaves_out_rare_long_ngrams() -> None:
    whole = ByteLm.train([b"abcabcabd"], order=4)
    assert len(ByteLm.train([b"abcabcabd"], order=4, min_count=2)) < len(whole)


def test_a_row_of_signals_must_be_as_long_as_its_document(tmp_path: Path) -> None:
    path = tmp_path / "signals.parquet"
    pq.write_table(pa.table({"document": ["ab", "é"], "entropy": [[1.0, 2.0], [1.0]]}), path)
    with pytest.raises(InputError, match="row 1: 2 bytes with 1 values"):
        read_signals(path, "entropy")


@pytest.mark.parametrize("build", ["seeding", "frequency"])
def test_the_plain_export_is_exact(corpus: Path, tmp_path: Path, build: str) -> None:
    words = count([str(corpus)], pretokenizer="llama-bpe@1")
    trainer = ByteSpan(ByteSpan.Config.model_validate({"vocab_size": 300, "build": build}))
    model = trainer.train(words, again=trainer.count_again([str(corpus)]))
    export(model, tmp_path)
    assert fidelity(model, tmp_path / "tokenizer.json", words).is_exact
    tokenizer = Tokenizer.from_model(model)
    long = "the cat " + "a" * 500
    assert tokenizer.decode(tokenizer.encode(long)) == long


def test_words_alone_are_refused(corpus: Path) -> None:
    words = count([str(corpus)], pretokenizer="llama-bpe@1")
    with pytest.raises(UsageError, match="whole documents"):
        ByteSpan(ByteSpan.Config(vocab_size=300)).train(words)
