"""Statistics, perplexity, embeddings, morphemes and lexical validity against their golden files."""

from collections import Counter

import numpy as np
import pytest

from tests.golden.metric_files import close, golden, texts, tokenizer, tokenizers
from tokkit.evaluate import statistics
from tokkit.metrics import lexical, perplexity, undertrained
from tokkit.metrics.lexicon import Lexicon
from tokkit.metrics.morphology import morphology


def test_paired_statistics_are_those_of_scipy():
    comparisons = golden("stats.json")["comparisons"]
    p_values = []
    for expected in comparisons:
        a, b = np.array(expected["per_doc_tokens_a"]), np.array(expected["per_doc_tokens_b"])
        boot = expected["bootstrap"]
        low, high, error = statistics.bootstrap_ratio(a, b, draws=boot["B"], seed=boot["seed"])
        assert [low, high, error] == pytest.approx([*boot["percentile_95"], boot["se"]], rel=1e-9)
        assert close(statistics.jackknife_error(a, b), expected["jackknife_se_of_ratio"])
        t, ranks, signs = statistics.paired_t(a, b), statistics.wilcoxon(a, b), statistics.sign_test(a, b)
        assert close(t.statistic, expected["paired_t_on_log_ratio"]["t"])
        assert t.p == pytest.approx(expected["paired_t_on_log_ratio"]["p"], rel=1e-9)
        assert ranks.statistic == expected["wilcoxon_signed_rank_on_difference"]["W"]
        normal = expected["wilcoxon_signed_rank_on_difference"]["p_normal_approx_no_continuity"]
        assert ranks.p == pytest.approx(normal, rel=1e-9)
        sign = expected["sign_test"]
        assert (signs.more, signs.fewer, signs.ties) == (sign["pos"], sign["neg"], sign["ties"])
        assert close(signs.p, sign["p_exact_two_sided"])
        p_values.append(t.p)
    adjusted = [expected["holm_adjusted_p_of_t_within_this_file"] for expected in comparisons]
    assert statistics.holm(p_values) == pytest.approx(adjusted, rel=1e-9)


def test_bits_per_byte_divide_sums_by_sums():
    file = golden("bpb.json")
    found = perplexity.total(
        perplexity.Likelihood(row["nll_nats_sum"], row["tokens"], row["bytes"], row["chars"], row["words_ws"])
        for row in file["docs"]
    )
    expected = file["corpus"]
    assert close(found.bits_per_byte, expected["bits_per_byte"])
    assert close(found.bits_per_char, expected["bits_per_char"])
    for per, key in (("tokens", "ppl_per_token"), ("words", "ppl_per_word"), ("bytes", "ppl_per_byte")):
        assert close(found.perplexity(per), expected[key])
    example = file["ppl_ratio_example"]
    pair = [
        perplexity.Likelihood(*(example[k][f] for f in ("nll_nats", "tokens", "bytes"))) for k in ("base", "adapted")
    ]
    keys = ("token_ppl_ratio_adapted_over_base", "byte_ppl_ratio", "renormalised_ratio")
    assert perplexity.adapted_ratios(*pair) == pytest.approx([example[key] for key in keys], rel=1e-9)


def test_embedding_indicators_are_those_of_magikarp():
    file = golden("undertrained.json")
    found = undertrained.indicators(np.array(file["E_out"]), file["known_unused_ids"], input_=np.array(file["E_in"]))
    ours = (
        found.input_norm,
        found.output_cosine,
        found.output_cosine_centred,
        found.output_cosine_without_first,
        found.output_distance,
    )
    for (name, expected), values in zip(file["indicators"].items(), ours, strict=True):
        assert values == pytest.approx(expected, rel=1e-9, abs=1e-12), name
        assert np.argsort(values, kind="stable")[:8].tolist() == file["lowest_8_by_indicator"][name]
    threshold, ids = undertrained.candidates(found.input_norm, excluded=file["excluded_ids_special_or_unreachable"])
    assert close(threshold, file["candidates_Ein_l2_at_2_percentile"]["threshold"])
    assert ids == file["candidates_Ein_l2_at_2_percentile"]["ids"]


AGREEMENT = {
    "words": "words",
    "tp": "tp",
    "fp": "fp",
    "fn": "fn",
    "precision": "boundary_precision",
    "recall": "boundary_recall",
    "f1": "boundary_f1",
    "f1_macro": "boundary_f1_macro_per_word",
    "exact": "exact_segmentation_rate",
    "span_precision": "morpheme_span_precision",
    "span_recall": "morpheme_span_recall",
    "span_f1": "morpheme_span_f1",
}


@pytest.mark.parametrize("name", tokenizers())
def test_morphology_is_that_of_the_oracle(name):
    for language, words in golden("morph_gold.json")["gold"].items():
        for convention in ("bare", "space"):
            expected = golden("morph.json")[name][language][convention]
            found = morphology(tokenizer(name), [word["morphemes"] for word in words], convention=convention)
            assert found.untileable_words == expected["untileable_words"]
            for population in ("all_words", "multi_morpheme_words", "multi_morpheme_excl_single_token"):
                for field, key in AGREEMENT.items():
                    value = getattr(getattr(found, population), field)
                    assert close(value, expected[population][key]), (language, convention, population, field)
            for ours, key in ((found.morphscore_v1_last, "last"), (found.morphscore_v1_first, "first")):
                theirs = expected[f"morphscore_v1_{key}_boundary"]
                assert close(ours.score, theirs["score"])
                assert (ours.scored, ours.excluded_single_token) == (theirs["scored"], theirs["excluded_single_token"])
            if convention == "bare":
                reference = golden("morph.json")[name][language]["references_on_bare_pairs"]
                integrity = reference["tktkt.morphIntegrity(micro,macro)"]
                assert [found.integrity_micro, found.integrity_macro] == pytest.approx(integrity, rel=1e-9)
                mixed = found.turbidity
                for key, ours in (
                    ("tktkt.morphDilution: token_turbidity", [mixed.tokens_micro, mixed.tokens_macro]),
                    ("morph_dilution", [mixed.dilution_micro, mixed.dilution_macro]),
                    ("morph_muddiness", [mixed.muddiness_micro, mixed.muddiness_macro]),
                ):
                    assert ours == pytest.approx(reference[key], rel=1e-9), (language, key)


FORMS = {
    "unique_forms": "unique_forms",
    "unique_in_list": "unique_in_lexicon",
    "types": "TR_types",
    "alpha_unique_forms": "alpha_unique_forms",
    "types_alpha_only": "TR_types_alpha_only",
    "occurrences": "TR_occurrences",
    "occurrences_alpha_only": "TR_occurrences_alpha_only",
    "characters": "TR_char_weighted_min2letters",
    "single_letter_share": "single_letter_share_of_alpha_occurrences",
    "excluded_partial": "excluded_partial_utf8_occurrences",
    "excluded_special": "excluded_special_occurrences",
}


@pytest.mark.parametrize("name", tokenizers())
def test_lexical_validity_is_that_of_the_golden_list(name):
    file = golden("turkish_percent.json")
    words = lexical.WordList("small", "tur", frozenset(file["small_lexicon"]))
    subject = tokenizer(name)
    counts = Counter(subject.encode("\n".join(texts()["tur"][:16])))
    expected = file["tokenizers"][name]["small_lexicon"]
    assert (sum(counts.values()), len(counts)) == (expected["tokens"], expected["unique_ids"])
    offline = lexical.bayram2025_offline((subject.decode([token]) for token in counts), words.words)
    theirs = expected["B_whitespace_split_pieces"]
    assert (offline.unique, offline.valid) == (theirs["unique_token_count"], theirs["turkish_count"])
    assert close(offline.percent, theirs["TR_percent"])
    found = lexical.validity(Lexicon(subject), counts.items(), words)
    for field, key in FORMS.items():
        assert close(getattr(found, field), expected["C_tokkit"][key]), field
