"""Training across words from the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.command import tokkit
from tokkit.model.tokenizer import Tokenizer

TEXT = "of the cat and of the dog, in the end of the day\n" * 30


def prepared(folder: Path) -> Path:
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    return folder


@pytest.mark.parametrize("method", ["superbpe", "boundless", "superbpe-pretoken"])
def test_one_command_runs_both_stages(method: str, tmp_path: Path) -> None:
    more = [] if method == "boundless" else ["--transition", 0.97]
    result = tokkit(
        "train", "text.txt", "-o", "out", "--method", method, "--vocab-size", 300, *more, cwd=prepared(tmp_path)
    )

    assert result.returncode == 0, result.stderr
    tokenizer = Tokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT
    assert any(b" " in token[1:-1] for token in map(tokenizer.token_bytes, tokenizer.ids))
    assert not list((tmp_path / ".cache").glob("stage1-*"))


@pytest.mark.parametrize("method", ["superbpe", "boundless", "superbpe-pretoken", "supertoken"])
def test_the_lock_makes_the_same_files_again(method: str, tmp_path: Path) -> None:
    prepared(tmp_path)
    made = tokkit("train", "text.txt", "-o", "one", "--method", method, "--vocab-size", 290, cwd=tmp_path)
    again = tokkit("run", "one/recipe.lock.toml", "-o", "two", cwd=tmp_path)

    assert (made.returncode, again.returncode) == (0, 0), made.stderr + again.stderr
    for name in ("events.parquet", "recipe.lock.toml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_sample_for_want_of_memory_is_in_the_lock(tmp_path: Path) -> None:
    letters = str.maketrans("0123456789", "abcdefghij")
    lines = [f"line {place:05} of the text, in words\n".translate(letters) for place in range(12_000)]
    (tmp_path / "text.txt").write_text("".join(lines), encoding="utf-8")
    arguments = ["text.txt", "--method", "superbpe", "--vocab-size", 300]

    made = tokkit("train", *arguments, "-o", "one", "--memory", "2M", cwd=tmp_path)
    again = tokkit("run", "one/recipe.lock.toml", "-o", "two", cwd=tmp_path)

    assert (made.returncode, again.returncode) == (0, 0), made.stderr + again.stderr
    assert "of the documents, a random sample" in made.stderr
    assert "stage2_share = 0." in (tmp_path / "one" / "recipe.lock.toml").read_text(encoding="utf-8")
    for name in ("events.parquet", "recipe.lock.toml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_run_that_ended_between_the_stages_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tokkit.recipe.load import Loaded
    from tokkit.recipe.run import run
    from tokkit.recipe.schema import parse
    from tokkit.trainers.bpe import Bpe
    from tokkit.trainers.superbpe import SuperBpe

    monkeypatch.setenv("TOKKIT_CACHE", str(tmp_path / "cache"))
    prepared(tmp_path)
    table = {
        "recipe": 1,
        "corpus": {"sources": [{"path": str(tmp_path / "text.txt")}]},
        "train": {"method": "superbpe", "vocab_size": 290},
    }
    second_stage = SuperBpe._second_stage

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SuperBpe, "_second_stage", fail)
    with pytest.raises(KeyboardInterrupt):
        run(parse(Loaded(name="train", table=table)), tmp_path / "out")
    monkeypatch.setattr(SuperBpe, "_second_stage", second_stage)
    monkeypatch.setattr(Bpe, "train", fail)

    outcome = run(parse(Loaded(name="train", table=table)), tmp_path / "out")

    skipped = {step.name for step in outcome.steps if step.seconds is None}
    assert {"count", "count again"} <= skipped
    assert not list((tmp_path / "cache").glob("stage1-*"))
    assert (tmp_path / "out" / "tokkit.json").exists()


def test_a_sweep_reports_every_transition_and_keeps_the_best(tmp_path: Path) -> None:
    points = "0.9,0.95,1.0"
    result = tokkit(
        "train", "text.txt", "-o", "out", "--method", "superbpe", "--vocab-size", 290, "--sweep-transition", points,
        cwd=prepared(tmp_path),
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    config = json.loads((tmp_path / "out" / "tokkit.json").read_text(encoding="utf-8"))["config"]
    figures = {point["transition"]: point["tokens_per_byte"] for point in config["sweep"]}
    assert sorted(figures) == [0.9, 0.95, 1.0]
    assert figures[config["transition"]] == min(figures.values())


def test_a_first_stage_on_disk_is_taken_up(tmp_path: Path) -> None:
    prepared(tmp_path)
    arguments = ["text.txt", "--method", "superbpe", "--vocab-size", 290, "--stage1", "first"]

    one = tokkit("train", *arguments, "-o", "one", cwd=tmp_path)
    kept = (tmp_path / "first" / "tokkit.json").stat().st_mtime_ns
    two = tokkit("train", *arguments, "-o", "two", cwd=tmp_path)

    assert (one.returncode, two.returncode) == (0, 0), one.stderr + two.stderr
    assert (tmp_path / "first" / "tokkit.json").stat().st_mtime_ns == kept
    assert (tmp_path / "one" / "events.parquet").read_bytes() == (tmp_path / "two" / "events.parquet").read_bytes()
    other = tokkit("train", *arguments, "-o", "three", "--special-tokens", "<x>", cwd=tmp_path)
    assert other.returncode == 2
    assert "first stage of other text or options" in other.stderr


def test_counts_alone_are_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "words.tsv").write_text("the\t5\n", encoding="utf-8")

    result = tokkit("train", "--counts", "words.tsv", "-o", "out", "--method", "superbpe", cwd=tmp_path)

    assert result.returncode == 2
    assert "reads its text twice" in result.stderr
