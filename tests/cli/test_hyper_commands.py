"""`tokkit hyper encode|decode|stats` as a user meets them."""

import json
from pathlib import Path

import pytest

from tests.cli.command import tokkit

TEXT = "the cat sat on the mat and the cat sat on the hat\n" * 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hyper")
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "b.txt").write_text("grüße, 猫! " * 40 + "\n", encoding="utf-8")
    made = tokkit("train", "a.txt", "b.txt", "-o", "tok", "--vocab-size", 300, cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.mark.parametrize("policy", ["freeze", "reset", "lru"])
def test_codes_of_lines_are_the_lines_again(folder: Path, policy: str) -> None:
    sizes = ["--codebook-size", 40, "--max-subtokens", 5, "--policy", policy]
    coded = tokkit("hyper", "encode", "tok", *sizes, cwd=folder, text=TEXT)
    assert coded.returncode == 0, coded.stderr
    assert len(coded.stdout.split()) < len(tokkit("encode", "tok", cwd=folder, text=TEXT).stdout.split())
    back = tokkit("hyper", "decode", "tok", *sizes, cwd=folder, text=coded.stdout)
    assert (back.returncode, back.stdout) == (0, TEXT)


def test_sizes_come_from_a_file_of_zip2zip(folder: Path) -> None:
    config = {"initial_vocab_size": 1000, "max_codebook_size": 16, "max_subtokens": 3, "pad_token_id": 2000}
    (folder / "config.json").write_text(json.dumps({**config, "disabled_ids": [7]}), encoding="utf-8")
    made = tokkit("hyper", "encode", "tok", "a.txt", "--config", "config.json", "--whole", "--json", cwd=folder)
    (document,) = json.loads(made.stdout)["documents"]
    assert 300 < max(document["codes"]) <= 1015
    assert sorted(map(int, document["codebook"])) == list(range(1000, 1016))
    assert {len(ids) for ids in document["codebook"].values()} <= {2, 3}


def test_stats_are_told_as_text_table_picture_and_json(folder: Path) -> None:
    ask = ["hyper", "stats", "tok", "a.txt", "b.txt", "--codebook-size", 8, "--codebook-size", 64, "--length", 100]
    ask += ["--max-subtokens", 2, "--max-subtokens", 4]
    plain = tokkit(*ask, cwd=folder)
    assert plain.stdout.splitlines()[0].split()[:4] == ["source", "length", "codebook", "subtokens"]
    assert len(plain.stdout.splitlines()) == 1 + 2 * 2 * 2
    rows = json.loads(tokkit(*ask, "--json", cwd=folder).stdout)["rows"]
    drawn = tokkit(*ask, "--markdown", "--picture", "p.svg", cwd=folder)
    tables = drawn.stdout.split("\n\n")
    assert tables[0] == "## Codebook of 8"
    assert tables[2] == "## Codebook of 64"
    head, _, *lines = tables[3].splitlines()
    assert head == "| ids in a row | most ids in a hypertoken | a | b |"
    shares = {(row["source"], row["max_subtokens"]): row["reduction"] for row in rows if row["codebook_size"] == 64}
    wanted = [f"| 100 | {n} | {shares['a.txt', n]:.1%} | {shares['b.txt', n]:.1%} |" for n in (2, 4)]
    assert lines == wanted
    assert "4 subtokens" in (folder / "p.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "text", "code", "message"),
    [
        (["decode", "tok"], "1 2 99999\n", 3, "line 1"),
        (["decode", "tok"], "1 x\n", 3, "line 1: not a code, got `x`"),
        (["encode", "tok", "missing.txt"], "", 3, "missing.txt"),
        (["encode", "nowhere"], "a\n", 3, "nowhere"),
        (["encode", "tok", "--config", "missing.json"], "a\n", 3, "missing.json"),
        (["encode", "tok", "--boundary", "5"], "abc\n", 3, "initial_vocab_size 5"),
        (["encode", "tok", "--disable", "300"], "abc\n", 2, "disabled id 300"),
        (["encode", "tok", "--picture", "p.png"], "abc\n", 2, "--picture"),
        (["encode", "tok", "--markdown"], "abc\n", 2, "--markdown"),
        (["stats", "tok", "a.txt", "--markdown", "--json"], "", 2, "--markdown"),
        (["encode", "tok", "--codebook-size", "4", "--codebook-size", "5"], "a\n", 2, "one value each"),
        (["decode", "tok", "--tolerant", "--policy", "lru"], "1\n", 2, "freeze"),
    ],
)
def test_what_cannot_work_is_refused(folder: Path, arguments: list[str], text: str, code: int, message: str) -> None:
    made = tokkit("hyper", *arguments, cwd=folder, text=text)
    assert made.returncode == code, made.stderr
    assert message in made.stderr
    assert "Traceback" not in made.stderr
    assert made.stdout == ""
