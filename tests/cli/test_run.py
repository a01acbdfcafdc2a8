"""`tokkit train` and `tokkit run` from end to end: what they write, skip, refuse and survive."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import tiny_models
from tests.cli.command import environment, tokkit

TEXT = "the quick brown fox jumps over the lazy dog\nthe dog sleeps, the fox does not\n" * 20
RECIPE = """
recipe = 1
[[corpus.sources]]
path = "a.txt"
[train]
vocab_size = 280
[[eval]]
texts = { en = "a.txt" }
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a.txt, some.toml, and `out` made from them; copy it before changing it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "some.toml").write_text(RECIPE, encoding="utf-8")
    done = tokkit("run", "some.toml", "-o", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "copy")
    return tmp_path / "copy"


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def steps(stdout: str) -> dict[str, bool]:
    """Step name -> skipped, of a `--json` run."""
    return {step["name"]: step["skipped"] for step in json.loads(stdout)["steps"]}


def test_run_leaves_nothing_but_the_output_and_the_cache(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == {"a.txt", "some.toml", "out", ".cache"}
    assert {"tokkit.json", "events.parquet", "tokenizer.json", "recipe.lock.toml", "eval"} <= {
        path.name for path in (trained / "out").iterdir()
    }


def test_rerun_skips_every_step_and_changes_nothing(copied: Path) -> None:
    before = files_of(copied / "out")
    done = tokkit("run", "some.toml", "-o", "out", "--json", cwd=copied)
    assert done.returncode == 0, done.stderr
    assert all(steps(done.stdout).values())
    assert files_of(copied / "out") == before


def test_lock_file_makes_the_same_folder(copied: Path) -> None:
    done = tokkit("run", "out/recipe.lock.toml", "-o", "again", "--no-resume", cwd=copied)
    assert done.returncode == 0, done.stderr
    assert files_of(copied / "again") == files_of(copied / "out")


def test_lock_file_refuses_changed_inputs(copied: Path) -> None:
    (copied / "a.txt").write_text(TEXT + "new", encoding="utf-8")
    done = tokkit("run", "out/recipe.lock.toml", "-o", "again", cwd=copied)
    assert done.returncode == 3
    assert "a.txt has another content" in done.stderr
    assert not (copied / "again").exists()


def test_touched_file_of_equal_content_is_not_counted_again(copied: Path) -> None:
    os.utime(copied / "a.txt", (1, 1))
    done = tokkit("run", "some.toml", "-o", "out", "--json", cwd=copied)
    assert all(steps(done.stdout).values())


def test_changed_content_of_equal_size_and_time_is_seen(copied: Path) -> None:
    stat = (copied / "a.txt").stat()
    (copied / "a.txt").write_text(TEXT.replace("fox", "cat"), encoding="utf-8")
    os.utime(copied / "a.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    done = tokkit("run", "some.toml", "-o", "out", "--json", "--overwrite", cwd=copied)
    assert done.returncode == 0, done.stderr
    assert not any(steps(done.stdout).values())


def test_other_size_counts_once_and_trains_again(copied: Path) -> None:
    done = tokkit("run", "some.toml", "-o", "bigger", "--set", "train.vocab_size=290", "--json", cwd=copied)
    assert done.returncode == 0, done.stderr
    assert steps(done.stdout) == {"count": True, "train": False, "save": False, "eval texts": False}


def test_new_evaluation_trains_nothing(copied: Path) -> None:
    text = RECIPE + '[[eval]]\nname = "more"\ntexts = { en = "a.txt" }\ncompare = { bytes = "bytes" }\n'
    (copied / "some.toml").write_text(text, encoding="utf-8")
    done = tokkit("run", "some.toml", "-o", "out", "--json", cwd=copied)
    assert done.returncode == 0, done.stderr
    skipped = steps(done.stdout)
    assert skipped["train"]
    assert skipped["eval texts"]
    assert not skipped["eval more"]


def test_damaged_output_is_made_again(copied: Path) -> None:
    before = files_of(copied / "out")
    (copied / "out" / "eval" / "texts.json").write_text("{}", encoding="utf-8")
    done = tokkit("run", "some.toml", "-o", "out", "--json", cwd=copied)
    assert done.returncode == 0, done.stderr
    assert not steps(done.stdout)["eval texts"]
    assert files_of(copied / "out") == before


def test_damaged_cache_is_not_believed(copied: Path) -> None:
    for path in (copied / ".cache" / "counts").iterdir():
        path.write_bytes(path.read_bytes()[:-20])
    done = tokkit("run", "some.toml", "-o", "new", "--json", cwd=copied)
    assert done.returncode == 0, done.stderr
    assert not steps(done.stdout)["count"]


def test_existing_output_of_another_recipe_is_refused(copied: Path) -> None:
    before = files_of(copied / "out")
    done = tokkit("run", "some.toml", "-o", "out", "--set", "train.vocab_size=290", cwd=copied)
    assert done.returncode == 2
    assert "hint: give another path, or --overwrite to replace it" in done.stderr
    assert files_of(copied / "out") == before


def test_train_is_sugar_for_a_recipe(copied: Path) -> None:
    done = tokkit("train", "a.txt", "-o", "sugar", "--vocab-size", 280, cwd=copied)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "sugar\n"
    made, wanted = files_of(copied / "sugar"), files_of(copied / "out")
    assert made["events.parquet"] == wanted["events.parquet"]
    assert made["tokenizer.json"] == wanted["tokenizer.json"]


def test_threads_do_not_change_the_output(copied: Path) -> None:
    for threads in (1, 3):
        arguments = ("-o", f"t{threads}", "--vocab-size", 280, "-j", threads, "--no-resume")
        assert tokkit("train", "a.txt", *arguments, cwd=copied).returncode == 0
    assert files_of(copied / "t1") == files_of(copied / "t3")


def test_counts_train_what_text_trains(copied: Path) -> None:
    assert tokkit("count", "a.txt", "-o", "counts.parquet", cwd=copied).returncode == 0
    done = tokkit("train", "--counts", "counts.parquet", "-o", "from-counts", "--vocab-size", 280, cwd=copied)
    assert done.returncode == 0, done.stderr
    made, wanted = files_of(copied / "from-counts"), files_of(copied / "out")
    assert made["tokenizer.json"] == wanted["tokenizer.json"]


def test_standard_input_is_text_too(copied: Path) -> None:
    done = tokkit("train", "-", "-o", "piped", "--vocab-size", 280, cwd=copied, text=TEXT)
    assert done.returncode == 0, done.stderr
    assert files_of(copied / "piped")["tokenizer.json"] == files_of(copied / "out")["tokenizer.json"]


def test_dry_run_writes_nothing(copied: Path) -> None:
    before = files_of(copied)
    done = tokkit("run", "some.toml", "-o", "new", "--dry-run", "--json", cwd=copied)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["inputs"] == [{"path": "a.txt", "bytes": len(TEXT)}]
    assert plan["outputs"] == ["new/", "new/eval/texts.json"]
    assert plan["memory_bytes"] > 0
    assert plan["eta_s"] >= 0
    assert files_of(copied) == before


def test_exhausted_vocabulary_warns_and_strict_fails(copied: Path) -> None:
    done = tokkit("train", "a.txt", "-o", "huge", "--vocab-size", 100_000, cwd=copied)
    assert done.returncode == 0, done.stderr
    assert "warning: pairs ran out" in done.stderr
    assert tokkit("train", "a.txt", "-o", "strict", "--vocab-size", 100_000, "--strict", cwd=copied).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("train", "missing.txt", "-o", "x"), 3, "missing.txt"),
        (("train", "a.txt"), 2, "-o/--output: is missing"),
        (("train", "-o", "x"), 2, "corpus: needs either `sources` or `counts`"),
        (("train", "empty.txt", "-o", "x"), 3, "empty.txt"),
        (("train", "latin1.txt", "-o", "x"), 3, "latin1.txt:1:4"),
        (("train", "a.txt", "-o", "x", "--vocab-size", "10"), 2, "vocab_size"),
        (("train", "a.txt", "-o", "x", "--vocab-size", str(2**33)), 2, "--vocab-size: must be at most"),
        (("train", "a.txt", "-o", "x", "--vocab-size", "-5"), 2, "--vocab-size: must be at least"),
        (("train", "a.txt", "-o", "x", "--method", "bpee"), 2, "--method: unknown trainer, got `bpee`"),
        (("train", "a.txt", "-o", "x", "--pretokenizer", "nope@1"), 2, "--pretokenizer"),
        (("train", "a.txt", "-o", "x", "--memory", "lots"), 2, "--memory: not a size, got `lots`"),
        (("train", "a.txt", "-o", "x", "-j", "-1"), 2, "--threads: must be between 0 and 4096, got -1"),
        (("train", "a.txt", "-o", "no/such/folder"), 5, "no such folder"),
        (("run", "nope"), 2, "nope: no such recipe"),
        (("encode", "nowhere"), 3, "nowhere"),
        (("decode", "out", "--ids", "999999"), 3, "999999"),
        (("decode", "out", "--ids", "x"), 3, "not an id, got `x`"),
        (("encode", "out", "latin1.txt"), 3, "latin1.txt:1:4: not UTF-8, got byte 0xe9"),
        (("encode", "a.txt"), 4, "a.txt"),
        (("export", "out", "--to", "nope", "-o", "x"), 2, "unknown exporter, got `nope`"),
        (("export", "out", "--to", "hf", "-o", "out"), 2, "out: exists already"),
        (("eval", "out", "--on", "a.txt", "--metric", "nope"), 2, "nope"),
    ],
)
def test_bad_use_ends_with_its_code_and_says_why(
    arguments: tuple[str, ...], code: int, message: str, copied: Path
) -> None:
    (copied / "empty.txt").write_bytes(b"")
    (copied / "latin1.txt").write_bytes(b"caf\xe9\n")
    done = tokkit(*arguments, cwd=copied)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert done.stderr.splitlines()[-1].startswith(("error: ", "hint: "))
    assert "Traceback" not in done.stderr
    assert not (copied / "x").exists()


def test_quiet_prints_results_only(copied: Path) -> None:
    done = tokkit("train", "a.txt", "-o", "q", "--vocab-size", 280, "-q", cwd=copied)
    assert (done.stdout, done.stderr) == ("q\n", "")


def test_progress_json_is_json(copied: Path) -> None:
    done = tokkit("train", "a.txt", "-o", "p", "--vocab-size", 280, "--progress", "json", cwd=copied)
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert lines
    assert all(set(line) == {"stage", "done", "total", "rate", "eta_s", "rss"} for line in lines)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_while_reading_stops_within_a_second(number: signal.Signals, code: int, copied: Path) -> None:
    before = {path.name for path in copied.iterdir()}
    child = subprocess.Popen(
        [sys.executable, "-m", "tokkit", "train", "-", "-o", "stopped", "-v"],
        cwd=copied,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(copied / ".cache"),
    )
    assert child.stdin is not None
    assert child.stderr is not None
    assert child.stderr.readline().startswith(b"plan: ")
    child.stdin.write(TEXT.encode() * 100)
    child.stdin.flush()
    check_stops(child, number, code)
    assert {path.name for path in copied.iterdir()} == before


SLOW = """
import sys
from tokkit.cli.app import main
from tokkit.trainers import TRAINERS, Trainer
@TRAINERS.register("slow")
class Slow(Trainer):
    def train(self, counts, *, progress=None):
        print("training", flush=True)
        while True:
            progress("train", 1, 2)
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_while_training_keeps_the_counts_for_later(number: signal.Signals, code: int, copied: Path) -> None:
    shutil.rmtree(copied / ".cache")
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW, "train", "a.txt", "-o", "stopped", "--method", "slow"],
        cwd=copied,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(copied / ".cache"),
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"training\n"
    check_stops(child, number, code)
    assert not (copied / "stopped").exists()
    done = tokkit("train", "a.txt", "-o", "later", "--vocab-size", 280, "--json", cwd=copied)
    assert done.returncode == 0, done.stderr
    assert steps(done.stdout)["count"]


def check_stops(child: "subprocess.Popen[bytes]", number: signal.Signals, code: int) -> None:
    started = time.monotonic()
    child.send_signal(number)
    # Waits long on a busy machine, but asks for the processor time that a second would give.
    assert child.wait(timeout=30) == code
    assert time.monotonic() - started < 5
    assert child.stderr is not None
    assert child.stderr.read().decode().splitlines()[-1].startswith("error: ")
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            stream.close()


def test_closed_pipe_is_quiet(copied: Path) -> None:
    (copied / "long.txt").write_text(TEXT * 200, encoding="utf-8")
    script = f"{sys.executable} -m tokkit encode out long.txt | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=copied,
        capture_output=True,
        text=True,
        check=False,
        env=environment(copied / ".cache"),
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_two_runs_in_one_folder_are_kept_apart(copied: Path) -> None:
    from tokkit.artifact.lock import folder_lock

    with folder_lock(copied / "busy.run"):
        done = tokkit("train", "a.txt", "-o", "busy", "--vocab-size", 280, cwd=copied)
    assert done.returncode == 5
    assert str(os.getpid()) in done.stderr


def test_a_recipe_gives_a_model_its_tokenizer(tmp_path: Path) -> None:
    tiny_models.model(tiny_models.tokenizer(tmp_path / "base", TEXT[:66], 270), 270)
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    recipe = RECIPE.replace("[[eval]]", 'special_tokens = ["<s>", "</s>"]\n[transplant]\nbase = "base"\n[[eval]]')
    (tmp_path / "some.toml").write_text(recipe, encoding="utf-8")
    done = tokkit("run", "some.toml", "-o", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    model = tmp_path / "out" / "model"
    assert json.loads((model / "config.json").read_text(encoding="utf-8"))["vocab_size"] == 280
    assert (model / "tokenizer.json").read_bytes() == (tmp_path / "out" / "tokenizer.json").read_bytes()
    again = tokkit("run", "some.toml", "-o", "out", "--json", cwd=tmp_path)
    assert steps(again.stdout)["transplant"]
    copy = tokkit("run", "out/recipe.lock.toml", "-o", "copy", "--json", cwd=tmp_path)
    assert copy.returncode == 0, copy.stderr
    assert files_of(tmp_path / "copy" / "model") == files_of(model)
    (tmp_path / "bad.toml").write_text(recipe.replace('base = "base"', 'base = "nowhere"'), encoding="utf-8")
    assert tokkit("run", "bad.toml", "-o", "bad", cwd=tmp_path).returncode == 3
    assert not (tmp_path / "bad").exists()


def test_a_recipe_learns_vectors_of_tokens_from_a_text(tmp_path: Path) -> None:
    tiny_models.model(tiny_models.tokenizer(tmp_path / "base", TEXT[:66], 270), 270)
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    section = '[transplant]\nbase = "base"\nlearn_from = "a.txt"\n[[eval]]'
    recipe = RECIPE.replace("[[eval]]", f'special_tokens = ["<s>", "</s>"]\n{section}')
    (tmp_path / "some.toml").write_text(recipe, encoding="utf-8")
    done = tokkit("run", "some.toml", "-o", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "out" / "model" / "transplant.json").read_text(encoding="utf-8"))
    assert facts["methods"]["model.embed_tokens.weight"]["compose + near"] > 0
