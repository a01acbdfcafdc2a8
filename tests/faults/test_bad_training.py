"""Bad input to training, by the rows of the table of bad inputs that need a trainer or the command line."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tokkit.counts import CountTable
from tokkit.trainers import TRAINERS

WORDS = " ".join(f"word{number} and{number % 7}" for number in range(2000))


def tokkit(
    *arguments: object, cwd: Path, stdin: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tokkit", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    file = tmp_path / "corpus.txt"
    file.write_text(WORDS + "\n", encoding="utf-8")
    return file


def folder_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def assert_clean_failure(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "panicked" not in done.stderr
    assert any(line.startswith(("error:", "Error:")) for line in done.stderr.splitlines())
    for word in words:
        assert word in done.stderr


# rows 1 to 5: the same errors reach the command line
def test_empty_file_ends_with_code_3_and_no_output(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    done = tokkit("train", "empty.txt", "-o", "out", cwd=tmp_path)
    assert_clean_failure(done, 3, "empty.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.txt"]


def test_white_space_only_trains_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "blank.txt").write_bytes(b" \n\t\n   \n" * 5)
    done = tokkit("train", "blank.txt", "-o", "out", "--vocab-size", 300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "warning:" in done.stderr


def test_missing_file_ends_with_code_3_and_its_name(tmp_path: Path) -> None:
    assert_clean_failure(tokkit("train", "nowhere.txt", "-o", "out", cwd=tmp_path), 3, "nowhere.txt")


def test_invalid_utf8_ends_with_code_3_file_line_and_byte(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"good line\nbad \xff line\n")
    assert_clean_failure(tokkit("train", "bad.txt", "-o", "out", cwd=tmp_path), 3, "bad.txt:2")


# row 9
@pytest.mark.slow
def test_five_megabytes_of_random_letters_on_one_line_train(tmp_path: Path) -> None:
    letters = bytes(97 + byte % 26 for byte in hashlib.shake_256(b"tokkit").digest(5_000_000))
    (tmp_path / "line.txt").write_bytes(letters + b"\n")
    done = tokkit("train", "line.txt", "-o", "out", "--vocab-size", 2000, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "warning:" in done.stderr
    assert "64 KiB" in done.stderr


# row 10
@pytest.mark.slow
def test_twenty_megabytes_of_one_letter_train_within_half_a_gigabyte(tmp_path: Path) -> None:
    (tmp_path / "line.txt").write_bytes(b"a" * 20_000_000 + b"\n")
    script = (
        "import pathlib, sys; from tokkit.cli import main\n"
        "code = 0\n"
        "try: main(['train', 'line.txt', '-o', 'out', '--vocab-size', '2000'])\n"
        "except SystemExit as stop: code = stop.code\n"
        # Not ru_maxrss, which counts the pages of the process that started this one.
        "peak = pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]\n"
        "print(int(peak) // 1024); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 500


# rows 12 and 13, 14 and 21 of the threats
@pytest.mark.parametrize("size", ["10", "0", "-5", str(2**33), "nan", "1e3"])
def test_impossible_vocabulary_sizes_end_with_code_2(corpus: Path, size: str) -> None:
    done = tokkit("train", corpus, "-o", "out", "--vocab-size", size, cwd=corpus.parent)
    assert_clean_failure(done, 2)
    assert not (corpus.parent / "out").exists()


# row 15
def test_vocabulary_beyond_the_corpus_stops_with_a_warning(corpus: Path) -> None:
    done = tokkit("train", corpus, "-o", "out", "--vocab-size", 100_000, cwd=corpus.parent)
    assert done.returncode == 0, done.stderr
    assert "pairs ran out" in done.stderr


def test_vocabulary_beyond_the_corpus_fails_under_strict(corpus: Path) -> None:
    done = tokkit("train", corpus, "-o", "out", "--vocab-size", 100_000, "--strict", cwd=corpus.parent)
    assert_clean_failure(done, 1)


# row 18
@pytest.mark.parametrize("specials", [["<s>", "<s>"], [""]])
def test_repeated_or_empty_specials_end_with_code_2(corpus: Path, specials: list[str]) -> None:
    options = [part for special in specials for part in ("--special-tokens", special)]
    assert_clean_failure(tokkit("train", corpus, "-o", "out", *options, cwd=corpus.parent), 2, "special")


# row 19
def test_unbalanced_regex_ends_with_code_2_and_a_caret(corpus: Path) -> None:
    done = tokkit("train", corpus, "-o", "out", "--pretokenizer", "regex:(a|b", cwd=corpus.parent)
    assert_clean_failure(done, 2, "(a|b", "^")


# row 20
def test_catastrophic_regex_ends_with_pattern_and_position(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a" * 40 + b"!\n")
    pattern = r"regex:(?:a|aa)+(?!a)(?<=b)"
    assert_clean_failure(
        tokkit("train", "a.txt", "-o", "out", "--pretokenizer", pattern, cwd=tmp_path), 3, "(?:a|aa)+", "byte"
    )


# rows 21 and 22
def test_existing_output_is_refused_and_stays_as_it_was(corpus: Path) -> None:
    assert tokkit("train", corpus, "-o", "out", "--vocab-size", 300, cwd=corpus.parent).returncode == 0
    before = folder_digest(corpus.parent / "out")
    done = tokkit("train", corpus, "-o", "out", "--vocab-size", 400, cwd=corpus.parent)
    assert_clean_failure(done, 2, "--overwrite")
    assert folder_digest(corpus.parent / "out") == before


# row 23
@pytest.mark.parametrize("count", [2**31 + 7, 2**33, 2**53 + 1, 2**60])
def test_pairs_counted_beyond_32_bits_merge_first(count: int) -> None:
    trainer = TRAINERS.get("bpe")
    table = CountTable.from_items([(b"ab", count), (b"cd", count - 1), (b"xy", 5)], pretokenizer="none@1")
    model = trainer(trainer.Config(vocab_size=259)).train(table)
    assert [model.tokens[token] for token in model.events.token.tolist()] == [b"ab", b"cd", b"xy"]
    assert model.events.count.tolist() == [count, count - 1, 5]


def test_counts_that_would_overflow_a_sum_are_refused(tmp_path: Path) -> None:
    (tmp_path / "words.tsv").write_text(f"ab\t{2**62}\nabab\t{2**62}\n", encoding="utf-8")
    done = tokkit("train", "--counts", "words.tsv", "-o", "out", "--vocab-size", 300, cwd=tmp_path)
    assert_clean_failure(done, 3, "2^63")


# row 24
@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_merging_ends_training_with_nothing_left_behind(tmp_path: Path, number: int, code: int) -> None:
    letters = bytes(97 + byte % 26 for byte in hashlib.shake_256(b"tokkit").digest(12_000_000))
    (tmp_path / "line.txt").write_bytes(letters + b"\n")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tokkit",
            "train",
            "line.txt",
            "--progress",
            "json",
            "-o",
            "out",
            "--vocab-size",
            "60000",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if '"merge"' in line or '"count pairs"' in line:
            break
    process.send_signal(number)
    started = time.monotonic()
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == code, "".join(seen) + rest
    assert time.monotonic() - started < 30  # far above the second that it takes, so that a busy machine never decides
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".tmp", ".old")] == []


# rows 25 and 26
def test_threads_hash_seeds_and_file_order_change_nothing(corpus: Path) -> None:
    other = corpus.parent / "other.txt"
    other.write_text("some other words words\n" * 50, encoding="utf-8")
    digests = set()
    for run, (threads, seed) in enumerate([(1, "0"), (2, "1"), (8, "2"), (2, "random")]):
        files = [corpus, other] if run % 2 else [other, corpus]
        options = [
            "--vocab-size",
            400,
            "-j",
            threads,
            "--unit",
            "char",
            "--end-of-word-suffix",
            "</w>",
            "--pretokenizer",
            "whitespace@1",
        ]
        done = tokkit("train", *files, "-o", f"out{run}", *options, cwd=corpus.parent, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        digests.add(hashlib.sha256((corpus.parent / f"out{run}" / "events.parquet").read_bytes()).hexdigest())
    assert len(digests) == 1
