"""The artefact folder: what is written comes back, twice the same, and nothing else is believed."""

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.golden_models import folder_digest, golden_model, golden_names
from tokkit import artifact
from tokkit.artifact.folder import Source
from tokkit.errors import ResourceError, TokenizerError, UsageError
from tokkit.model.events import Event, Events, Kind
from tokkit.model.model import Alphabet, Model
from tokkit.model.vocab import ATOM_BYTE_ORDER


def assert_equal_models(left: Model, right: Model) -> None:
    for field in fields(Model):
        if field.name == "events":
            continue
        one, two = getattr(left, field.name), getattr(right, field.name)
        assert np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two, field.name
    assert list(left.events) == list(right.events)


@pytest.mark.parametrize("name", golden_names())
def test_loaded_model_is_the_saved_one(name: str, tmp_path: Path) -> None:
    model = golden_model(name)
    artifact.save(model, tmp_path / "tok", exports=())
    assert_equal_models(artifact.load(tmp_path / "tok"), model)


def test_every_kind_of_event_ids_and_scores_come_back(tmp_path: Path) -> None:
    tokens = (*(bytes([byte]) for byte in ATOM_BYTE_ORDER), b"ab", b"abc", b"span")
    log = [
        Event(Kind.MERGE, 256, 1, 2, 2**40, ()),
        Event(Kind.MERGE, 257, 256, 3, 8, ()),
        Event(Kind.SPLIT, 256, 0, 0, 8, (1, 2)),
        Event(Kind.ADMIT, 258, 0, 0, 5, ()),
        Event(Kind.FLAG, 257, 0, 0, 8, ()),
        Event(Kind.UNFLAG, 257, 0, 0, 8, ()),
    ]
    tokens = tuple(
        tokens[1] + tokens[2] if t == b"ab" else tokens[1] + tokens[2] + tokens[3] if t == b"abc" else t for t in tokens
    )
    model = Model(
        method="picky",
        pretokenizer="gpt2@1",
        alphabet=Alphabet(),
        specials=(),
        n_byte_tokens=0,
        n_atoms=256,
        tokens=tokens,
        events=Events.from_list(log),
        inference="longest_prefix",
        scores=np.linspace(-1, 0, len(tokens)),
        ids=np.arange(len(tokens), dtype=np.uint32)[::-1].copy(),
        exhausted=True,
        config={"threshold": 0.9, "name": "ı"},
    )
    artifact.save(model, tmp_path / "tok", exports=())
    assert_equal_models(artifact.load(tmp_path / "tok"), model)


def test_same_model_gives_the_same_bytes_wherever_it_is_written(tmp_path: Path) -> None:
    model = golden_model("p3_byte_v1000_mf5_special", "tokkit")
    for name in ("one", "two"):
        artifact.save(
            model,
            tmp_path / name,
            counts_digest="0" * 64,
            recipe_text="recipe = 1\n",
            sources=[Source("a.txt", "1" * 64)],
        )
    one = folder_digest(tmp_path / "one")
    assert one == folder_digest(tmp_path / "two")
    wanted = {"tokkit.json", "events.parquet", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "README.md"}
    assert set(one) == wanted | {"recipe.lock.toml"}


def test_manifest_and_card_say_what_it_is(tmp_path: Path) -> None:
    model = replace(golden_model("p3_byte_v1000_mf5_special", "tokkit"), config={"vocab_size": 1000})
    artifact.save(
        model,
        tmp_path / "tok",
        counts_digest="ab" * 32,
        sources=[Source("weird|name`.txt", "cd" * 32, 12, 3)],
        command="tokkit train weird.txt",
        roles={"pad": "<|pad|>"},
    )
    manifest = json.loads((tmp_path / "tok" / "tokkit.json").read_text())
    assert manifest["format"] == 1
    assert manifest["vocab_size"] == 1000
    assert manifest["specials"] == {"<|endoftext|>": 997, "<|pad|>": 998, "the": 999}
    assert manifest["roles"] == {"eos": "<|endoftext|>", "pad": "<|pad|>"}
    assert manifest["exports"]["hf"]["files"] == ["tokenizer.json", "tokenizer_config.json"]
    card = (tmp_path / "tok" / "README.md").read_text()
    for part in ("ab" * 32, "cd" * 32, "tokkit train weird.txt", "vocab_size", "`` weird\\|name`.txt ``"):
        assert part in card, part


def test_vocabulary_for_people_is_decoded_text(tmp_path: Path) -> None:
    artifact.save(golden_model("p2_byte_v1000", "tokkit"), tmp_path / "tok", exports=())
    lines = (tmp_path / "tok" / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert lines[2 + 10] == '10\t"\\n"\t\t'
    assert not any("Ġ" in line or "Ã" in line for line in lines)
    assert '"' in lines[300]
    assert " + " in lines[300]


def test_escape_sequences_do_not_reach_the_terminal_by_vocab_txt(tmp_path: Path) -> None:
    model = golden_model("p1_ws_v500")
    model = replace(model, specials=("\x1b[31m\u202e",), tokens=("\x1b[31m\u202e".encode(), *model.tokens))
    shifted = model.events
    model = replace(
        model, events=replace(shifted, token=shifted.token + 1, left=shifted.left + 1, right=shifted.right + 1)
    )
    artifact.save(model, tmp_path / "tok", exports=())
    text = (tmp_path / "tok" / "vocab.txt").read_text(encoding="utf-8") + (tmp_path / "tok" / "README.md").read_text()
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_existing_folder_is_not_replaced_unasked(tmp_path: Path) -> None:
    model = golden_model("p1_byte_v300")
    artifact.save(model, tmp_path / "tok", exports=())
    with pytest.raises(UsageError, match="exists already"):
        artifact.save(model, tmp_path / "tok", exports=())
    artifact.save(golden_model("p1_byte_v500"), tmp_path / "tok", exports=(), overwrite=True)
    assert len(artifact.load(tmp_path / "tok").tokens) == 500


def test_folder_that_is_not_an_artefact_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years")
    with pytest.raises(UsageError, match="not a tokenizer of tokkit"):
        artifact.save(golden_model("p1_byte_v300"), tmp_path / "thesis", exports=(), overwrite=True)
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years"


def test_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="nowhere"):
        artifact.save(golden_model("p1_byte_v300"), tmp_path / "nowhere" / "tok", exports=())


def test_export_that_cannot_hold_the_model_is_recorded_not_written(tmp_path: Path) -> None:
    model = replace(golden_model("p1_ws_v500"), inference="longest_suffix")
    artifact.save(model, tmp_path / "tok", exports=("tekken", "tiktoken"))
    manifest = artifact.read_manifest(tmp_path / "tok")
    assert not (tmp_path / "tok" / "tokenizer.json").exists()
    for name in ("tekken", "tiktoken"):
        assert manifest["exports"][name]["status"] == "not possible"  # type: ignore[index]
        assert "longest_suffix" in manifest["exports"][name]["reason"]  # type: ignore[index]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    artifact.save(golden_model("p1_byte_v300"), tmp_path / "tok", exports=(), recipe_text="recipe = 1\n")
    return tmp_path / "tok"


def edit_manifest(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / "tokkit.json").read_text())
    manifest.update(changes)
    (folder / "tokkit.json").write_text(json.dumps(manifest))


def test_changed_file_is_named(saved: Path) -> None:
    with (saved / "recipe.lock.toml").open("a") as file:
        file.write("# harmless\n")
    with pytest.raises(TokenizerError, match=r"recipe\.lock\.toml: changed"):
        artifact.load(saved)


def test_missing_file_is_named(saved: Path) -> None:
    (saved / "vocab.txt").unlink()
    with pytest.raises(TokenizerError, match=r"vocab\.txt: missing"):
        artifact.load(saved)


def test_newer_format_is_refused(saved: Path) -> None:
    edit_manifest(saved, format=2)
    with pytest.raises(TokenizerError, match="format 2 is newer than 1"):
        artifact.load(saved)


@pytest.mark.parametrize("value", [None, "1", True, 0, -1, 1.0, []])
def test_format_of_a_wrong_type_is_refused(saved: Path, value: object) -> None:
    edit_manifest(saved, format=value)
    with pytest.raises(TokenizerError, match="not a manifest"):
        artifact.load(saved)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "[" * 200_000, '{"format": 1}', '{"format": 1, "files": []}', "\udc80"]
)
def test_manifest_that_is_not_one_is_refused(saved: Path, content: str) -> None:
    (saved / "tokkit.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(TokenizerError):
        artifact.load(saved)


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/b", "..", ""])
def test_manifest_cannot_point_out_of_the_folder(saved: Path, name: str) -> None:
    files = json.loads((saved / "tokkit.json").read_text())["files"]
    edit_manifest(saved, files={**files, name: {"sha256": "0" * 64}})
    with pytest.raises(TokenizerError, match="leaves the folder"):
        artifact.load(saved)


def test_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"no tokkit\.json"):
        artifact.load(tmp_path)


def rewrite_events(folder: Path, column: str, row: int, value: object) -> None:
    """Changes one cell of events.parquet and mends the digest, as a careful forger would."""
    import hashlib

    path = folder / "events.parquet"
    table = pq.read_table(path)
    cells = table.column(column).to_pylist()
    cells[row] = value
    index = table.schema.get_field_index(column)
    table = table.set_column(index, table.schema.field(column), pa.array(cells, table.schema.field(column).type))
    pq.write_table(table, path)
    files = json.loads((folder / "tokkit.json").read_text())["files"]
    files["events.parquet"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    edit_manifest(folder, files=files)


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("row", 299, "explode"),
        ("row", 0, "merge"),
        ("token", 5, 7),
        ("bytes", 280, b"xyz"),
        ("left", -1, 5),
        ("left", -1, 4_000_000_000),
        ("right", -1, 299),
        ("token", -1, 4_000_000_000),
        ("token", -1, 3),
        ("bytes", 3, None),
    ],
)
def test_log_that_contradicts_itself_is_refused(saved: Path, column: str, row: int, value: object) -> None:
    rewrite_events(saved, column, row, value)
    with pytest.raises(TokenizerError):
        artifact.load(saved)
