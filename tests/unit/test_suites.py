"""Suites: those that ship are whole, bad ones are refused with the key."""

import pytest

from tests.golden.metric_files import tokenizer
from tokkit.errors import InputError, UsageError
from tokkit.evaluate import evaluate
from tokkit.evaluate.suite import load_suite, read_morphemes, shipped_suites


@pytest.mark.parametrize(
    "name", ["core", "fairness", "turkish", "health", "morphology", "numbers", "stability", "code"]
)
def test_shipped_suite_has_texts_and_metrics_that_exist(name):
    from pathlib import Path

    suite = load_suite(f"{name}@1")
    assert suite.id == f"{name}@1"
    for paths in suite.texts().values():
        assert all(Path(path).is_file() for path in paths)
    assert suite.spec.reference is None or suite.spec.reference in suite.spec.texts
    assert set(suite.word_lists()) <= set(suite.spec.texts)
    assert name in shipped_suites()


def test_unknown_suite_and_version_are_refused():
    with pytest.raises(UsageError, match="unknown suite, got `cor`"):
        load_suite("cor")
    with pytest.raises(UsageError, match="has the version 1 here, got 9"):
        load_suite("core@9")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("suite = ", "no TOML"),
        ('suite = "x"\nversion = 1\n', "description"),
        ('suite = "x"\nversion = 1\ndescription = "d"\nmetrik = []\n', "metrik"),
    ],
)
def test_bad_suite_names_its_fault(tmp_path, content, fault):
    (tmp_path / "s.toml").write_text(content)
    with pytest.raises(InputError, match=fault):
        load_suite(str(tmp_path / "s.toml"))


def test_suite_of_ones_own_has_paths_beside_its_file(tmp_path):
    (tmp_path / "a.txt").write_text("one two\nthree\n")
    (tmp_path / "gold.tsv").write_text("freedoms\tfreedom s\nworld\tworld\n")
    (tmp_path / "s.toml").write_text(
        'suite = "mine"\nversion = 3\ndescription = "d"\nmetrics = ["fertility.ws@1"]\n'
        'morphology = { eng = "gold.tsv" }\nhealth = true\n[texts]\na = "a.txt"\n'
    )
    suite = load_suite(str(tmp_path / "s.toml"))
    assert suite.texts() == {"a": [str(tmp_path / "a.txt")]}
    found = evaluate(
        {"b": tokenizer("bbpe_4k")},
        {"a": ["one two"]},
        suite.spec.metrics,
        morphology=suite.morphology(),
        vocabulary=suite.spec.health,
    )
    assert found.value("b", "eng", "morphology.boundary_recall.bare") is not None
    assert found.value("b", "vocabulary", "health.model_unreachable") == 2
    assert found.warnings == ("b: 2 tokens that no text can yield: 4000, 4001",)


def test_morphemes_that_do_not_join_to_the_word_are_refused(tmp_path):
    (tmp_path / "gold.tsv").write_text("freedoms\tfreedom s\nworlds\tworld z\n")
    with pytest.raises(InputError, match=r"gold\.tsv:2: "):
        read_morphemes(tmp_path / "gold.tsv")


def test_word_list_makes_lexical_validity_defined():
    from tokkit.metrics.lexical import WordList

    words = WordList.of("w@1", "eng", ["the", "of", "and"])
    metric = "lexical_validity.characters"
    found = evaluate({"b": tokenizer("bbpe_4k")}, {"x": ["the cat of the house"]}, [metric], word_lists={"x": words})
    assert 0 < found.value("b", "x", metric) < 1
    without = evaluate({"b": tokenizer("bbpe_4k")}, {"x": ["the cat"]}, [metric])
    assert without.row("b", "x", metric).reason == "no word list is given for this text"
    assert found.manifest["word_lists"] == {"x": {"name": "w@1", "sha256": words.digest}}


def test_text_that_is_not_aligned_with_the_reference_is_refused():
    with pytest.raises(UsageError, match="b: not aligned with the reference: 1 documents, not 2"):
        evaluate({"t": tokenizer("bbpe_4k")}, {"a": ["x", "y"], "b": ["z"]}, ["premium"], reference="a")
