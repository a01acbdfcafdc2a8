"""`explain` and `undertrained`: what the log tells about a token, and what a text makes of a vocabulary."""

import gzip
import json
import sys
import types
from pathlib import Path

import pytest
from click.testing import CliRunner

from tokkit import artifact
from tokkit.corpus import Texts
from tokkit.counts import CountTable, count
from tokkit.errors import InputError, TokenizerError
from tokkit.model.explain import explain, find_id, find_token
from tokkit.model.tokenizer import Tokenizer
from tokkit.report.explain import render_explanation
from tokkit.report.undertrained import count_uses, picture, table
from tokkit.trainers.bpe import Bpe
from tokkit.trainers.picky import Picky
from tokkit.trainers.scaffold import Scaffold

DATA = Path(__file__).parents[2] / "data"
UDHR = DATA / "udhr" / "eng.txt"
PYDOCS = DATA / "pydocs" / "en.txt.gz"


@pytest.fixture(scope="module")
def udhr() -> CountTable:
    return count(Texts([UDHR.read_text(encoding="utf-8")]), pretokenizer="llama-bpe@1")


def test_removed_token_tells_what_took_its_uses():
    # ab is made of 10, then 9 go into abc: 9 / (1 + 9) = 90 %.
    counts = CountTable.from_items([(b"abc", 9), (b"ab", 1)], pretokenizer="none@1")
    model = Picky(Picky.Config(unit="char", vocab_size=5, threshold=0.8)).train(counts)
    found = explain(model, find_token(model, b"ab"))
    assert [step.what for step in found.steps][:2] == ["made", "removed"]
    assert '9 of its uses went into "abc", 1 were left: 90.0%' in found.steps[1].why
    assert found.parents == (0, 1)
    assert [model.tokens[token] for _, token in found.children] == [b"abc"]
    assert '"ab"' in render_explanation(model, found)


def test_restored_token_says_so():
    counts = CountTable.from_items([(b"aaab", 9), (b"aab", 30), (b"ab", 4), (b"aabaab", 20)], pretokenizer="none@1")
    config = Picky.Config(unit="char", vocab_size=9, threshold=0.3, max_events=500)
    model = Picky(config).train(counts)
    whats = {step.what for token in range(len(model.tokens)) for step in explain(model, token).steps}
    assert {"made", "removed", "restored"} <= whats


def test_flagged_token_tells_what_came_next(udhr):
    model = Scaffold(Scaffold.Config(vocab_size=500)).train(udhr)
    gone = next(token for token in range(len(model.tokens)) if not model.present[token])
    steps = explain(model, gone).steps
    assert steps[-1].what == "flagged"
    assert "what came next had" in steps[-1].why
    assert explain(model, gone).id is None


def test_tokens_are_found_by_bytes_and_by_id(udhr):
    model = Bpe(Bpe.Config(vocab_size=300)).train(udhr)
    number = Tokenizer.from_model(model).encode(" the")[0]
    assert find_id(model, number) == find_token(model, model.tokens[find_id(model, number)])
    with pytest.raises(InputError, match="ever made"):
        find_token(model, b"no such token at all")
    with pytest.raises(InputError, match="not in the vocabulary"):
        find_id(model, 300)


def test_picky_and_scaffold_have_fewer_rare_tokens_than_plain_bpe(tmp_path):
    text = gzip.decompress(PYDOCS.read_bytes())
    counts = count(Texts([text.decode()]), pretokenizer="llama-bpe@1")
    trainers = (("bpe", Bpe, {}), ("picky", Picky, {"threshold": 0.6}), ("scaffold", Scaffold, {}))
    rows = [
        count_uses(
            name, Tokenizer.from_model(trainer(trainer.Config(vocab_size=3000, **options)).train(counts)), counts
        )
        for name, trainer, options in trainers
    ]
    # Bytes that no text holds are the same few in all three.
    bpe, picky, scaffold = (row.below(20) - row.below(1) for row in rows)
    assert picky < bpe
    assert scaffold < bpe
    assert rows[0].text_bytes == len(text)
    assert "picky" in table(rows)
    picture(rows, tmp_path / "uses.svg")
    assert (tmp_path / "uses.svg").stat().st_size > 1000


def test_commands_print_data_on_stdout(udhr, tmp_path):
    from tokkit.cli.commands import explain as explain_command
    from tokkit.cli.commands import undertrained as undertrained_command

    artifact.save(Picky(Picky.Config(vocab_size=600, threshold=0.6)).train(udhr), tmp_path / "picky")
    runner = CliRunner()
    result = runner.invoke(explain_command.command, [str(tmp_path / "picky"), " the", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["bytes"] == b" the".hex()
    result = runner.invoke(undertrained_command.command, [str(tmp_path / "picky"), "--on", str(UDHR), "--rarest", "3"])
    assert result.exit_code == 0, result.output
    assert "bytes/token" in result.stdout


def test_vllm_learns_of_the_mode_and_runs_no_code_of_the_folder(udhr, tmp_path, monkeypatch):
    from tokkit.export import EXPORTERS
    from tokkit.serve import vllm as plugin

    registered: list[tuple[str, str, str]] = []
    fake = types.ModuleType("vllm")
    fake.tokenizers = types.ModuleType("vllm.tokenizers")
    fake.tokenizers.TokenizerRegistry = types.SimpleNamespace(register=lambda *names: registered.append(names))
    monkeypatch.setitem(sys.modules, "vllm", fake)
    monkeypatch.setitem(sys.modules, "vllm.tokenizers", fake.tokenizers)
    plugin.register()
    ((mode, module, name),) = registered
    made = getattr(sys.modules[module], name)
    model = Picky(Picky.Config(vocab_size=600, threshold=0.6)).train(udhr)
    EXPORTERS.get("hf")(model, tmp_path)
    (tmp_path / "tokenization_tokkit.py").write_text("raise SystemExit('ran')\n", encoding="utf-8")
    loaded = made.from_pretrained(tmp_path, trust_remote_code=True)
    assert mode == "tokkit"
    assert loaded("the rights of all")["input_ids"] == Tokenizer.from_model(model).encode("the rights of all")


# What `vllm.tokenizers.TokenizerLike` of vLLM 0.33 asks for.
ASKED_BY_VLLM = (
    "all_special_ids",
    "all_special_tokens",
    "apply_chat_template",
    "bos_token_id",
    "convert_ids_to_tokens",
    "convert_tokens_to_ids",
    "convert_tokens_to_string",
    "decode",
    "encode",
    "eos_token_id",
    "get_added_vocab",
    "get_chat_template",
    "get_vocab",
    "is_fast",
    "max_chars_per_token",
    "max_token_id",
    "num_special_tokens_to_add",
    "pad_token_id",
    "truncation_side",
    "vocab_size",
)


def test_vllm_gets_all_that_it_asks_of_a_tokenizer(udhr, tmp_path):
    from tokkit.export import EXPORTERS
    from tokkit.serve.vllm import VllmTokenizer

    EXPORTERS.get("hf")(Picky(Picky.Config(vocab_size=600, threshold=0.6)).train(udhr), tmp_path)
    loaded = VllmTokenizer.from_pretrained(tmp_path, truncation_side="left")
    assert [name for name in ASKED_BY_VLLM if not hasattr(loaded, name)] == []
    assert loaded.truncation_side == "left"
    assert loaded.max_token_id == 599


def test_vllm_is_told_of_a_folder_without_our_encoder(udhr, tmp_path):
    from tokkit.export import EXPORTERS
    from tokkit.serve.vllm import VllmTokenizer

    EXPORTERS.get("hf")(Bpe(Bpe.Config(vocab_size=300)).train(udhr), tmp_path)
    with pytest.raises(TokenizerError, match=r"no tokkit_encoder\.json"):
        VllmTokenizer.from_pretrained(tmp_path)
