"""Start-up: what it imports, what it costs, what the help says."""

import json
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.cli.command import PROJECT, environment, tokkit, tokkit_process
from tokkit.cli.app import top
from tokkit.cli.listed import listing
from tokkit.cli.verb import Verb
from tokkit.cli.verbs import VERBS

HEAVY = ("numpy", "pydantic", "numba", "pandas", "datasets", "torch", "transformers", "pyarrow", "rich", "tokenizers")


def command_of(name: str) -> Verb:
    command = top.get_command(click.Context(top), name)
    assert isinstance(command, Verb)
    return command


def heavy_after(asked: list[list[str]], home: Path) -> str:
    """What one process says that ran all these command lines: heavy modules that are there, and the exit codes."""
    code = (
        "import sys\nfrom tokkit.cli.app import run\n"
        f"codes = [run(arguments) for arguments in {asked!r}]\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules], set(codes))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment(home)
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(flag: str, tmp_path: Path) -> None:
    assert heavy_after([[flag]], tmp_path) == "heavy: [] {0}"


def test_help_of_no_verb_imports_anything_heavy(tmp_path: Path) -> None:
    """All verbs in one process: what any of them imports is there at the end."""
    asked = [[name, "--help"] for name in VERBS] + [["train", "--method", "picky", "-h"], ["eval", "--proxy-lm", "-h"]]
    assert heavy_after(asked, tmp_path) == "heavy: [] {0}"


def test_what_help_lists_is_what_the_configs_say() -> None:
    """`python -m tokkit.cli.listed` writes the file anew."""
    kept = (PROJECT / "tokkit" / "cli" / "listed.json").read_text(encoding="utf-8")
    assert kept == listing()


def test_help_of_a_transplant_lists_all_methods_and_the_options_of_one(tmp_path: Path) -> None:
    from tokkit.transplant.base import METHODS

    text = tokkit("transplant", "--method", "wechsel", "--help", cwd=tmp_path).stdout
    shown = " ".join(text.split())
    assert ", ".join(METHODS.builtins()) in shown
    assert "Options of --method wechsel:" in text
    assert "--neighbors N" in text
    odd = tokkit("transplant", "--method", "wexhsel", "--help", cwd=tmp_path)
    assert (odd.returncode, "did you mean `wechsel`" in odd.stderr) == (2, True)


@pytest.mark.parametrize(("verb", "promised"), [((), 0.15), (("transplant",), 0.25)])
def test_help_takes_little_processor_time(verb: tuple[str, ...], promised: float, tmp_path: Path) -> None:
    """0.15 s is promised of tokkit itself; the best of five, because others share the machine."""
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert tokkit_process(*verb, "--help", cwd=tmp_path).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < promised


def test_importing_tokkit_imports_nothing_heavy(tmp_path: Path) -> None:
    code = f"import sys, tokkit; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment(tmp_path)
    )
    assert done.stdout.strip() == "[]"


def test_help_lists_every_verb(tmp_path: Path) -> None:
    text = tokkit("--help", cwd=tmp_path).stdout
    assert all(f"  {name} " in text for name in VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_two_examples_that_parse(name: str) -> None:
    """Each example is split as a shell would and parsed by click with all options that it names."""
    command = command_of(name)
    assert len(command.examples) >= 2
    for example in command.examples:
        calls = [part.strip() for part in example.split("|")]
        own = [call for call in calls if call.startswith("tokkit ") or "$(tokkit" in call]
        assert own, example
        for call in own:
            words = shlex.split(call.replace('eval "$(', "").replace(')"', "").split(" > ")[0])
            verb = command_of(words[1])
            arguments = words[2:]
            context = verb.make_context(words[1], list(arguments), resilient_parsing=False)
            assert not context.args


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_shows_help(name: str) -> None:
    context = click.Context(command_of(name), info_name=name)
    command_of(name).parse_args(context, []) if name in {"list", "doctor"} else None
    text = command_of(name).get_help(context)
    assert VERBS[name].summary.split(";")[0].split()[0] in text
    assert "Examples:" in text


def test_unknown_verb_names_the_nearest(tmp_path: Path) -> None:
    done = tokkit("trian", "x.txt", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: unknown verb, got `trian`\nhint: did you mean `train`?\n"


def test_unknown_option_names_the_nearest(tmp_path: Path) -> None:
    done = tokkit("train", "x.txt", "-o", "t", "--vocab-sise", "300", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: --vocab-sise: unknown option\nhint: did you mean `--vocab-size`?\n"


def test_missing_argument_is_a_usage_error(tmp_path: Path) -> None:
    done = tokkit("encode", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: missing argument")


def test_options_of_a_method_come_from_its_config() -> None:
    from tokkit.trainers import TRAINERS

    command = command_of("train")
    context = command.make_context("train", ["x.txt", "-o", "t"])
    flags = {flag for parameter in command.get_params(context) for flag in parameter.opts}
    assert {"--vocab-size", "--min-frequency", "--special-tokens"} <= flags
    help_text = command.get_help(context)
    described = TRAINERS.get("bpe").Config.model_fields["min_frequency"].description
    assert described is not None
    assert described[1:20] in help_text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_back(shell: str, tmp_path: Path) -> None:
    done = tokkit("completion", shell, cwd=tmp_path)
    assert done.returncode == 0
    assert "_TOKKIT_COMPLETE" in done.stdout


def test_completion_completes_verbs(tmp_path: Path) -> None:
    extra = {"_TOKKIT_COMPLETE": "bash_complete", "COMP_WORDS": "tokkit trai", "COMP_CWORD": "1"}
    assert tokkit_process(cwd=tmp_path, extra=extra).stdout.split() == ["plain,train"]


def test_doctor_says_what_it_runs_on(tmp_path: Path) -> None:
    done = tokkit("doctor", "--json", cwd=tmp_path)
    facts = json.loads(done.stdout)
    assert done.returncode == 0, facts["faults"]
    assert facts["schema"] == "tokkit.doctor"
    assert facts["core"] == facts["tokkit"]
    assert facts["cores"] >= 1
    assert facts["unicode"].count(".") == 2


def test_list_names_everything(tmp_path: Path) -> None:
    listed = json.loads(tokkit("list", "--json", cwd=tmp_path).stdout)
    assert "bpe" in listed["trainers"]
    assert "llama-bpe@1" in listed["pretokenizers"]
    assert "hf" in listed["exports"]
    assert "bytes_per_token@1" in listed["metrics"]
    assert "core@1" in listed["suites"]
    assert "quickstart/english" in listed["recipes"]
    assert all(summary for kind in ("trainers", "exports", "metrics", "recipes") for summary in listed[kind].values())


def test_package_lies_where_the_tests_think() -> None:
    assert (PROJECT / "tokkit" / "__main__.py").is_file()
