"""`tokkit transplant`, and models that follow `prune` and `extend`."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests import tiny_models
from tests.cli.command import tokkit
from tokkit.load import load_tokenizer
from tokkit.report.assets import STYLE
from tokkit.transplant.vocabulary import CHARACTER_OF_BYTE, read_vocabulary

TEXT = "the quick brown fox jumps over the lazy dog, the fox and the dog\n" * 4
TABLE = "model.embed_tokens.weight"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base`: a model with a tokenizer of 270 tokens; `target`: a tokenizer of 290 tokens; `a.txt`."""
    home = tmp_path_factory.mktemp("models")
    tiny_models.model(tiny_models.tokenizer(home / "base", TEXT[:66], 270), 270)
    tiny_models.tokenizer(home / "target", TEXT + "the lazy foxes sleep " * 9, 290)
    (home / "a.txt").write_text(TEXT, encoding="utf-8")
    return home


def test_the_result_is_one_object_with_its_schema(home: Path) -> None:
    done = tokkit("transplant", "base", "target", "-o", "one", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["schema"], facts["version"], facts["rows"], facts["output"]) == ("tokkit.transplant", 1, 290, "one")
    assert sum(facts["methods"][TABLE].values()) == 290
    kept = json.loads((home / "one" / "transplant.json").read_text(encoding="utf-8"))
    assert kept == {**facts, "output": None}


def test_a_dry_run_writes_nothing(home: Path) -> None:
    before = sorted(path.name for path in home.iterdir())
    done = tokkit("transplant", "base", "target", "--dry-run", cwd=home)
    assert done.returncode == 0
    assert "copied" in done.stderr
    assert sorted(path.name for path in home.iterdir()) == before


def test_the_page_tells_of_new_rows_and_of_a_text(home: Path) -> None:
    arguments = ("base", "target", "-o", "told", "--html", "told.html", "--text", "a.txt")
    done = tokkit("transplant", *arguments, cwd=home)
    assert done.returncode == 0, done.stderr
    page = (home / "told.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert "have new rows" in page
    assert "nearest rows" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert STYLE in page
    assert tokkit("transplant", "base", "target", "-o", "x", "--text", "a.txt", cwd=home).returncode == 2


def test_the_same_seed_gives_the_same_bytes(home: Path) -> None:
    for name, seed in (("r1", 1), ("r2", 1), ("r3", 2)):
        arguments = ("base", "target", "-o", name, "--method", "random", "--seed", seed)
        assert tokkit("transplant", *arguments, cwd=home).returncode == 0
    first, second, third = ((home / name / "model.safetensors").read_bytes() for name in ("r1", "r2", "r3"))
    assert first == second != third


def test_the_way_back(home: Path) -> None:
    assert tokkit("transplant", "base", "target", "-o", "there", cwd=home).returncode == 0
    done = tokkit("transplant", "there", "--restore", "base", "-o", "back", cwd=home)
    assert done.returncode == 0, done.stderr
    assert (home / "back" / "model.safetensors").read_bytes() == (home / "base" / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("base", "-o", "x"), 2, "TARGET is missing"),
        (("base", "target"), 2, "--output is missing"),
        (("base", "target", "-o", "x", "--method", "ompp"), 2, "did you mean `omp`"),
        (("base", "target", "-o", "x", "--map", "a"), 2, "TARGET=BASE"),
        (("base", "target", "-o", "x", "--map", "the fox=nothing"), 2, "has no token"),
        (("base", "target", "-o", "target"), 2, "exists already"),
        (("base", "target", "-o", "x", "--method", "focus"), 2, "--auxiliary"),
        (("target", "base", "-o", "x"), 3, "config.json"),
        (("base", "target", "-o", "x", "--method", "focus", "--learn-from", "none.txt"), 3, "none.txt"),
        (("base", "target", "--dry-run", "--html", "x"), 2, "--dry-run makes none"),
    ],
)
def test_faults_are_told(home: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = tokkit("transplant", *arguments, cwd=home)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert not (home / "x").exists()


def test_a_pruned_model_keeps_exactly_the_rows_that_are_left(home: Path) -> None:
    done = tokkit("prune", "base", "a.txt", "-o", "small", "--vocab-size", 264, "--model", "base", cwd=home)
    assert done.returncode == 0, done.stderr
    ids = json.loads((home / "small" / "id_map.json").read_text(encoding="utf-8"))["ids"]
    before = load_file(home / "base" / "model.safetensors")[TABLE]
    after = load_file(home / "small" / "model" / "model.safetensors")[TABLE]
    kept = [old for old, new in enumerate(ids) if new is not None]
    assert len(after) == 264
    assert (after[[ids[old] for old in kept]] == before[kept]).all()


def test_an_extended_model_keeps_its_rows_and_composes_the_new_ones(home: Path) -> None:
    done = tokkit("extend", "base", "a.txt", "-o", "long", "--vocab-size", 280, "--model", "base", cwd=home)
    assert done.returncode == 0, done.stderr
    before = load_file(home / "base" / "model.safetensors")[TABLE]
    after = load_file(home / "long" / "model" / "model.safetensors")[TABLE]
    assert after.shape == (280, 8)
    assert (after[:270] == before).all()
    assert np.isfinite(after).all()
    assert after[270:].any(axis=1).all()


@pytest.mark.parametrize("verb", ["prune", "extend"])
def test_a_model_of_another_tokenizer_does_not_follow(home: Path, verb: str) -> None:
    done = tokkit(verb, "target", "a.txt", "-o", "odd", "--vocab-size", 280, "--model", "base", cwd=home)
    assert (done.returncode, "another tokenizer" in done.stderr) == (2, True), done.stderr
    assert not (home / "odd").exists()


@pytest.fixture(scope="module")
def gap(home: Path) -> Path:
    """A model whose tokenizer.json has no tokens for two bytes, as that of SmolLM2 has none for 21."""
    folder = home / "gap"
    folder.mkdir()
    for path in (home / "base").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    for name in ("tokkit.json", "events.parquet"):
        (folder / name).unlink()
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    for byte in (0x04, 0xFF):
        del content["model"]["vocab"][CHARACTER_OF_BYTE[byte]]
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("verb", "size"), [("prune", 268), ("extend", 280)])
def test_a_model_follows_a_vocabulary_without_some_bytes(home: Path, gap: Path, verb: str, size: int) -> None:
    done = tokkit(verb, "gap", "a.txt", "-o", f"gap-{verb}", "--vocab-size", size, "--model", "gap", cwd=home)
    assert done.returncode == 0, done.stderr
    old, new = load_tokenizer(gap), load_tokenizer(home / f"gap-{verb}")
    if verb == "extend":
        assert new.decode(old.encode(TEXT)) == TEXT
    before = load_file(gap / "model.safetensors")[TABLE]
    after = load_file(home / f"gap-{verb}" / "model" / "model.safetensors")[TABLE]
    word = read_vocabulary(home / f"gap-{verb}").by_data[b"the"], read_vocabulary(gap).by_data[b"the"]
    assert (after[word[0]] == before[word[1]]).all()
    assert np.isfinite(after).all()
    assert after.any(axis=1).all()


def test_the_folder_is_ready_for_gguf(home: Path) -> None:
    """What llama.cpp's converter asks of a folder: ids below vocab_size, merges, a known pre-tokenizer, types."""
    gguf = pytest.importorskip("gguf")
    assert tokkit("transplant", "base", "target", "-o", "ready", cwd=home).returncode == 0
    done = tokkit("convert", "ready", "--to", "gguf", "-o", "ready-gguf", cwd=home)
    assert done.returncode == 0, done.stderr
    config = json.loads((home / "ready" / "config.json").read_text(encoding="utf-8"))
    rows = load_file(home / "ready" / "model.safetensors")[TABLE].shape[0]
    fields = gguf.GGUFReader(home / "ready-gguf" / "vocab.gguf").fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    assert len(tokens) == len(set(tokens)) == rows == config["vocab_size"]
    assert fields["tokenizer.ggml.pre"].contents() == "llama-bpe"
    kinds = fields["tokenizer.ggml.token_type"].contents()
    control = {tokens[place] for place, kind in enumerate(kinds) if kind == gguf.TokenType.CONTROL}
    assert control == set(load_tokenizer(home / "ready").specials)
    found = gguf.SpecialVocab(home / "ready", load_merges=True, n_vocab=config["vocab_size"])
    assert found.merges == fields["tokenizer.ggml.merges"].contents()
    assert all(number < rows for number in found.special_token_ids.values())
