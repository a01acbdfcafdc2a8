"""`tokkit eval` and `tokkit compare`: formats, gates and their exit codes, files that they write."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.command import tokkit

ENGLISH = "the quick brown fox jumps over the lazy dog\nthe dog sleeps\na cat\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "en.txt").write_text(ENGLISH, encoding="utf-8")
    return tmp_path


def test_broken_gate_prints_the_numbers_and_exits_with_1(folder):
    done = tokkit("eval", "bytes", "--on", "en=en.txt", "--gate", "fertility.ws[en]<=2", cwd=folder)
    assert done.returncode == 1
    assert "fertility.ws@1" in done.stdout
    assert "fertility.ws[en]<=2: bytes on en has" in done.stderr
    assert tokkit("eval", "bytes", "--on", "en=en.txt", "--gate", "fertility.ws<=9", cwd=folder).returncode == 0


def test_baseline_stops_what_got_worse(folder):
    saved = tokkit("eval", "t=characters", "--on", "en=en.txt", "--metric", "vocab_utilisation", "--json", cwd=folder)
    (folder / "old.json").write_text(saved.stdout, encoding="utf-8")
    again = ("--on", "en=en.txt", "--metric", "vocab_utilisation", "--baseline", "old.json")
    assert tokkit("eval", "t=characters", *again, cwd=folder).returncode == 0
    better = json.loads(saved.stdout)
    better["rows"][0]["value"] *= 1.1
    (folder / "old.json").write_text(json.dumps(better), encoding="utf-8")
    done = tokkit("eval", "t=characters", *again, cwd=folder)
    assert done.returncode == 1
    assert "vocab_utilisation@1: t on en has" in done.stderr
    assert tokkit("eval", "t=characters", *again, "--max-regress", "20%", cwd=folder).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--gate", "fertility.ws"), 2, "METRIC[TEXT]<=NUMBER"),
        (("--gate", "nope<=1"), 2, "unknown metric"),
        (("--max-regress", "x"), 2, "must be a share"),
        (("--baseline", "none.json"), 3, "none.json"),
        (("--suite", "nope"), 2, "unknown suite"),
        (("--ref", "fr"), 2, "no such text"),
        (("--words", "en"), 2, "TEXT=FILE"),
        (("--html", "en.txt"), 2, "exists already"),
    ],
)
def test_bad_option_names_itself(folder, arguments, code, message):
    done = tokkit("eval", "bytes", "--on", "en=en.txt", *arguments, cwd=folder)
    assert done.returncode == code
    assert message in done.stderr


def test_formats_are_what_they_say(folder):
    def printed(form: str) -> str:
        return tokkit("eval", "bytes", "--on", "en=en.txt", "--format", form, cwd=folder).stdout

    assert json.loads(printed("json"))["schema"] == "tokkit.evaluation"
    assert {row["tokenizer"] for row in csv.DictReader(io.StringIO(printed("csv")))} == {"bytes"}
    assert printed("markdown").startswith("| text | tokenizer |")
    assert printed("latex").startswith(r"\begin{tabular}")


def test_page_and_rows_are_written_once(folder):
    arguments = ("eval", "bytes", "--on", "en=en.txt", "--html", "p.html", "--parquet", "p.parquet")
    assert tokkit(*arguments, cwd=folder).returncode == 0
    assert (folder / "p.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (folder / "p.parquet").read_bytes()[:4] == b"PAR1"
    assert tokkit(*arguments, cwd=folder).returncode == 2
    assert tokkit(*arguments, "--overwrite", cwd=folder).returncode == 0


def test_suite_brings_its_texts_and_reference(folder):
    done = tokkit("eval", "bytes", "--suite", "fairness@1", "--json", cwd=folder)
    rows = json.loads(done.stdout)["rows"]
    premiums = {row["text"]: row["value"] for row in rows if row["metric"] == "premium@1"}
    assert premiums["eng"] == 1.0
    assert len(premiums) == 14
    assert premiums["tha"] > 2
    gini = next(row for row in rows if row["metric"] == "fairness.gini@1")
    assert (gini["text"], gini["tokenizer"]) == ("all texts", "bytes")
    assert 0.1 < gini["value"] < 0.4


def test_metric_explains_itself(folder):
    done = tokkit("eval", "--explain", "premium@1", cwd=folder)
    assert done.returncode == 0
    assert "does not tell:" in done.stdout


def test_eval_without_tokenizer_or_text_is_refused(folder):
    assert tokkit("eval", cwd=folder).returncode == 2
    assert tokkit("eval", "bytes", cwd=folder).returncode == 2


def test_compare_gives_a_verdict_for_every_pair(folder):
    done = tokkit("compare", "bytes", "characters", "--on", "en=en.txt", "--json", cwd=folder)
    found = json.loads(done.stdout)
    assert [(pair["a"], pair["b"], pair["verdict"]) for pair in found["pairs"]] == [("bytes", "characters", "the same")]
    table = tokkit("compare", "bytes", "characters", "--on", "en=en.txt", cwd=folder).stdout
    assert "the same" in table
    assert tokkit("compare", "bytes", "--on", "en=en.txt", cwd=folder).returncode == 2


def test_list_names_metrics_with_versions_and_suites(folder):
    assert "fertility.ws@1" in tokkit("list", "metrics", cwd=folder).stdout
    assert "core@1" in tokkit("list", "suites", cwd=folder).stdout


def test_tools_prices_lists_and_words_are_taken_from_the_command_line(folder):
    (folder / "p.toml").write_text('currency = "EUR"\n[per_million_tokens]\nbytes = 1000000\n', encoding="utf-8")
    (folder / "gold.tsv").write_text("# note\ncats\tcat s\t1\t3\n", encoding="utf-8")
    (folder / "roots.txt").write_text("t\nh\n", encoding="utf-8")
    done = tokkit(
        *("eval", "bytes", "--on", "en=en.txt", "--as", "tokscope", "--prices", "p.toml", "--morphology", "g=gold.tsv"),
        *(
            "--morphemes",
            "en=roots.txt",
            "--metric",
            "purity.types",
            "--metric",
            "tokens",
            "--worst-words",
            "2",
            "--json",
        ),
        cwd=folder,
    )
    found = json.loads(done.stdout)
    values = {(row["text"], row["metric"]): row["value"] for row in found["rows"]}
    n_bytes = len(ENGLISH) - ENGLISH.count("\n")  # line feeds are no part of documents
    assert values["en", "tokens@1"] == values["en", "cost.text@1"] == n_bytes
    assert values["en", "as.tokscope.token_count@1"] == len(ENGLISH)
    assert values["g", "morphology.morphscore2_recall.bare@1"] == 1.0
    assert values["en", "purity.types@1"] == pytest.approx(2 / 26)
    assert [row["word"] for row in found["details"]["worst_words"]["bytes"]["en"]] == ["the", "sleeps"]


def test_sample_of_aligned_texts_stays_aligned(folder):
    (folder / "a.txt").write_text("".join(f"{n}\n" for n in range(50)), encoding="utf-8")
    (folder / "b.txt").write_text("".join(f"{n}\n" for n in range(50)), encoding="utf-8")
    options = ("--on", "a=a.txt", "--on", "b=b.txt", "--ref", "a", "--metric", "premium", "--sample", "7", "--json")
    found = json.loads(tokkit("eval", "bytes", *options, cwd=folder).stdout)
    assert [row["value"] for row in found["rows"][:2]] == [1.0, 1.0]
    texts = found["manifest"]["texts"]
    assert texts["a"]["documents"] == 7
    assert texts["a"]["sha256"] == texts["b"]["sha256"]
    assert found["manifest"]["sample"] == 7


def test_results_are_verified_and_compared_from_files(folder):
    options = ("eval", "t=bytes", "--on", "en=en.txt", "--metric", "tokens", "--json")
    (folder / "a.json").write_text(tokkit(*options, cwd=folder).stdout, encoding="utf-8")
    assert tokkit(*options, "--verify", "a.json", cwd=folder).returncode == 0
    shown = tokkit("compare", "a.json", "a.json", cwd=folder)
    assert "the same" in shown.stdout
    (folder / "en.txt").write_text("another text\n", encoding="utf-8")
    other = tokkit(*options, "--verify", "a.json", cwd=folder)
    assert (other.returncode, "`en` is another text there" in other.stderr) == (2, True)
    (folder / "b.json").write_text(tokkit(*options, cwd=folder).stdout, encoding="utf-8")
    refused = tokkit("compare", "a.json", "b.json", cwd=folder)
    assert (refused.returncode, "another text" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--as", "nope"), 2, "no such tool"),
        (("--as", "morphscore1"), 2, "--morphology NAME=FILE"),
        (("--as", "bayram2025-offline"), 2, "--words TEXT=FILE"),
        (("--prices", "none.toml"), 3, "none.toml"),
        (("--morphology", "g=none.tsv"), 3, "none.tsv"),
        (("--words", "fr=en.txt"), 2, "no such text, got `fr`"),
        (("--metric", "fairness.gini"), 2, "--ref NAME"),
        (("--metric", "as.toklens.cpt"), 2, "--as TOOL"),
    ],
)
def test_new_option_names_its_fault(folder, arguments, code, message):
    done = tokkit("eval", "bytes", "--on", "en=en.txt", *arguments, cwd=folder)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_threads_change_no_figure_and_bad_ones_are_refused(folder):
    said = [tokkit("eval", "bytes", "--on", "en=en.txt", "-j", n, "--json", cwd=folder).stdout for n in ("1", "2", "8")]
    assert said[0] == said[1] == said[2] != ""
    assert tokkit("compare", "bytes", "characters", "--on", "en=en.txt", "-j", "1", cwd=folder).returncode == 0
    done = tokkit("eval", "bytes", "--on", "en=en.txt", "-j", "many", cwd=folder)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "must be a whole number, got `many`" in done.stderr


def test_text_that_is_no_utf8_is_refused_with_its_place_and_what_to_do(folder):
    (folder / "bad.txt").write_bytes(b"good\nna\xefve\n")
    done = tokkit("eval", "bytes", "--on", "bad.txt", cwd=folder)
    assert done.returncode == 3
    assert "bad.txt:2:3: invalid UTF-8, got byte 0xef" in done.stderr
    assert "convert the file to UTF-8" in done.stderr
    assert "--invalid-utf8" not in done.stderr
