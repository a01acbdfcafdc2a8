"""Data sets and tokenizers of the hub, as a user names them, from a hub on this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from tests.fake_hub import fake_hub

pytestmark = pytest.mark.slow

ROWS = [f"row {index} says something about words and tokens" for index in range(500)]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A hub with one data set and one tokenizer."""
    data = tmp_path / "hub/datasets/me/words/data"
    data.mkdir(parents=True)
    (data / "train.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in ROWS), encoding="utf-8")
    folder = tmp_path / "hub/models/me/tok"
    folder.mkdir(parents=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({atom: index for index, atom in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    keep = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    with fake_hub(tmp_path / "hub") as address:
        yield {
            **keep,
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / "home"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }


def tokkit(*arguments: str, cwd: Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Runs the command."""
    command = [sys.executable, "-m", "tokkit", *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=240, check=False)


def test_a_data_set_of_the_hub_trains_what_its_rows_do(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in ROWS), encoding="utf-8")
    for source, name in (("hf://datasets/me/words", "hub"), ("rows.jsonl", "local")):
        done = tokkit("train", source, "-o", f"out-{name}", "--vocab-size", "320", cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "out-hub/vocab.txt").read_bytes() == (tmp_path / "out-local/vocab.txt").read_bytes()


def test_a_tokenizer_of_the_hub_is_loaded_by_its_name(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "text.txt").write_text("a b\n", encoding="utf-8")
    done = tokkit("encode", "me/tok", "text.txt", cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    local = tokkit("encode", str(tmp_path / "hub/models/me/tok"), "text.txt", cwd=tmp_path, env=environment)
    assert done.stdout == local.stdout != ""


@pytest.mark.parametrize(
    "arguments",
    [("train", "hf://datasets/me/none", "-o", "out", "--vocab-size", "320"), ("encode", "me/none", "text.txt")],
)
def test_what_the_hub_has_not_is_named(tmp_path: Path, environment: dict[str, str], arguments: tuple[str, ...]) -> None:
    (tmp_path / "text.txt").write_text("a b\n", encoding="utf-8")
    done = tokkit(*arguments, cwd=tmp_path, env=environment)
    assert done.returncode == 6, done.stderr
    assert "me/none" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
