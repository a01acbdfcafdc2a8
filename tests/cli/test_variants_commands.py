"""Vocabularies that lose tokens on the command line: trained, converted, exported, gated."""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.cli import command

DATA = Path(__file__).parents[2] / "data"
UDHR = DATA / "udhr" / "eng.txt"


def tokkit(*arguments: object) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        return command.tokkit(*arguments, cwd=Path(folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("variants")
    done = tokkit("train", UDHR, "-o", made / "tok", "--method", "picky", "--threshold", "0.6", "--vocab-size", "500")
    assert done.returncode == 0, done.stderr
    assert tokkit("count", UDHR, "-o", made / "counts.parquet").returncode == 0
    return made


def test_artefact_carries_the_loader_and_its_measured_fidelity(folder: Path) -> None:
    manifest = json.loads((folder / "tok" / "tokkit.json").read_text(encoding="utf-8"))
    assert manifest["inference"] == "exact"
    assert manifest["exports"]["hf"]["status"] == "exact"
    assert (folder / "tok" / "tokenization_tokkit.py").is_file()
    assert "100.0000%" in (folder / "tok" / "README.md").read_text(encoding="utf-8")


def test_lossy_export_is_refused_without_a_measure(folder: Path) -> None:
    done = tokkit("export", folder / "tok", "--to", "hf-greedy", "-o", folder / "unmeasured")
    assert done.returncode == 2
    assert "--counts" in done.stderr
    assert not (folder / "unmeasured").exists()


def test_lossy_export_below_the_gate_exits_1_and_writes_nothing(folder: Path) -> None:
    done = tokkit(
        "export", folder / "tok", "--to", "hf-greedy", "--counts", folder / "counts.parquet",
        "--min-fidelity", "0.999", "-o", folder / "gated",
    )  # fmt: skip
    assert done.returncode == 1
    assert "hf-greedy" in done.stderr
    assert not (folder / "gated").exists()


def test_lossy_export_says_how_lossy_it_is(folder: Path) -> None:
    done = tokkit(
        "export", folder / "tok", "--to", "hf-ghost", "--counts", folder / "counts.parquet", "-o", folder / "ghost"
    )
    assert done.returncode == 0, done.stderr
    share = json.loads((folder / "ghost" / "fidelity.json").read_text(encoding="utf-8"))["fidelity"]["hf-ghost"]
    assert 0.5 < share["mass_share"] < 1
    assert "%" in done.stderr


def test_convert_changes_the_inference_and_keeps_the_ids(folder: Path) -> None:
    done = tokkit("convert", folder / "tok", "--inference", "greedy", "--to", "tokkit", "-o", folder / "greedy")
    assert done.returncode == 0, done.stderr
    exact, greedy = (json.loads((folder / name / "tokkit.json").read_text()) for name in ("tok", "greedy"))
    assert greedy["inference"] == "greedy"
    assert greedy["vocab_size"] == exact["vocab_size"]
    assert (folder / "greedy" / "tokenizer.json").is_file()


def test_convert_says_how_much_another_inference_changes(folder: Path) -> None:
    convert = (
        "convert",
        folder / "tok",
        "--inference",
        "greedy",
        "--to",
        "tokkit",
        "--counts",
        folder / "counts.parquet",
    )
    done = tokkit(*convert, "-o", folder / "measured")
    assert done.returncode == 0, done.stderr
    reading = json.loads((folder / "measured" / "tokkit.json").read_text(encoding="utf-8"))["reading"]
    assert reading["before"] == "exact"
    assert 0.5 < reading["fidelity"]["mass_share"] < 1
    share = f"{reading['fidelity']['mass_share']:.4%}"
    assert share in done.stderr
    assert share in (folder / "measured" / "README.md").read_text(encoding="utf-8")
    gated = tokkit(*convert, "-o", folder / "too-lossy", "--min-fidelity", "0.9999")
    assert gated.returncode == 1
    assert not (folder / "too-lossy").exists()


@pytest.mark.parametrize("inference", ["longest_suffix", "likelihood"])
def test_convert_to_hf_carries_the_loader_where_json_cannot_say_the_inference(folder: Path, inference: str) -> None:
    done = tokkit(
        "convert", folder / "tok", "--inference", inference, "--to", "hf", "--counts", folder / "counts.parquet",
        "-o", folder / inference,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads((folder / inference / "fidelity.json").read_text(encoding="utf-8"))
    assert figures["fidelity"]["hf"]["mass_share"] == 1
    assert (folder / inference / "tokkit_modes.py").is_file()


def test_convert_names_an_unknown_inference(folder: Path) -> None:
    done = tokkit("convert", folder / "tok", "--inference", "gredy", "--to", "hf", "-o", folder / "no")
    assert done.returncode == 2
    assert "greedy" in done.stderr


def test_explain_finds_a_token_and_its_reasons(folder: Path) -> None:
    done = tokkit("explain", folder / "tok", " the")
    assert done.returncode == 0, done.stderr
    assert "event" in done.stdout
    missing = tokkit("explain", folder / "tok", "no such token")
    assert missing.returncode == 3
