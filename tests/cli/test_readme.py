"""What README promises is run here as it stands there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM = f"{shlex.quote(sys.executable)} -m tokkit"


def blocks(language: str) -> list[str]:
    """The fenced blocks of that language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def run(command: list[str], folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A folder that looks like a checkout, after the shell commands of the tour."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("data", "recipes"):
        (folder / name).symlink_to(ROOT / name)
    (tour,) = [block for block in blocks("") if "tokkit train" in block]
    for line in tour.splitlines():
        run(["bash", "-euo", "pipefail", "-c", re.sub(r"\btokkit (?=[a-z])", f"{PROGRAM} ", line)], folder)
    return folder


def test_set_up_is_two_commands_that_exist():
    (commands,) = [block.split("\n")[:-1] for block in blocks("") if block.startswith("make demo")]
    assert commands == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:.*##", makefile, flags=re.MULTILINE), target


@pytest.mark.slow
def test_tour_runs_and_leaves_the_files_that_are_listed(checkout):
    listed = re.findall(r"`([\w.]+\.\w+)`", re.search(r"## What a folder holds\n(.*?)\n## ", README, re.DOTALL)[1])
    assert len(listed) == 7
    for name in listed:
        assert (checkout / "austen" / name).is_file(), name


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python"))
def test_python_example_runs(checkout, block):
    run([sys.executable, "-c", block], checkout)


@pytest.mark.slow
def test_demo_shows_tokens_and_numbers(checkout):
    out = run([sys.executable, str(ROOT / "evals" / "demo.py"), "--tokkit", PROGRAM, "--output", "demo"], checkout)
    assert re.search(r"^english +tokenizer .* 1\.000$", out, flags=re.MULTILINE)
    assert (checkout / "demo" / "evaluation.json").stat().st_size > 1000


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^):]+)\)", README):
        assert (ROOT / target).exists(), target


def test_metrics_named_are_those_that_exist():
    from tokkit.metrics import METRICS

    section = re.search(r"## Metrics\n(.*?)\n## ", README, re.DOTALL)[1]
    named = re.findall(
        r"`([a-z_.0-9]+)`", "\n".join(line.split(" | ")[0] for line in section.splitlines() if "|" in line)
    )
    stems = [
        name if not name.startswith(".") else named[index - 1].rpartition(".")[0] + name
        for index, name in enumerate(named)
    ]
    assert set(stems) - {"name"} <= set(METRICS)
    assert len(stems) > 5
