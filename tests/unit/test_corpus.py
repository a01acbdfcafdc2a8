"""Reading corpora: every format gives the same texts, and the report says where they came from."""

import gzip
import hashlib
import json

import pytest

from tokkit.corpus import SourceOptions, SourceSpec, read, texts
from tokkit.corpus.hub import parse_id
from tokkit.corpus.paths import format_of
from tokkit.counts import CountConfig, CountTable, count
from tokkit.errors import InputError, NetworkError, UsageError

ROWS = ["first text", 'zweiter\nText, with “quotes” "and" commas', "üçüncü\tmetin", "x" * 200_000]


def texts_of(inputs, **options):
    corpus = read(inputs, options=SourceOptions(**options))
    return [text.decode() for batch in corpus for text in batch.texts()], corpus.report


def write_rows(folder, kind):
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    path = folder / f"rows.{kind}"
    table = pa.table({"id": range(4), "text": ROWS})
    if kind == "jsonl":
        path.write_text("".join(json.dumps({"text": row}) + "\n" for row in ROWS))
    elif kind == "csv":
        path.write_text(
            "id,text\n" + "".join('{},"{}"\n'.format(i, row.replace('"', '""')) for i, row in enumerate(ROWS))
        )
    elif kind == "parquet":
        pa.parquet.write_table(table, path, row_group_size=2)
    elif kind == "feather":
        pa.feather.write_feather(table, str(path))
    elif kind == "arrow":
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return path


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "feather", "arrow"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_format_of_records_gives_the_same_texts(tmp_path, kind, packed):
    path = write_rows(tmp_path, kind)
    if packed:
        packed_path = tmp_path / f"rows.{kind}.gz"
        packed_path.write_bytes(gzip.compress(path.read_bytes()))
        path = packed_path
    found, report = texts_of(path)
    assert found == ROWS
    assert report.documents == 4
    assert report.sources[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_text_files_give_lines_with_their_ends_or_whole_files(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n\ntwo\r\nend")
    assert texts_of(path)[0] == ["one\n", "\n", "two\r\n", "end"]
    assert texts_of(path, unit="document")[0] == ["one\n\ntwo\r\nend"]


def test_tsv_has_no_quotes(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('text\tlanguage\n"half quoted\ten\n')
    assert texts_of(path)[0] == ['"half quoted']


def test_nulls_and_blank_lines_are_left_out_and_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n\n{"text": null}\n')
    found, report = texts_of(path)
    assert found == ["a"]
    assert report.skipped == {"blank line": 1, "`text` is null": 1}


def test_file_lists_count_paths_from_their_folder_and_globs_are_sorted(tmp_path):
    (tmp_path / "data").mkdir()
    for name in "ba":
        (tmp_path / "data" / f"{name}.txt").write_text(name)
    (tmp_path / "list").write_text("# a comment\ndata/b.txt\n\ndata/*.txt\n")
    found, report = texts_of(f"@{tmp_path / 'list'}")
    assert found == ["b", "a", "b"]
    assert any("named more than once" in warning for warning in report.warnings)


def test_folder_of_the_datasets_library_is_read(tmp_path):
    datasets = pytest.importorskip("datasets")
    parts = {"train": datasets.Dataset.from_dict({"text": ROWS}), "test": datasets.Dataset.from_dict({"text": ["t"]})}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "set")
    assert texts_of(tmp_path / "set")[0] == ["t", *ROWS]
    shares = [list(read(tmp_path / "set", rank=rank, world_size=2)) for rank in (0, 1)]
    assert sum(len(batch) for share in shares for batch in share) == 5
    with pytest.raises(InputError, match="no field `body`"):
        texts_of(tmp_path / "set", field="body")


def test_hub_data_set_is_not_opened_offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NetworkError, match="offline") as caught:
        texts_of("hf://datasets/owner/name")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("hf://datasets/a/b", ("a/b", None, None, "train")),
        ("hf://datasets/a/b/en:test", ("a/b", None, "en", "test")),
        ("hf://datasets/a/b@v1:train[:1%]", ("a/b", "v1", None, "train[:1%]")),
    ],
)
def test_hub_ids(path, parts):
    assert parse_id(path) == parts


def test_url_is_read_through_fsspec():
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://corpus/a.jsonl", "wb") as file:
        file.write(b'{"text": "remote"}\n')
    assert texts_of("memory://corpus/a.jsonl")[0] == ["remote"]


def test_format_is_told_by_the_name_below_compression():
    assert [format_of(name) for name in ("a.jsonl.zst", "a.txt", "a.v2.parquet", "a.bin", "a")] == [
        "jsonl", "text", "parquet", None, None,
    ]  # fmt: skip


def test_iterables_and_marked_texts_are_texts_and_lists_are_paths(tmp_path):
    assert texts_of(iter(ROWS))[0] == ROWS
    (tmp_path / "a.txt").write_text("file")
    assert texts_of([tmp_path / "a.txt", texts(ROWS)])[0] == ["file", *ROWS]
    with pytest.raises(UsageError, match="no input"):
        read([])


def test_texts_in_memory_cannot_be_shared_between_tasks():
    with pytest.raises(UsageError, match="cannot be shared"):
        read(iter(["a"]), rank=0, world_size=2)


def test_weight_belongs_to_its_source(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    sources = [SourceSpec(path=str(tmp_path / "a.txt"), weight=3), str(tmp_path / "b.txt")]
    assert dict(count(sources, pretokenizer="none@1")) == {b"a": 3, b"b": 1}


def test_saved_table_is_equal_has_equal_bytes_and_names_its_sources(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("some words and some more\n")
    table = count(path, config=CountConfig(threads=2, track_first=True))
    table.save(tmp_path / "1.parquet")
    count(path, config=CountConfig(threads=1, track_first=True)).save(tmp_path / "2.parquet")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()
    loaded = CountTable.load(tmp_path / "1.parquet")
    assert loaded == table
    assert loaded.raw.first() == table.raw.first()
    assert loaded.pretokenizer == "llama-bpe@1"
    assert loaded.sources[0]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_other_tools_word_counts_are_read_and_added_up(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"word": ["b", "a", "b"], "n": [1, 2, 3]}), tmp_path / "words.parquet")
    (tmp_path / "words.tsv").write_text(f"b\t4\na\t2\nbig\t{2**63 - 1}\n")
    assert dict(CountTable.load(tmp_path / "words.parquet")) == {b"a": 2, b"b": 4}
    assert dict(CountTable.load(tmp_path / "words.tsv")) == {b"a": 2, b"b": 4, b"big": 2**63 - 1}


def test_tables_of_different_pretokenizers_are_not_merged():
    tables = [count(iter(["a"]), pretokenizer=name) for name in ("gpt2@1", "none@1")]
    with pytest.raises(InputError, match="gpt2@1, none@1"):
        CountTable.merge(tables)


def test_numpy_views_hold_the_same_table():
    blob, offsets, counts = CountTable.from_items([(b"bb", 5), (b"a", 2**40)]).numpy()
    assert blob.tobytes() == b"abb"
    assert (offsets.tolist(), counts.tolist()) == ([0, 1, 3], [2**40, 5])
