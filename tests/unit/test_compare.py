"""Comparison and gates: verdicts on effects that are known, refusals, exit by expression and by baseline."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.metric_files import texts, tokenizer
from tokkit.errors import InputError, UsageError
from tokkit.evaluate import BASELINES, Results, compare, evaluate, statistics
from tokkit.evaluate.gates import broken_gates, parse_gate, parse_share, regressions


@pytest.fixture(scope="module")
def english():
    return {"eng": texts()["eng"]}


@pytest.fixture(scope="module")
def results(english):
    return evaluate({"b": tokenizer("bbpe_4k")}, english, ["fertility.ws", "bytes_per_token"], intervals=True)


def test_clearly_better_tokenizer_is_said_to_be_better(english):
    found = compare({"a": tokenizer("bbpe_4k"), "s": tokenizer("superword_3k")}, english, draws=2000)
    pair = found.pairs[0]
    assert pair.verdict == "s is better"
    assert pair.low < pair.ratio < pair.high
    assert pair.ratio == pytest.approx(2403 / 1987)
    assert [(rank.tokenizer, rank.rank, rank.low, rank.high) for rank in found.ranks] == [
        ("a", 2, 2, 2),
        ("s", 1, 1, 1),
    ]
    higher = compare(
        {"a": tokenizer("bbpe_4k"), "s": tokenizer("superword_3k")}, english, ["bytes_per_token"], draws=2000
    )
    assert higher.pairs[0].verdict == "s is better"
    assert higher.pairs[0].ratio == pytest.approx(1987 / 2403)


def test_same_tokenizer_twice_is_the_same(english):
    found = compare({"a": BASELINES["bytes"](), "b": BASELINES["bytes"]()}, english, draws=200)
    assert found.pairs[0].verdict == "the same"
    assert found.pairs[0].p is None


def test_difference_below_the_least_effect_is_practically_equal(english):
    wide = compare({"a": tokenizer("bbpe_4k"), "s": tokenizer("superword_3k")}, english, min_effect=0.5, draws=2000)
    assert wide.pairs[0].verdict == "practically equal"
    assert wide.pairs[0].p_adjusted < 1e-6


def test_comparison_refuses_what_has_no_documents_to_draw(english):
    pair = {"a": BASELINES["bytes"](), "b": BASELINES["characters"]()}
    with pytest.raises(UsageError, match="no ratio of sums"):
        compare(pair, english, ["renyi_efficiency.observed"])
    with pytest.raises(UsageError, match="one document"):
        compare(pair, {"x": ["only one"]})
    with pytest.raises(UsageError, match="two tokenizers"):
        compare({"a": BASELINES["bytes"]()}, english)


def test_comparison_is_strict_json(english):
    found = compare({"a": BASELINES["bytes"](), "b": BASELINES["characters"]()}, english, draws=100)
    document = json.loads(found.to_json(), parse_constant=pytest.fail)
    assert (document["schema"], document["version"]) == ("tokkit.comparison", 1)


def test_intervals_hold_the_value(results):
    for row in results.rows:
        assert row.low < row.value < row.high


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=2, max_size=30))
def test_grouped_documents_keep_the_sums(pairs):
    above, below = np.array(pairs, np.int64).T
    low, high, error = statistics.bootstrap_ratio(above, below, draws=50, seed=3)
    assert low <= high
    assert error >= 0
    assert min(above / below) - 1e-9 <= low


def test_many_documents_give_the_interval_of_theory():
    generator = np.random.default_rng(1)
    below = generator.integers(5, 15, 50_000)
    above = below + generator.integers(0, 10, 50_000)
    low, high, error = statistics.bootstrap_ratio(above, below, draws=2000)
    assert error == pytest.approx(statistics.jackknife_error(above, below), rel=0.1)
    assert low < above.sum() / below.sum() < high


def test_incomplete_beta_has_its_known_values():
    assert statistics.incomplete_beta(2, 3, 0.5) == pytest.approx(0.6875, rel=1e-12)
    assert statistics.incomplete_beta(0.5, 0.5, 0.25) == pytest.approx(1 / 3, rel=1e-12)
    assert statistics.student_p(12.706204736, 1) == pytest.approx(0.05, rel=1e-6)
    with pytest.raises(InputError):
        statistics.incomplete_beta(-1, 1, 0.5)


@pytest.mark.parametrize(
    ("gate", "kept"),
    [
        ("fertility.ws<=1.5", True),
        ("fertility.ws[eng]<1.4", False),
        ("bytes_per_token@1[eng] >= 4.2", True),
        ("bytes_per_token>4.3", False),
    ],
)
def test_gate_holds_or_names_the_number(results, gate, kept):
    broken = broken_gates(results, [parse_gate(gate)])
    assert (broken == []) == kept
    assert all("b on eng" in line for line in broken)


def test_undefined_number_breaks_its_gate():
    found = evaluate({"b": BASELINES["bytes"]()}, {"x": [""]}, ["fertility.ws"])
    assert broken_gates(found, [parse_gate("fertility.ws<=9")]) == ["fertility.ws<=9: b on x has no value (no words)"]


@pytest.mark.parametrize(
    "gate", ["fertility.ws", "fertility.ws=1", "fertility.ws<=x", "fertility.ws<=1e", "nope<=1", ""]
)
def test_bad_gate_is_refused(gate):
    with pytest.raises(UsageError):
        parse_gate(gate)


def test_gate_on_what_was_not_measured_is_refused(results):
    with pytest.raises(UsageError, match="nothing of that was measured"):
        broken_gates(results, [parse_gate("fertility.ws[fra]<=9")])


def test_shares_are_read_with_and_without_percent():
    assert (parse_share("1%"), parse_share("0.02")) == (0.01, 0.02)
    for bad in ("-1%", "x", "nan", "1000%%"):
        with pytest.raises(UsageError):
            parse_share(bad)


def test_regression_counts_only_in_the_worse_direction(results):
    saved = Results.from_json(results.to_json(), "b.json")
    assert regressions(results, saved, max_regress=0.0) == []
    better = replace(saved, rows=tuple(replace(row, value=row.value * 1.05) for row in saved.rows))
    # Fertility was higher (worse) before, bytes per token higher (better) before.
    assert [line.split(":")[0] for line in regressions(results, better, max_regress=0.01)] == ["bytes_per_token@1"]
    assert regressions(results, better, max_regress=0.1) == []


def test_results_of_other_texts_or_versions_are_not_compared(results):
    other = evaluate({"b": BASELINES["bytes"]()}, {"eng": ["other"]}, ["fertility.ws"])
    with pytest.raises(UsageError, match="another text"):
        regressions(results, other, max_regress=0.01)
    renamed = replace(results, rows=tuple(replace(row, metric=f"{row.name}@2") for row in results.rows))
    with pytest.raises(UsageError, match="has bytes_per_token@2, this is bytes_per_token@1"):
        regressions(results, renamed, max_regress=0.01)
    with pytest.raises(InputError, match="b.json: must be tokkit.evaluation version 2"):
        Results.from_json(results.to_json().replace('"version": 2', '"version": 1'), "b.json")
    for bad in ("", "[]", "{}", '{"schema": "tokkit.evaluation", "version": 2, "rows": [{}]}'):
        with pytest.raises(InputError, match=r"b\.json"):
            Results.from_json(bad, "b.json")


def test_table_tells_the_places_of_three_tokenizers():
    found = compare(
        {"a": tokenizer("bbpe_4k"), "b": BASELINES["bytes"](), "c": BASELINES["characters"]()},
        {"eng": texts()["eng"]},
    )
    last = found.table().splitlines()[-1]
    assert last == "places on eng by fertility.ws@1 [95 %]: a 1 [1, 1], c 2 [2, 2], b 3 [3, 3]"
    pair = compare({"a": tokenizer("bbpe_4k"), "b": BASELINES["bytes"]()}, {"eng": texts()["eng"]})
    assert "places" not in pair.table()
