"""Metrics by hand-made tokenizers and texts: what each counts, and when it is undefined."""

import json
import zlib
from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.metric_files import texts, tokenizer
from tokkit.errors import InputError, UsageError
from tokkit.evaluate import BASELINES, compare, evaluate
from tokkit.evaluate.across import across
from tokkit.evaluate.baselines import Bytes, Characters
from tokkit.evaluate.comparable import changes, changes_between
from tokkit.evaluate.gates import broken_gates, parse_gate
from tokkit.evaluate.results import Results
from tokkit.evaluate.suite import load_suite
from tokkit.metrics import Batch, find
from tokkit.metrics.edits import edit_distance
from tokkit.metrics.evidence import gather
from tokkit.metrics.fairness import Price, load_prices
from tokkit.metrics.lexical import WordList
from tokkit.metrics.lexicon import Lexicon
from tokkit.recipe.evaluation import read_texts


def value(name, subject, documents, **given_evidence):
    seen = gather(subject, [find(name)], documents)
    for key, thing in given_evidence.items():
        setattr(seen, key, thing)
    return find(name).compute(seen)


def slow_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            new.append(min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (x != y)))
        row = new
    return row[-1]


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_edit_distance_is_levenshteins(a, b):
    assert edit_distance(a, b) == slow_distance(a, b)


class Cutter(Bytes):
    """Tokens of three bytes, whatever they cut; the last may be shorter."""

    vocab_size = 1 << 16

    def encode_batch(self, documents):
        from tokkit.evaluate.baselines import Ids

        rows = [[data[i : i + 3] for i in range(0, len(data), 3)] for data in map(str.encode, documents)]
        self.known = getattr(self, "known", {}) | {self.number(token): token for row in rows for token in row}
        ids = np.array([self.number(token) for row in rows for token in row], np.uint32)
        return Ids(ids, np.cumsum([0, *map(len, rows)]).astype(np.uint64))

    @staticmethod
    def number(token: bytes) -> int:
        return zlib.crc32(token) % (1 << 16)

    def token_bytes(self, token):
        return self.known[token]

    def decode(self, ids):
        return b"".join(self.known[int(token)] for token in ids).decode(errors="replace")


def test_token_of_several_characters_one_of_them_cut_crosses_a_boundary():
    # "aé" + "é..": a C3 A9 | C3 A9 C3 | A9: the second holds one character and a part, the third only a part.
    found = value("boundary_crossing_rate", Cutter(), ["aéé" + "é"])
    assert (found.numerator, found.denominator) == (1, 3)
    assert value("boundary_crossing_rate", Characters(), ["aéé"]).value == 0.0


def test_specials_in_text_are_counted_and_warned_of():
    class WithSpecials(Bytes):
        specials: ClassVar = {"<|end|>": 255, "[MASK]": 254}

    documents = ["a <|end|> b<|end|>", "", "[MAS [MASK]", "plain"]
    assert value("specials_in_text", WithSpecials(), documents).value == 3
    seen = gather(WithSpecials(), [find("tokens")], documents)
    assert seen.column("specials_in_text").tolist() == [2, 0, 1, 0]
    results = evaluate({"w": WithSpecials()}, {"x": documents}, ["tokens"])
    assert any("3 names of special tokens" in warning for warning in results.warnings)
    assert not evaluate({"b": Bytes()}, {"x": documents}, ["tokens"]).warnings


def test_round_trip_says_what_is_lost():
    class Lower(Characters):
        def decode(self, ids):
            return " ".join(super().decode(ids).lower().split())

    documents = ["Ab  c", "d e", "f"]
    assert value("round_trip", Lower(), documents).value == pytest.approx(2 / 3)
    assert value("round_trip.normalised", Lower(), documents).value == 1.0
    assert value("round_trip.whitespace", Lower(), documents).value == pytest.approx(2 / 3)
    found = value("round_trip.character_errors", Lower(), documents)
    assert (found.numerator, found.denominator) == (2, 9)


def test_word_start_adds_a_space_only_where_the_tokenizer_does_not():
    assert not Lexicon(tokenizer("bbpe_4k")).puts_space_in_front
    assert Lexicon(tokenizer("metabpe_bf_2k")).puts_space_in_front
    english = texts()["eng"]
    for name, same in (("bbpe_4k", "space"), ("metabpe_bf_2k", "bare")):
        ours = value("fertility_isolated.word_start", tokenizer(name), english)
        assert ours == value(f"fertility_isolated.{same}", tokenizer(name), english)


def test_price_gives_cost_and_none_gives_a_reason():
    price = Price(2.0, "EUR")
    assert value("cost.text", Bytes(), ["x" * 500], price=price).value == pytest.approx(0.001)
    assert value("cost.text", Bytes(), ["x"]).reason.startswith("no price")
    reference = gather(Bytes(), [find("tokens")], ["ab"])
    assert value("cost.reference_million", Bytes(), ["abcd"], price=price, reference=reference).value == 4.0
    assert value("context_shrinkage", Bytes(), ["abcd"], reference=reference).value == 0.5


def test_floors_are_premiums_of_bytes_and_characters():
    parallel = {"a": ["ab", "c"], "b": ["éé", "çß!"]}
    found = evaluate(
        {"bytes": Bytes(), "characters": Characters()},
        parallel,
        ["premium", "premium.bytes", "premium.characters"],
        reference="a",
    )
    assert found.value("bytes", "b", "premium") == found.value("characters", "b", "premium.bytes") == 3.0
    assert found.value("characters", "b", "premium") == found.value("bytes", "b", "premium.characters")


def test_price_table_names_its_fault(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text('currency = "USD"\n[per_million_tokens]\na = 1\nb = 2.5\n')
    assert load_prices(path) == {"a": Price(1.0, "USD"), "b": Price(2.5, "USD")}
    for content, fault in (
        ("x", "no TOML"),
        ("a = 1\n", "per_million_tokens"),
        ("[per_million_tokens]\na = -1\n", "a:"),
    ):
        path.write_text(content)
        with pytest.raises(InputError, match=fault):
            load_prices(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_prices(tmp_path / "none.toml")


def test_language_of_unknown_characters_is_left_out_of_what_is_over_languages():
    parallel = {language: texts()[language] for language in ("eng", "tur", "tha")}
    results = evaluate({"u": tokenizer("unigram_unk_2k")}, parallel, ["premium", "fertility.ws"], reference="eng")
    assert any("left out of what is over languages" in line and "tha" in line for line in results.warnings)
    assert set(results.details["fairness"]["u"]["premiums"]) == {"eng", "tur"}
    assert results.value("u", "all texts", "fairness.worst_premium") == max(
        results.value("u", language, "premium") for language in ("eng", "tur")
    )
    assert results.row("u", "all texts", "fairness.gini").aggregation == "macro_languages"


def test_purity_reads_the_list_of_morphemes_and_validity_that_of_words():
    words = WordList.of("w@1", "eng", ["cats"])
    roots = WordList.of("m@1", "eng", ["cat", "s"])
    found = evaluate(
        {"c": Characters()},
        {"x": ["cats"]},
        ["purity.occurrences", "lexical_validity.occurrences"],
        word_lists={"x": words},
        morpheme_lists={"x": roots},
    )
    assert found.value("c", "x", "purity.occurrences") == pytest.approx(1 / 4)
    assert found.value("c", "x", "lexical_validity.occurrences") == 0.0
    assert found.manifest["morpheme_lists"] == {"x": {"name": "m@1", "sha256": roots.digest}}


def test_direction_of_numbers_is_a_share_of_the_long_ones():
    subject = Characters()
    assert value("digits.share_single_digits", subject, ["12 1234 567890"]).value == 1.0
    assert value("digits.share_right_to_left", subject, ["12 1234"]).value == 0.0
    assert value("digits.share_whole", subject, ["123"]).reason == "no numbers of four digits or more"


def test_code_is_cut_into_identifiers_operators_and_indents():
    code = ["if a_1 != b:\n    x = y\n        z += 1\n"]
    characters = Characters()
    assert value("identifier.tokens", characters, code).numerator == len("ifa_1bxyz")
    assert value("operator.compound_kept", characters, code).value == 0.0
    assert value("operator.isolation", characters, code).value == 1.0
    assert value("indentation.tokens", characters, code).value == 6.0
    assert value("indentation.monotonic", characters, code).value == 1.0
    assert value("operator.isolation", Cutter(), ["abc=de"]).value == 0.0
    assert value("operator.isolation", Cutter(), ["abc ==de"]).value == 1.0
    assert value("operator.compound_kept", Cutter(), ["abc ==de"]).value == 1.0


def test_documents_have_the_same_ids_alone_and_among_others():
    assert value("consistency", tokenizer("bbpe_4k"), texts()["eng"]).value == 1.0


def test_unreachable_tokens_are_no_room_to_use():
    subject = tokenizer("bbpe_4k")
    unreachable = Lexicon(subject).unreachable
    found = value("vocab_utilisation.reachable", subject, texts()["eng"])
    plain = value("vocab_utilisation", subject, texts()["eng"])
    assert len(unreachable) == 2
    assert found.denominator == plain.denominator - 2 - len(subject.specials)


def test_every_listed_number_can_be_asked_for_explained_and_gated():
    gold = {"g": [("freedom", "s"), ("world",)]}
    results = evaluate(
        {"b": tokenizer("bbpe_4k")},
        {"eng": texts()["eng"]},
        ["health.model_unreachable", "morphology.boundary_f1.space", "speed.all_threads"],
        morphology=gold,
    )
    assert [row.name for row in results.rows] == [
        "morphology.boundary_f1.space",
        "health.model_unreachable",
        "speed.all_threads",
    ]
    assert broken_gates(results, [parse_gate("health.model_unreachable<=1")]) == [
        "health.model_unreachable<=1: b on vocabulary has 2"
    ]
    assert broken_gates(results, [parse_gate("speed.all_threads>0")]) == []
    for name, needs in (
        ("fairness.gini", "a reference text"),
        ("morphology.exact.bare", "gold morphemes"),
        ("as.toklens.cpt", "the rules of its tool"),
    ):
        with pytest.raises(UsageError, match=needs):
            evaluate({"b": Bytes()}, {"eng": ["x"]}, [name])


def test_unspaced_text_shows_words_that_tokens_run_over():
    gold = {"zh": [("世界", "人权", "宣言")]}
    found = evaluate({"c": Characters(), "t": Cutter()}, {}, ["morphology.boundary_violation.bare"], morphology=gold)
    assert found.value("c", "zh", "morphology.boundary_violation.bare") == 0.0


def measured(**changed) -> Results:
    documents = {"x": ["one two", "three"], **changed.pop("documents", {})}
    return evaluate({"b": Bytes()}, documents, ["tokens", "fertility.ws"], intervals=True, **changed)


def test_results_that_come_out_again_are_verified():
    again = Results.from_json(measured().to_json(), "r.json")
    assert changes(measured(), again) == []
    document = json.loads(measured().to_json())
    document["rows"][0]["value"] += 1
    assert len(changes(measured(), Results.from_json(json.dumps(document), "r.json"))) == 1
    assert changes(measured(sources={"b": "1"}), measured(sources={"b": "2"}))[0].startswith("b: is another tokenizer")


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ({"documents": {"x": ["another"]}}, "`x` is another text there"),
        ({"flags": {"normalize": "nfc"}}, "measured with normalize nfc"),
        ({"word_lists": {"x": WordList.of("w@1", "", ["a"])}}, "another word list"),
    ],
)
def test_results_of_something_else_are_not_compared(other, fault):
    base = {"flags": {"normalize": "none"}, "word_lists": {"x": WordList.of("w@1", "", ["b"])}}
    with pytest.raises(UsageError, match=fault):
        changes_between(measured(**{**base, **other}), measured(**base), names=("a", "b"))


def test_another_version_of_a_metric_is_not_compared():
    document = json.loads(measured().to_json().replace("fertility.ws@1", "fertility.ws@9"))
    old = Results.from_json(json.dumps(document), "old.json")
    with pytest.raises(UsageError, match="has fertility.ws@9, this is fertility.ws@1"):
        changes_between(old, measured(), names=("old.json", "new.json"))


def test_two_files_are_compared_number_by_number():
    second = evaluate({"c": Characters()}, {"x": ["one twö", "three"]}, ["tokens"])
    first = evaluate({"b": Bytes()}, {"x": ["one twö", "three"]}, ["tokens"])
    found = changes_between(first, second, names=("1", "2"))
    assert [(one.a, one.b, one.ratio) for one in found] == [("1:b", "2:c", pytest.approx(12 / 13))]


def test_few_languages_decide_little_however_many_documents_they_have():
    wide = [np.full(500, ratio) for ratio in (0.5, 1.0, 2.0)]
    found = across([0.5, 1.0, 2.0], wide)
    assert found.ratio == pytest.approx(1.0)
    assert found.low == pytest.approx(0.5, rel=0.3)
    assert found.p == pytest.approx(1.0)
    assert across([0.5, 0.5, 0.51], wide).p < 0.01


def test_three_texts_are_also_compared_together():
    parallel = {language: texts()[language] for language in ("eng", "tur", "fin")}
    found = compare({"a": tokenizer("bbpe_4k"), "b": BASELINES["bytes"]()}, parallel, draws=300)
    last = found.pairs[-1]
    assert (last.text, last.documents) == ("all texts", 93)
    logs = [np.log(pair.ratio) for pair in found.pairs[:-1]]
    assert last.ratio == pytest.approx(np.exp(np.mean(logs)))
    assert last.low < last.ratio < last.high
    assert last.ratio == pytest.approx(last.value_a / last.value_b)


def test_hypertokens_are_fewer_and_come_back():
    from tokkit.hyper import HypertokenCodec, HypertokenConfig
    from tokkit.hyper.subject import Hypertokens

    base = tokenizer("bbpe_4k")
    config = HypertokenConfig(
        initial_vocab_size=base.vocab_size, max_codebook_size=64, pad_token_id=base.vocab_size + 64
    )
    subject = Hypertokens(base, HypertokenCodec(config))
    english = texts()["eng"]
    results = evaluate({"h": subject, "b": base}, {"eng": english}, ["tokens", "round_trip", "strr.in_context"])
    assert results.value("h", "eng", "tokens") < results.value("b", "eng", "tokens")
    assert results.value("h", "eng", "round_trip") == 1.0
    assert any("another phrase in each document" in warning for warning in results.warnings)
    batch = Batch.of(subject, english)
    for index, document in enumerate(english):
        starts, ends = batch.spans(index)
        assert starts.tolist() == [0, *ends[:-1].tolist()]
        assert ends[-1] == len(document.encode())


def test_under_trained_rows_are_found_by_default_indicator(tmp_path):
    from safetensors.numpy import save_file

    from tokkit.metrics.weights import categories, undertrained

    subject = tokenizer("metabpe_bf_2k")
    rng = np.random.default_rng(0)
    rows = subject.vocab_size + 4
    matrix = rng.normal(size=(rows, 8)).astype(np.float32)
    dead = [token for token, kind in categories(Lexicon(subject)).items() if kind == "OK"][5:8]
    matrix[[*dead, *range(subject.vocab_size, rows)]] = 0.01
    save_file({"model.embed_tokens.weight": matrix}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"tie_word_embeddings": true}')
    found = undertrained(tmp_path, subject)
    assert (found.indicator, found.is_tied, found.unused_by) == ("output_cosine", True, "rows behind the vocabulary")
    assert {token for token, _ in found.candidates[:3]} == set(dead)
    with pytest.raises(UsageError, match="no such indicator"):
        undertrained(tmp_path, subject, indicator="x")
    kinds = Counter(categories(Lexicon(subject)).values())
    assert kinds["UNDECODEABLE"] == 128


def test_icu_finds_the_words_of_scripts_without_spaces():
    """Counts of the specification of metrics, ICU 72; another version of its dictionaries may differ a little."""
    pytest.importorskip("icu", reason="PyICU is not installed: fertility.icu is not tried")
    expected = {"cmn_hans": 1466, "jpn": 2070, "tha": 2262, "hin": 1895}
    for language, words in expected.items():
        documents = load_suite("fairness").texts()[language]
        seen = gather(BASELINES["bytes"](), [find("fertility.icu")], read_texts(documents))
        assert seen.total("words_icu") == pytest.approx(words, rel=0.02), language


def test_icu_metric_without_icu_says_what_to_install(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "icu" else real(name))
    found = value("fertility.icu", BASELINES["bytes"](), ["one two"])
    assert found.value is None
    assert "tokkit[icu]" in found.reason


def told_threads(monkeypatch, subject):
    """What a subject is told when it encodes."""
    told = []
    encode = type(subject).encode_batch

    def spy(self, texts, *, threads=0):
        told.append(threads)
        return encode(self, texts, threads=threads)

    monkeypatch.setattr(type(subject), "encode_batch", spy)
    return told


def test_numbers_do_not_depend_on_threads(monkeypatch):
    names = ["tokens", "fertility.ws", "pcw.in_context", "bigram_entropy", "round_trip", "fertility_isolated.bare"]
    told = told_threads(monkeypatch, tokenizer("bbpe_4k"))
    given_texts = {"eng": texts()["eng"], "tur": texts()["tur"]}
    found = [
        evaluate(
            {"t": tokenizer("bbpe_4k"), "u": tokenizer("unigram_unk_2k"), "bytes": BASELINES["bytes"]()},
            given_texts,
            names,
            modes=["toklens"],
            threads=threads,
        ).rows
        for threads in (1, 2, 8)
    ]
    assert found[0] == found[1] == found[2]
    assert {1, 2, 8} <= set(told)
    pairs = [
        compare({"t": tokenizer("bbpe_4k"), "c": BASELINES["characters"]()}, given_texts, threads=threads).pairs
        for threads in (1, 8)
    ]
    assert pairs[0] == pairs[1]
