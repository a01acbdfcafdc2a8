"""Recipes: faults are listed all at once, settings apply in order, the lock says the same again."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit import bundle
from tokkit.errors import InputError
from tokkit.recipe import toml
from tokkit.recipe.digest import FileDigest, step_key
from tokkit.recipe.faults import RecipeError
from tokkit.recipe.find import shipped_recipes, summary
from tokkit.recipe.load import Loaded, finish, load, parse_value
from tokkit.recipe.lock import check_inputs, lock_table, lock_text
from tokkit.recipe.schema import Recipe, parse

GOOD = """
recipe = 1
[[corpus.sources]]
path = "a.txt"
[train]
vocab_size = 300
"""


def recipe_of(text: str, tmp_path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    path = tmp_path / "some.toml"
    path.write_text(text, encoding="utf-8")
    return parse(load(str(path), overrides))


def faults_of(text: str, tmp_path: Path, overrides: tuple[str, ...] = ()) -> dict[str, tuple[str, str | None]]:
    with pytest.raises(RecipeError) as caught:
        recipe_of(text, tmp_path, overrides)
    return {fault.where: (fault.what, fault.hint) for fault in caught.value.faults}


def test_all_faults_come_at_once_with_key_paths(tmp_path: Path) -> None:
    text = """
    recipe = 1
    trian = 1
    [[corpus.sources]]
    path = "a.txt"
    wieght = 2.0
    [[corpus.sources]]
    weight = -1
    [pretokenizer]
    name = "lama-bpe@1"
    [train]
    vocab_size = 0
    treshold = 0.9
    min_frequncy = 3
    tie = "frist"
    [[export]]
    to = "tiktokn"
    [[eval]]
    texts = {}
    """
    faults = faults_of(text, tmp_path)
    assert faults["trian"] == ("unknown option, got 1", "did you mean `train`?")
    assert faults["corpus.sources.0.wieght"] == ("unknown option, got 2.0", "did you mean `weight`?")
    assert faults["corpus.sources.1.path"][0] == "is missing"
    assert faults["corpus.sources.1.weight"][0] == "must be at least 0, got -1"
    assert "llama-bpe@1" in str(faults["pretokenizer.name"])
    assert faults["train.vocab_size"][0] == "must be at least 1, got 0"
    assert faults["train.treshold"][0] == "unknown option, got 0.9"
    assert faults["train.min_frequncy"] == ("unknown option, got 3", "did you mean `min_frequency`?")
    assert faults["train.tie"][1] == "did you mean `first`?"
    assert faults["export.0.to"][1] == "did you mean `tiktoken`?"
    assert "eval.0.texts" in faults


@pytest.mark.parametrize("size", ["8589934592", "-5", "0", "nan", "1.5", '"many"', "[1]"])
def test_hostile_sizes_are_refused_before_any_work(size: str, tmp_path: Path) -> None:
    faults = faults_of(GOOD.replace("300", size), tmp_path)
    assert list(faults) == ["train.vocab_size"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "recipe"),
        ("recipe = 2", "recipe"),
        ('recipe = "1"', "recipe"),
        ("recipe = 1", "corpus"),
        ("recipe = 1\n[corpus]\nsources = 3", "corpus.sources"),
        ('recipe = 1\ncorpus = "a.txt"', "corpus"),
        (GOOD + "[vars]\n[[export]]\nto = 'hf'\n[[export]]\nto = 'hf'", "export"),
        (GOOD + "method = 'bpee'", "train.method"),
        (GOOD + "[roles]\neos = '</s>'", "roles.eos"),
        (GOOD + "[roles]\neoss = '</s>'", "roles.eoss"),
    ],
)
def test_fault_names_its_key(text: str, where: str, tmp_path: Path) -> None:
    assert where in faults_of(text, tmp_path)


def test_broken_toml_names_file_and_line(tmp_path: Path) -> None:
    faults = faults_of("recipe = 1\n[train\n", tmp_path)
    assert str(tmp_path / "some.toml") in faults
    assert "line 2" in faults[str(tmp_path / "some.toml")][0]


def test_missing_recipe_names_the_nearest() -> None:
    with pytest.raises(RecipeError) as caught:
        load("quickstart/englsh")
    assert caught.value.hint == "did you mean `quickstart/english`?"


def test_set_changes_any_key(tmp_path: Path) -> None:
    overrides = ("train.vocab_size=512", "corpus.sources.0.weight=2.5", 'train.special_tokens=["<x>"]', "output=out")
    recipe = recipe_of(GOOD, tmp_path, overrides)
    assert recipe.training.model_dump()["vocab_size"] == 512
    assert recipe.training.model_dump()["special_tokens"] == ("<x>",)
    assert recipe.sources[0].weight == 2.5
    assert recipe.output == "out"


@pytest.mark.parametrize("override", ["train", "=3", "train..x=1", "corpus.sources.7.weight=1", "recipe.x=1"])
def test_set_that_cannot_apply_is_a_fault(override: str, tmp_path: Path) -> None:
    assert any(where.startswith("--set") for where in faults_of(GOOD, tmp_path, (override,)))


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("0.5", 0.5), ("true", True), ('"a b"', "a b"), ("a b", "a b"), ("[1, 2]", [1, 2])]
)
def test_set_values_are_toml_or_text(text: str, value: object) -> None:
    assert parse_value(text) == value


def test_variables_keep_their_type(tmp_path: Path) -> None:
    text = GOOD.replace("300", '"${size}"').replace("a.txt", "${lang}/a.txt") + '[vars]\nsize = 400\nlang = "tr"\n'
    recipe = recipe_of(text, tmp_path, ("vars.size=500",))
    assert recipe.training.model_dump()["vocab_size"] == 500
    assert recipe.sources[0].path == "tr/a.txt"


def test_unknown_variable_is_a_fault(tmp_path: Path) -> None:
    assert "corpus.sources.0.path" in faults_of(GOOD.replace("a.txt", "${nope}.txt"), tmp_path)


def test_extends_merges_tables_and_replaces_lists(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(GOOD + "min_frequency = 7\n", encoding="utf-8")
    recipe = recipe_of('extends = "base.toml"\n[[corpus.sources]]\npath = "b.txt"\n[train]\nvocab_size = 301', tmp_path)
    assert [source.path for source in recipe.sources] == ["b.txt"]
    assert recipe.training.model_dump()["vocab_size"] == 301
    assert recipe.training.model_dump()["min_frequency"] == 7


def test_circular_extends_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('extends = "some.toml"', encoding="utf-8")
    with pytest.raises(RecipeError, match="goes in circles"):
        recipe_of('extends = "other.toml"', tmp_path)


def test_here_is_the_folder_of_the_recipe(tmp_path: Path) -> None:
    assert recipe_of(GOOD.replace("a.txt", "${here}/a.txt"), tmp_path).sources[0].path == f"{tmp_path}/a.txt"


def test_shared_source_options_reach_every_source(tmp_path: Path) -> None:
    recipe = recipe_of(GOOD + '[corpus.source]\nlanguage = "tr"\n', tmp_path)
    assert recipe.sources[0].language == "tr"


def test_special_tokens_of_the_training_are_cut_out_of_the_text(tmp_path: Path) -> None:
    recipe = recipe_of(GOOD + 'special_tokens = ["<|end|>"]\n', tmp_path)
    assert recipe.counting.specials == ("<|end|>",)


def test_lock_is_a_recipe_that_means_the_same(tmp_path: Path) -> None:
    text = GOOD + 'special_tokens = ["<|end|>"]\n[roles]\neos = "<|end|>"\n[[export]]\nto = "tiktoken"\n'
    text += '[[eval]]\ntexts = { en = "en.txt" }\n'
    recipe = recipe_of(text, tmp_path)
    digests = [FileDigest("a.txt", 3, "0" * 64)]
    table = lock_table(recipe, digests, counts_digest="1" * 64, pretokenizer="llama-bpe@1")
    again = recipe_of(lock_text(table), tmp_path)
    assert again.lock["counts"] == "1" * 64
    assert lock_table(again, digests, counts_digest="1" * 64, pretokenizer="llama-bpe@1") == table
    assert (again.sources, again.counting, again.training) == (recipe.sources, recipe.counting, recipe.training)
    assert (again.exports, again.evaluations, again.roles) == (recipe.exports, recipe.evaluations, recipe.roles)


def test_changed_inputs_of_a_lock_are_all_named() -> None:
    lock = {"inputs": [{"path": "a", "sha256": "1"}, {"path": "b", "sha256": "2"}]}
    check_inputs(lock, [FileDigest("a", 1, "1"), FileDigest("b", 1, "2")])
    with pytest.raises(InputError, match="a has another content, b is gone, c is new"):
        check_inputs(lock, [FileDigest("a", 1, "9"), FileDigest("c", 1, "3")])


def test_step_key_depends_on_facts_only() -> None:
    assert step_key("count", {"a": 1, "b": 2}) == step_key("count", {"b": 2, "a": 1})
    assert step_key("count", {"a": 1}) != step_key("train", {"a": 1})
    assert step_key("count", {"a": 1}) != step_key("count", {"a": 2})


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipe_has_no_fault_and_says_what_it_is(name: str) -> None:
    path = shipped_recipes()[name]
    recipe = parse(load(name))
    assert recipe.sources
    assert len(summary(path)) > 20
    for source in recipe.sources:
        assert (bundle.folder("data") / source.path.removeprefix("data:")).is_file()


scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=("Cs",))),
)
keys = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
tables = st.recursive(
    st.dictionaries(keys, st.one_of(scalars, st.lists(scalars, max_size=3)), max_size=4),
    lambda inner: st.dictionaries(keys, st.one_of(scalars, inner, st.lists(inner, min_size=1, max_size=2)), max_size=4),
    max_leaves=12,
)


@given(tables)
def test_written_toml_reads_back(table: dict[str, Any]) -> None:
    assert tomllib.loads(toml.dumps(table)) == table


@given(st.text(max_size=60))
def test_any_override_is_applied_or_a_fault(text: str) -> None:
    loaded = finish(Loaded("x", {"recipe": 1, "corpus": {"sources": [{"path": "a"}]}}), (text,))
    assert loaded.faults or loaded.table
