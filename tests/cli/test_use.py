"""The verbs that use a tokenizer: encode, decode, show, info, diff, eval, export, convert, extend, prune."""

import json
from pathlib import Path

import pytest

from tests.cli.command import tokkit

TEXT = "the quick brown fox jumps over the lazy dog\nthe dog sleeps, the fox does not\n" * 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a.txt and a tokenizer `tok` of 290 tokens, one of them special."""
    folder = tmp_path_factory.mktemp("use")
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "b.txt").write_text("ein Hund, zwei Hunde, viele Hunde\n" * 30, encoding="utf-8")
    arguments = ("a.txt", "-o", "tok", "--vocab-size", 290, "--special-tokens", "<|end|>")
    done = tokkit("train", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def stdout(*arguments: object, folder: Path, text: str | bytes = b"") -> str:
    done = tokkit(*arguments, cwd=folder, text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_decode_undoes_encode_line_by_line(folder: Path) -> None:
    text = "the fox\n\n  naïve \t日本語\r\nlast line\n"
    ids = stdout("encode", "tok", folder=folder, text=text)
    assert len(ids.splitlines()) == 4
    assert stdout("decode", "tok", "-", folder=folder, text=ids) == text


def test_decode_gives_bytes_that_are_no_text(folder: Path) -> None:
    assert tokkit("decode", "tok", "--ids", "255", "--bytes", cwd=folder).stdout == "\ufffd"
    assert stdout("decode", "tok", "--ids", "255", folder=folder) == "\ufffd\n"
    assert tokkit("decode", "tok", "--ids", "255", "--errors", "strict", cwd=folder).returncode == 3


def test_dropout_draws_by_seed(folder: Path) -> None:
    drawn = [stdout("encode", "tok", "a.txt", "--dropout", 0.5, "--seed", seed, folder=folder) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert stdout("decode", "tok", folder=folder, text=drawn[2]) == TEXT


def test_files_and_stdin_encode_alike(folder: Path) -> None:
    assert stdout("encode", "tok", "a.txt", folder=folder) == stdout("encode", "tok", "-", folder=folder, text=TEXT)


def test_whole_is_one_text(folder: Path) -> None:
    assert len(stdout("encode", "tok", "a.txt", "--whole", folder=folder).splitlines()) == 1


def test_specials_are_text_unless_allowed(folder: Path) -> None:
    plain = stdout("encode", "tok", "--text", "a<|end|>", folder=folder).split()
    allowed = stdout("encode", "tok", "--text", "a<|end|>", "--allow-special", "<|end|>", folder=folder).split()
    assert "289" not in plain
    assert allowed[-1] == "289"
    assert tokkit("encode", "tok", "--text", "a", "--allow-special", "<|no|>", cwd=folder).returncode == 2


def test_json_is_one_object_with_all_that_is_asked(folder: Path) -> None:
    made = json.loads(
        stdout("encode", "tok", "--json", "--tokens", "--offsets", folder=folder, text="the fox\nnaïve\n")
    )
    assert made["schema"] == "tokkit.encoding"
    assert [len(document["ids"]) for document in made["documents"]] == [
        len(document["tokens"]) for document in made["documents"]
    ]
    assert made["documents"][0]["byte_offsets"][-1][1] == len(b"the fox")
    assert made["documents"][1]["char_offsets"][-1][1] == len("naïve")
    assert json.loads(stdout("encode", "tok", "--json", folder=folder))["documents"] == []


def test_show_marks_boundaries_without_colour(folder: Path) -> None:
    shown = stdout("show", "tok", "the fox", folder=folder)
    assert "│" in shown
    assert "\x1b" not in shown
    assert "\x1b[" in stdout("show", "tok", "the fox", "--colour", "always", folder=folder)


def test_show_never_sends_escapes_of_the_text(folder: Path) -> None:
    assert "\x1b" not in stdout("show", "tok", "-", folder=folder, text="a\x1b[31mb")


def test_show_tree_ends_in_bytes(folder: Path) -> None:
    tree = stdout("show", "tok", "--tree", "the", folder=folder)
    assert '"t"' in tree
    assert "merge" in tree


def test_info_tells_size_and_origin(folder: Path) -> None:
    facts = json.loads(stdout("info", "tok", "--json", folder=folder))
    assert (facts["vocab_size"], facts["pretokenizer"]) == (290, "llama-bpe@1")
    assert facts["origin"]["method"] == "bpe"
    assert facts["specials"] == {"<|end|>": 289}


def test_exported_file_gives_the_same_ids(folder: Path) -> None:
    stdout("export", "tok", "--to", "hf", "-o", "exported", folder=folder)
    assert stdout("encode", "exported/tokenizer.json", "a.txt", folder=folder) == stdout(
        "encode", "tok", "a.txt", folder=folder
    )


def test_export_measures_fidelity(folder: Path) -> None:
    stdout("count", "a.txt", "-o", "counts.parquet", folder=folder)
    arguments = ("export", "tok", "--to", "hf", "--counts", "counts.parquet", "--min-fidelity", 1, "--json")
    made = json.loads(stdout(*arguments, "-o", "measured", folder=folder))
    assert made["fidelity"]["hf"]["mass_share"] == 1.0


def test_convert_goes_there_and_back(folder: Path) -> None:
    stdout("convert", "tok/tokenizer.json", "--to", "tiktoken", "-o", "tt", folder=folder)
    stdout("convert", "tt", "--to", "tokkit", "-o", "back", folder=folder)
    assert stdout("encode", "back", "a.txt", folder=folder) == stdout("encode", "tok", "a.txt", folder=folder)


def test_diff_of_a_tokenizer_with_itself_is_empty(folder: Path) -> None:
    same = json.loads(stdout("diff", "tok", "tok/tokenizer.json", "a.txt", "--json", "--exit-code", folder=folder))
    assert same["regions"] == 0
    done = tokkit("diff", "tok", "tok", "--text", "the fox", "--exit-code", cwd=folder)
    assert done.returncode == 0


def test_eval_prints_a_row_for_each_tokenizer(folder: Path) -> None:
    table = stdout("eval", "tok", "plain=bytes", "--on", "en=a.txt", "--on", "de=b.txt", folder=folder)
    rows = [line.split()[:2] for line in table.splitlines()[2:]]
    assert rows == [["en", "tok"], ["en", "plain"], ["de", "tok"], ["de", "plain"]]


def test_extend_keeps_old_ids(folder: Path) -> None:
    made = json.loads(stdout("extend", "tok", "b.txt", "-o", "longer", "--vocab-size", 300, "--json", folder=folder))
    assert (made["vocab_size_before"], made["vocab_size"]) == (290, 300)
    old = stdout("encode", "tok", "--text", "the quick brown fox", folder=folder)
    assert stdout("encode", "longer", "--text", "the quick brown fox", folder=folder) == old
    assert stdout("decode", "longer", "--ids", "289", folder=folder) == "<|end|>\n"


def test_prune_writes_an_id_map(folder: Path) -> None:
    done = tokkit("prune", "tok", "a.txt", "-o", "small", "--vocab-size", 275, cwd=folder)
    assert done.returncode == 0, done.stderr
    id_map = json.loads((folder / "small" / "id_map.json").read_text(encoding="utf-8"))["ids"]
    assert len(id_map) == 290
    assert sorted(new for new in id_map if new is not None) == list(range(275))
    assert stdout("decode", "small", folder=folder, text=stdout("encode", "small", "a.txt", folder=folder)) == TEXT


def test_prune_drops_listed_tokens(folder: Path) -> None:
    (folder / "drop.txt").write_text(" the\n", encoding="utf-8")
    assert " the" in stdout("encode", "tok", "--text", "see the", "--tokens", folder=folder)
    done = tokkit("prune", "tok", "--drop-list", "drop.txt", "-o", "dropped", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert " the" not in stdout("encode", "dropped", "--text", "see the", "--tokens", folder=folder).split(" t")[0]


def test_python_api_does_what_the_verbs_do(folder: Path) -> None:
    import tokkit as package

    model = package.train(str(folder / "a.txt"), vocab_size=290, special_tokens=("<|end|>",))
    tokenizer = package.Tokenizer.from_model(model)
    assert tokenizer.encode("the fox") == package.load_tokenizer(folder / "tok").encode("the fox")
    assert package.evaluate({"t": tokenizer}, {"x": ["the fox"]}).rows
    longer = package.extend(model, str(folder / "b.txt"), vocab_size=300)
    assert package.Tokenizer.from_model(longer).vocab_size == 300
    assert set(package.__all__) <= set(dir(package))
