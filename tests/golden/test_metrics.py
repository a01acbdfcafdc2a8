"""Metrics against the golden oracle, over real tokenizers of five families."""

from collections import Counter
from dataclasses import asdict

import pytest

from tests.golden.metric_files import close, golden, texts, tokenizer, tokenizers
from tokkit.metrics import find
from tokkit.metrics.evidence import gather
from tokkit.metrics.fairness import fairness, gini
from tokkit.metrics.health import health
from tokkit.metrics.numbers import digits
from tokkit.metrics.stability import CHANGES
from tokkit.metrics.words import worst_words

ORACLE_OF = {
    "tokens": "tokens",
    "bytes_per_token": "bytes_per_token",
    "chars_per_token": "chars_per_token",
    "tokens_per_char": "tokens_per_char",
    "tokens_per_grapheme": "tokens_per_grapheme",
    "fertility.ws": "fertility_ws",
    "fertility.uax29": "fertility_uax29",
    "fertility.ws.document_mean": "fertility_ws_doc_macro",
    "fertility_isolated.bare": "fertility_isolated_bare",
    "fertility_isolated.space": "fertility_isolated_space",
    "strr.types.bare": "strr_types_bare",
    "strr.types.space": "strr_types_space",
    "strr.occurrences.bare": "strr_occ_bare",
    "strr.occurrences.space": "strr_occ_space",
    "pcw.isolated.bare": "pcw_isolated_bare",
    "pcw.isolated.space": "pcw_isolated_space",
    "pcw.in_context": "pcw_in_context",
    "strr.in_context": "strr_in_context",
    "unk_token_rate": "unk_token_rate",
    "unk_char_rate": "unk_char_rate",
    "byte_fallback_rate": "byte_fallback_token_rate",
    "partial_utf8_rate": "partial_utf8_token_rate",
    "whitespace_only_rate": "whitespace_only_token_rate",
    "special_tokens": "special_token_count",
    "char_split_rate": "multibyte_char_split_rate",
    "round_trip": "roundtrip_exact_rate",
    "shannon_entropy": "shannon_entropy_bits",
    "shannon_efficiency.observed": "shannon_eff_observed",
    "shannon_efficiency.nominal": "shannon_eff_nominal",
    "renyi_efficiency.observed": "renyi_eff_observed_a2.5",
    "renyi_efficiency.nominal": "renyi_eff_nominal_a2.5",
    "renyi_efficiency_2.observed": "renyi_eff_observed_a2.0",
    "renyi_efficiency_2.nominal": "renyi_eff_nominal_a2.0",
    "renyi_efficiency_3.observed": "renyi_eff_observed_a3.0",
    "renyi_efficiency_3.nominal": "renyi_eff_nominal_a3.0",
    "percentile_frequency": "percentile_freq_03_83",
    "unigram_bits_per_byte": "unigram_bpb",
    "average_rank": "avg_token_rank",
    "type_token_ratio": "type_token_ratio",
    "vocab_utilisation": "vocab_utilisation",
}
PREMIUMS = {
    "premium": "premium_ratio_of_totals",
    "premium.document_mean": "premium_mean_of_line_ratios",
    "premium.document_geometric": "premium_geomean_of_line_ratios",
}
EXTRA = {"bigram_entropy": "conditional_bigram_entropy_bits", "zipf_slope": "zipf_loglog_slope_counts_ge_2"}
PREFIX = {
    "prefix.stable": "stable_rate",
    "prefix.unstable_tail": "mean_unstable_tail_tokens",
    "prefix.longest_unstable_tail": "max_unstable_tail_tokens",
}


def oracle(name: str):
    return golden("oracle.json")["tokenizers"][name]


@pytest.mark.parametrize("name", tokenizers())
def test_every_language_has_the_oracle_values(name):
    metrics = [find(metric) for metric in [*ORACLE_OF, *EXTRA]]
    for language, documents in texts().items():
        seen = gather(tokenizer(name), metrics, documents)
        for metric, key in ORACLE_OF.items():
            found, expected = find(metric).compute(seen), oracle(name)["corpus"][language][key]
            assert close(found.value, expected), (language, metric, found, expected)
            assert (found.value is None) == (found.reason is not None)
        if language in golden("extra.json")[name]:
            extra = golden("extra.json")[name][language]
            for metric, key in EXTRA.items():
                assert close(find(metric).compute(seen).value, extra[key]), (language, metric)
            worst = [list(row) for row in worst_words(seen, 5)]
            assert worst == extra["worst_words_by_extra_tokens_bare"], language


@pytest.mark.parametrize("name", tokenizers())
def test_premiums_and_inequality_are_those_of_the_oracle(name):
    metrics = [find(metric) for metric in [*PREMIUMS, "tokens_per_document", "bytes_per_token"]]
    seen = {language: gather(tokenizer(name), metrics, documents) for language, documents in texts().items()}
    for language, evidence in seen.items():
        evidence.reference = seen["eng"]
        for metric, key in PREMIUMS.items():
            assert close(find(metric).compute(evidence).value, oracle(name)["parity_vs_eng"][language][key])
    expected = oracle(name)["fairness"]
    costs = {language: find("tokens_per_document").compute(evidence).value for language, evidence in seen.items()}
    found = fairness(costs, reference="eng")
    assert close(found.gini, expected["gini_tokens_per_doc"])
    assert close(found.max_over_min, expected["max_over_min_tokens_per_doc"])
    assert close(found.macro_premium, expected["macro_premium_all_langs"])
    assert all(map(close, found.lorenz, expected["lorenz_tokens_per_doc"]))
    per_byte = [1 / find("bytes_per_token").compute(evidence).value for evidence in seen.values()]
    assert close(gini(per_byte), expected["gini_tokens_per_byte"])


@pytest.mark.parametrize("name", tokenizers())
def test_changes_of_the_text_cost_what_the_oracle_says(name):
    keys = {"same_ids": "same_ids_rate", "token_ratio": "token_ratio", "changed": "text_changed_rate"}
    metrics = [find(f"stability.{change}.{what}") for change in CHANGES for what in keys]
    for language, expected in oracle(name)["stability"].items():
        seen = gather(tokenizer(name), metrics, texts()[language])
        for change in CHANGES:
            for what, key in keys.items():
                found = find(f"stability.{change}.{what}").compute(seen).value
                assert close(found, expected[change][key]), (language, change, what)


@pytest.mark.parametrize("name", tokenizers())
def test_prefixes_are_as_stable_as_in_the_oracle(name):
    for language, expected in oracle(name)["prefix_stability"].items():
        seen = gather(tokenizer(name), [find(metric) for metric in PREFIX], texts()[language])
        assert seen.total("prefix.cuts") == expected["cuts"]
        for metric, key in PREFIX.items():
            assert close(find(metric).compute(seen).value, expected[key]), (language, metric)


@pytest.mark.parametrize("name", tokenizers())
def test_numbers_are_cut_as_in_the_oracle(name):
    found, expected = digits(tokenizer(name), golden("texts.json")["numbers"]), oracle(name)["digits"]
    assert found.direction_share == pytest.approx(expected["direction_share"], rel=1e-9)
    assert {str(length) for length in found.by_length} == set(expected["three_digit_alignment"])
    for length, group in expected["three_digit_alignment"].items():
        ours = asdict(found.by_length[int(length)])
        assert ours.pop("patterns") == group["patterns"]
        assert ours == pytest.approx({key: group[key] for key in ours}, rel=1e-9), length


@pytest.mark.parametrize("name", tokenizers())
def test_vocabulary_has_the_faults_that_the_oracle_found(name):
    found, expected = health(tokenizer(name)), oracle(name)["tier0"]
    assert (found.vocab_size, found.family, found.special_tokens) == (
        expected["vocab_size"],
        expected["family"],
        expected["special_tokens"],
    )
    assert found.utf8_classes == expected["utf8_classes"]
    assert close(found.ill_formed_rate, expected["ill_formed_vocab_rate"])
    assert found.byte_values_with_own_token == expected["byte_values_with_own_token"]
    assert close(found.mean_token_bytes, expected["mean_token_bytes"])
    assert found.max_token_bytes == expected["max_token_bytes"]
    assert len(found.strict_selfencode_fail) == expected["strict_selfencode_fail_count"]
    assert found.strict_selfencode_fail[:40] == expected["strict_selfencode_fail_ids_head"]
    assert found.strict_selfencode_fail_well_formed == expected["strict_selfencode_fail_excl_illformed_special"]
    assert found.model_unreachable == expected["model_unreachable_ids"]
    assert found.normalizer_unreachable == expected["normalizer_unreachable_ids"]
    assert found.pretokenizer_splits == expected["pretokenizer_splits_surface_ids"]
    dead = found.byte_tokens_unreachable
    assert (None if dead is None else len(dead)) == expected["byte_tokens_unreachable_count"]
    # The oracle knows fewer scripts by name.
    named = {
        script for entry in golden("oracle.json")["tokenizers"].values() for script in entry["tier0"]["script_counts"]
    }
    merged = Counter()
    for script, count in found.script_counts.items():
        merged[script if script in named else "Other"] += count
    assert merged == expected["script_counts"]


@pytest.mark.parametrize("name", tokenizers())
def test_edge_strings_encode_and_decode_as_in_the_oracle(name):
    subject = tokenizer(name)
    for text, expected in zip(golden("texts.json")["edge"], oracle(name)["edge"], strict=True):
        assert subject.encode(text, allowed_special="all") == expected["ids"], text
        assert subject.decode(expected["ids"]) == expected["decoded"], text


@pytest.mark.parametrize("name", tokenizers())
def test_normalised_sequence_length_is_the_ratio_of_tokens(name):
    for language, expected in oracle(name).get("nsl_vs_bbpe_4k", {}).items():
        a, b = (oracle(which)["corpus"][language]["tokens"] for which in (name, "bbpe_4k"))
        found = [gather(tokenizer(which), [find("tokens")], texts()[language]) for which in (name, "bbpe_4k")]
        assert [seen.total("tokens") for seen in found] == [a, b]
        assert close(a / b, expected)


@pytest.mark.parametrize("name", tokenizers())
def test_values_are_those_of_the_authors_own_packages(name):
    """tokenization-scorer on ids, toklens' fertility of words alone."""
    scorer = {
        "renyi_efficiency_power2.5": "renyi_efficiency.observed",
        "renyi_efficiency_default_power3.0": "renyi_efficiency_3.observed",
        "renyi_efficiency_power2.5_vocab=nominal": "renyi_efficiency.nominal",
        "shannon_efficiency": "shannon_efficiency.observed",
        "shannon_entropy": "shannon_entropy",
        "percentile_freq": "percentile_frequency",
    }
    metrics = [find(metric) for metric in [*scorer.values(), "fertility_isolated.bare", "strr.occurrences.bare"]]
    compared = 0
    for language, tools in golden("references.json")[name].items():
        if language not in texts():
            continue
        seen = gather(tokenizer(name), metrics, texts()[language])
        theirs = next(values for tool, values in tools.items() if tool.startswith("tokenization_scorer"))
        for key, metric in scorer.items():
            expected = None if theirs[key] == "NaN" else theirs[key]
            assert close(find(metric).compute(seen).value, expected), (language, key)
            compared += 1
    assert compared >= 12


def test_published_flores_counts_give_the_premiums():
    from tokkit.metrics.fairness import gini

    flores = golden("flores_counts.json")
    for language, row in flores["languages"].items():
        for tool, counts in (("cl100k_base(petrov)", "petrov_csv"), *((t, "measured") for t in row["measured"])):
            key = "cl100k_base" if counts == "petrov_csv" else tool
            expected = row["premium_vs_eng"].get(tool)
            if expected is not None:
                found = row[counts][key] / flores["languages"]["eng_Latn"][counts][key]
                assert close(found, expected), (language, tool)
        assert row["petrov_csv"]["ByT5"] == row["bytes"]
        assert row["petrov_csv"]["UTF-32"] == row["chars"]
        if row["petrov_cl100k_equals_measured_gpt35turbo"]:
            assert row["petrov_csv"]["cl100k_base"] == row["measured"]["gpt35turbo"]
    for tool, expected in flores["fairness"].items():
        costs = {language: row["measured"][tool] for language, row in flores["languages"].items()}
        found = fairness(costs, reference="eng_Latn")
        assert close(found.gini, expected["gini_tokens_total_parallel"])
        assert close(gini(list(costs.values())), expected["gini_tokens_total_parallel"])
        assert close(found.macro_premium, expected["macro_premium"])
        assert close(found.premiums[found.worst], expected["max_premium"][0])
        assert found.worst == expected["max_premium"][1]
