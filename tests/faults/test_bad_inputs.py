"""Bad input to reading and counting: each row of the table of bad inputs that concerns it, by number.

Rows that need a trainer or the command line (9 and 10 to the end, 12-15, 18-20, 21, 22, 24) are tested beside those.
"""

import bz2
import gzip
import lzma
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tokkit.corpus import SourceOptions, SourceSpec, texts
from tokkit.counts import CountConfig, CountTable, count
from tokkit.errors import InputError, ResourceError, UsageError

ONE = CountConfig(threads=1)


def tally(inputs, scheme="whitespace@1", **options):
    return dict(count(inputs, pretokenizer=scheme, config=CountConfig(threads=2, **options)))


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# row 1
def test_empty_file_is_an_input_error_that_names_it(tmp_path):
    file = write(tmp_path / "empty.txt", b"")
    with pytest.raises(InputError, match=r"empty\.txt: no text") as caught:
        count(file)
    assert caught.value.exit_code == 3


def test_empty_iterable_is_an_input_error():
    with pytest.raises(InputError, match="no text"):
        count(iter([]))


def test_one_empty_file_among_others_is_a_warning(tmp_path):
    write(tmp_path / "a.txt", b"")
    write(tmp_path / "b.txt", b"word\n")
    table = count(tmp_path, pretokenizer="whitespace@1")
    assert dict(table) == {b"word": 1}
    assert any("a.txt: holds no text" in warning for warning in table.report.warnings)


# row 2
@pytest.mark.parametrize("scheme", ["llama-bpe@1", "whitespace@1", "metaspace@1"])
def test_white_space_only_counts_with_a_warning(tmp_path, scheme):
    table = count(write(tmp_path / "blank.txt", b" \n\t\n   \n"), pretokenizer=scheme)
    assert any("white space" in warning for warning in table.report.warnings)


# row 3
def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.txt: no such file"):
        count(tmp_path / "nowhere.txt")


def test_missing_file_in_a_list_of_files_is_named(tmp_path):
    write(tmp_path / "files.list", b"nowhere.txt\n")
    with pytest.raises(InputError, match=r"nowhere\.txt: no such file"):
        count(f"@{tmp_path / 'files.list'}")


def test_glob_without_match_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no file matches"):
        count(str(tmp_path / "*.txt"))


# row 4
def test_folder_is_read_recursively(tmp_path):
    (tmp_path / "in" / "ner").mkdir(parents=True)
    write(tmp_path / "a.txt", b"one two\n")
    write(tmp_path / "in" / "ner" / "b.jsonl", b'{"text": "two"}\n')
    write(tmp_path / "in" / "picture.png", b"\x89PNG")
    table = count(tmp_path, pretokenizer="whitespace@1")
    assert dict(table) == {b"one": 1, b"two": 2}
    assert table.report.skipped == {"file of an unknown kind in a folder": 1}


def test_folder_without_readable_files_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no file of a known kind"):
        count(tmp_path)


# row 5
def test_invalid_utf8_stops_with_file_line_and_byte(tmp_path):
    file = write(tmp_path / "bad.txt", b"good\nbad \xff here\n")
    with pytest.raises(InputError, match=r"bad\.txt:2:5: invalid UTF-8, got byte 0xff"):
        count(file)


def test_invalid_utf8_is_found_behind_many_blocks(tmp_path):
    file = write(tmp_path / "bad.txt", b"0123456789\n" * 300_000 + b"ab\xc3\n")
    with pytest.raises(InputError, match=r"bad\.txt:300001:3: invalid UTF-8, got byte 0xc3"):
        count(file)


def test_invalid_utf8_in_a_whole_file_document(tmp_path):
    file = write(tmp_path / "bad.txt", b"good\nb\x80d\n")
    with pytest.raises(InputError, match=r"bad\.txt:2:2"):
        count(SourceSpec(path=str(file), unit="document"))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("replace", {b"good": 2, "b\ufffdd".encode(): 1, b"x": 1}),
        ("skip", {b"good": 2}),
        ("bytes", {b"good": 2, b"b\xffd": 1, b"x": 1}),
    ],
)
@pytest.mark.parametrize("kind", ["txt", "csv", "jsonl", "parquet"])
def test_invalid_utf8_policies_say_what_they_did(tmp_path, policy, expected, kind):
    rows = [b"good", b"b\xffd x", b"good"]
    if kind == "parquet":
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"text": pa.array(rows, pa.binary())}), tmp_path / "a.parquet")
    elif kind == "jsonl":
        write(tmp_path / "a.jsonl", b"".join(b'{"text": "%s"}\n' % row for row in rows))
    else:
        write(tmp_path / f"a.{kind}", b"\n".join([b"text", *rows][kind == "txt" :]) + b"\n")
    config = CountConfig(threads=1, source=SourceOptions(invalid_utf8=policy))
    table = count(tmp_path / f"a.{kind}", pretokenizer="whitespace@1", config=config)
    assert dict(table) == expected
    assert sum(table.report.skipped.values()) + sum(table.report.changed.values()) > 0


# row 6
def test_nul_bytes_are_kept_and_reported(tmp_path):
    table = count(write(tmp_path / "nul.txt", b"a\0b c\n"), pretokenizer="whitespace@1")
    assert dict(table) == {b"a\0b": 1, b"c": 1}
    assert table.report.sources[0].nul == 1


# row 7
def test_byte_order_mark_is_dropped_once_and_cr_lf_kept_and_both_reported(tmp_path):
    file = write(tmp_path / "win.txt", b"\xef\xbb\xbfone\r\n\xef\xbb\xbftwo\r\n")
    table = count(file, pretokenizer="none@1")
    assert dict(table) == {b"one\r\n": 1, b"\xef\xbb\xbftwo\r\n": 1}
    source = table.report.sources[0]
    assert (source.has_bom, source.crlf) == (True, 2)
    assert any("CR LF" in warning for warning in table.report.warnings)


# row 8
@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, "zstd"], ids=["gzip", "bzip2", "xz", "zstd"]
)
def test_compressed_file_is_read_whatever_its_name(tmp_path, pack):
    if pack == "zstd":
        pa = pytest.importorskip("pyarrow")

        def pack(data):
            return pa.compress(data, codec="zstd", asbytes=True)

    data = pack(b"one two\n") + pack(b"two\n")  # joined members are one file
    table = count(write(tmp_path / "plain.txt", data), pretokenizer="whitespace@1")
    assert dict(table) == {b"one": 1, b"two": 2}
    assert table.report.sources[0].compression is not None


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_file_cut_short_is_an_error(tmp_path, pack):
    data = pack(os.urandom(30_000).hex().encode())
    with pytest.raises(InputError, match=r"a\.txt\.z: damaged or cut short"):
        count(write(tmp_path / "a.txt.z", data[:-3000]))


def test_damaged_gzip_is_an_error(tmp_path):
    data = bytearray(gzip.compress(os.urandom(30_000).hex().encode()))
    data[15_000] ^= 0xFF
    with pytest.raises(InputError, match="damaged"):
        count(write(tmp_path / "a.gz", bytes(data)))


@pytest.mark.slow
def test_compression_bomb_is_stopped_and_max_ratio_lets_it_pass(tmp_path):
    file = write(tmp_path / "bomb.txt.gz", gzip.compress((b"a" * 1023 + b"\n") * (80 << 10), 9))
    with pytest.raises(InputError, match=r"bomb\.txt\.gz: gzip data expand \d+ times"):
        count(file)
    config = CountConfig(source=SourceOptions(max_ratio=2000))
    table = count(file, pretokenizer="whitespace@1", config=config)
    assert dict(table) == {b"a" * 1023: 80 << 10}
    assert any("expand more than 50 times" in warning for warning in table.report.warnings)


@pytest.mark.parametrize("magic", [b"PK\x03\x04", b"PAR1", b"%PDF-1.7", b"\xff\xfea\0"])
def test_file_that_is_no_text_is_refused_with_a_way_out(tmp_path, magic):
    with pytest.raises(InputError, match=r"a\.txt") as caught:
        count(write(tmp_path / "a.txt", magic + bytes(40)))
    assert caught.value.hint


# rows 9 and 10, the counting part
def test_line_without_word_breaks_is_counted_with_a_warning(tmp_path):
    table = count(write(tmp_path / "long.txt", b"a" * (20 << 20)), config=ONE)
    assert dict(table) == {b"a" * (20 << 20): 1}
    assert any("longer than 64 KiB" in warning for warning in table.report.warnings)


# row 11
def test_lone_surrogate_in_an_iterable_is_named_by_index():
    with pytest.raises(InputError, match=r"item 2: lone surrogate U\+D800"):
        count(iter(["a", "b", "c\ud800"]))


@pytest.mark.parametrize(("policy", "expected"), [("replace", "a\ufffd".encode()), ("bytes", b"a\xed\xa0\x80")])
def test_lone_surrogate_policies(policy, expected):
    config = CountConfig(source=SourceOptions(invalid_utf8=policy))
    assert dict(count(iter(["a\ud800"]), pretokenizer="none@1", config=config)) == {expected: 1}


# row 16
def test_exception_of_the_iterator_passes_unchanged_with_its_index():
    def items():
        yield "a"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        count(items())
    assert caught.value.__notes__ == ["raised by iterable at item 1"]


# row 17
@pytest.mark.parametrize("item", [b"bytes", None, 7, ["nested"]])
def test_item_that_is_no_str_is_named_by_index_and_type(item):
    with pytest.raises(InputError, match=rf"item 1 is {type(item).__name__}, expected str"):
        count(texts(["a", item]))


def test_list_of_texts_is_told_apart_from_a_list_of_paths():
    with pytest.raises(InputError, match="no such file") as caught:
        count(["to be or not to be"])
    assert "texts(" in caught.value.hint


# row 18
@pytest.mark.parametrize("specials", [("<s>", "<s>"), ("",)])
def test_empty_or_repeated_specials_are_refused(specials):
    with pytest.raises(UsageError, match="special token"):
        count(iter(["a"]), config=CountConfig(specials=specials))


# row 23
def test_counts_above_32_bits_are_exact():
    big = 2**33 + 1
    table = CountTable.merge([CountTable.from_items([(b"aa", big)]), CountTable.from_items([(b"aa", big), (b"b", 1)])])
    assert dict(table) == {b"aa": 2 * big, b"b": 1}


def test_sum_above_64_bits_is_an_error_not_a_wrap():
    tables = [CountTable.from_items([(b"a", 2**63)]), CountTable.from_items([(b"a", 2**63)])]
    with pytest.raises(InputError, match="2\\^64 - 1"):
        CountTable.merge(tables)


def test_weights_count_above_64_bits_is_an_error():
    config = CountConfig(threads=1, source=SourceOptions(weight=2.0**63))
    with pytest.raises(InputError, match="2\\^64 - 1"):
        count(iter(["a a a"]), config=config, pretokenizer="whitespace@1")


# row 24, the counting part
def test_interrupt_ends_counting_within_a_second(tmp_path):
    script = textwrap.dedent(
        """
        import itertools, sys
        from tokkit.counts import count
        print("ready", flush=True)
        count(f"word{i} and more words" for i in itertools.count())
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.2)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert time.monotonic() - start < 1
    assert b"KeyboardInterrupt" in errors
    assert process.returncode != 0


# rows 25 and 26 are properties: see tests/property/test_counting.py


# records
@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", b'{"text": "ok"}\n{"text": \n', r"a\.jsonl:2:\d+: not JSON"),
        ("a.jsonl", b'{"body": "ok"}\n', r"a\.jsonl:1: no field `text`"),
        ("a.jsonl", b'{"text": 5}\n', r"a\.jsonl:1: field `text` is int"),
        ("a.jsonl", b"[1]\n", r"a\.jsonl:1: expected a JSON object, got list"),
        ("a.jsonl", b"[" * 100_000 + b"\n", r"a\.jsonl:1.*not JSON"),
        ("a.jsonl", b'{"text": "\\ud800"}\n', r"a\.jsonl:1: lone surrogate"),
        ("a.csv", b"id,body\n1,x\n", r"a\.csv:1: no column `text`"),
        ("a.csv", b"id,text\n1,x,y\n", r"a\.csv:2: 3 cells, expected 2"),
        ("a.csv", b'text\n"open\n', r"a\.csv:\d+: not csv"),
        ("a.csv", b"text\nok\nb\xffd\n", r"a\.csv:3:2: invalid UTF-8"),
        ("a.parquet", b"PAR1 but no more", r"a\.parquet: not a readable parquet file"),
        ("a.arrow", b"ARROW1 but no more", r"a\.arrow: not a readable arrow file"),
    ],
)
def test_bad_record_is_named_by_file_and_line(tmp_path, name, data, message):
    with pytest.raises(InputError, match=message):
        count(write(tmp_path / name, data))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"word", "expected word<TAB>count"),
        (b"word\tx", "count must be"),
        (b"word\t0", "count must be"),
        (b"word\t-1", "count must be"),
        (b"word\t9223372036854775808", "count must be"),
        (b"\t5", "empty word"),
        (b"", "expected word"),
    ],
)
def test_bad_word_count_is_named_by_line(tmp_path, line, message):
    with pytest.raises(InputError, match=rf"words\.tsv:2: {message}"):
        CountTable.load(write(tmp_path / "words.tsv", b"fine\t1\n" + line + b"\n"))


def test_damaged_count_table_is_refused(tmp_path):
    path = tmp_path / "counts.parquet"
    CountTable.from_items([(b"word", 3)]).save(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"counts\.parquet: not a readable count table"):
        CountTable.load(path)


def test_existing_count_table_is_not_overwritten_unasked(tmp_path):
    path = tmp_path / "counts.parquet"
    table = CountTable.from_items([(b"word", 3)])
    table.save(path)
    with pytest.raises(UsageError, match="exists already"):
        table.save(path)


# row 21, the counting part
def test_full_disk_leaves_the_old_count_table_as_it_was(tmp_path):
    path = tmp_path / "counts.parquet"
    CountTable.from_items([(b"old", 3)]).save(path)
    before = path.read_bytes()
    script = textwrap.dedent(
        f"""
        import resource, signal
        from tokkit.counts import CountTable
        from tokkit.errors import ResourceError
        table = CountTable.from_items([(str(i * 7919).encode(), i + 1) for i in range(100_000)])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        try:
            table.save({str(path)!r}, overwrite=True)
        except ResourceError as error:
            assert "counts.parquet" in str(error)
            raise SystemExit(error.exit_code)
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 5, done.stderr
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_spill_folder_that_cannot_be_written_is_a_resource_error(tmp_path):
    config = CountConfig(threads=1, memory_mb=1, spill_dir=str(tmp_path / "missing"))
    with pytest.raises(ResourceError, match="missing: cannot write a temporary file"):
        count((f"{i * 2654435761:x}" for i in range(200_000)), config=config)


@pytest.mark.parametrize("text", ["a text that is no path " * 200, "a text with stars * in it " * 200, "a\0b"])
def test_a_text_given_for_a_path_is_told(text):
    with pytest.raises(InputError, match="no such file or folder|no file matches") as raised:
        count([text], config=ONE)
    assert len(str(raised.value)) < 400
