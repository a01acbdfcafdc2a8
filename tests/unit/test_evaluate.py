"""An evaluation as its user sees it: rows, table, JSON, data frame."""

import json

import pytest

from tokkit.errors import UsageError
from tokkit.evaluate import BASELINES, DEFAULT_METRICS, evaluate, runner


@pytest.fixture
def results():
    tokenizers = {name: make() for name, make in BASELINES.items()}
    return evaluate(tokenizers, {"en": ["good day", "a"], "empty": []})


def test_one_row_for_each_tokenizer_text_and_metric(results):
    assert len(results.rows) == len(BASELINES) * 2 * len(DEFAULT_METRICS)
    assert results.value("bytes", "en", "fertility.ws") == 3.0
    assert results.value("bytes", "empty", "fertility.ws") is None


def test_json_is_strict_and_names_its_schema(results):
    document = json.loads(results.to_json(), parse_constant=pytest.fail)
    assert document["schema"] == "tokkit.evaluation"
    assert document["version"] == 2
    row = next(row for row in document["rows"] if row["text"] == "empty" and row["metric"] == "bytes_per_token@1")
    assert row["value"] is None
    assert row["reason"] == "no tokens"


def test_data_frame_has_the_rows(results):
    frame = results.to_pandas()
    assert len(frame) == len(results.rows)
    picked = frame.query("tokenizer == 'characters' and text == 'en' and metric == 'tokens@1'")
    assert picked["value"].tolist() == [9.0]


def test_table_has_a_line_for_each_text_and_tokenizer(results):
    lines = results.table().splitlines()
    assert len(lines) == 2 + 2 * len(BASELINES)
    assert lines[0].split() == ["text", "tokenizer", *(f"{name}@1" for name in DEFAULT_METRICS)]
    assert lines[2].split()[:4] == ["en", "bytes", "9", "1.000"]


def test_cutting_into_batches_changes_nothing(results, monkeypatch):
    monkeypatch.setattr(runner, "BATCH_CHARACTERS", 1)
    tokenizers = {name: make() for name, make in BASELINES.items()}
    assert evaluate(tokenizers, {"en": ["good day", "a"], "empty": []}) == results


def test_progress_counts_documents_to_the_end():
    seen = []
    evaluate({"bytes": BASELINES["bytes"]()}, {"t": ["a", "b"]}, progress=lambda *call: seen.append(call))
    assert seen[-1] == ("evaluate", 2, 2)


@pytest.mark.parametrize("arguments", [({}, {"t": ["a"]}), ({"b": BASELINES["bytes"]()}, {})])
def test_nothing_to_evaluate_is_refused(arguments):
    with pytest.raises(UsageError, match="no (tokenizer|text) is given"):
        evaluate(*arguments)
