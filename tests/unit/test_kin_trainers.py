"""Trimmed, LiteToken, leaf-pruned, BPE-knockout and parity-aware BPE."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tokkit.corpus import Texts
from tokkit.counts import CountTable, count
from tokkit.errors import InputError, UsageError
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.reference import ReferenceEncoder
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers.bpe import Bpe
from tokkit.trainers.knockout import Knockout, knock_out
from tokkit.trainers.leaf_pruned import LeafPruned
from tokkit.trainers.litetoken import LiteToken
from tokkit.trainers.parity import ParityAware
from tokkit.trainers.trimmed import Trimmed

UDHR = Path(__file__).parents[2] / "data" / "udhr"


def udhr(language: str) -> CountTable:
    text = (UDHR / f"{language}.txt").read_text(encoding="utf-8")
    return count(Texts([text]), pretokenizer="llama-bpe@1")


def assert_encoder_is_right(model: Model, table: CountTable) -> None:
    tables = EncoderTables.from_model(model)
    reference, tokenizer = ReferenceEncoder(tables), Tokenizer.from_model(model)
    allowed = set(tokenizer.ids)
    for word, _ in list(table)[:400]:
        text = word.decode()
        ids = tokenizer.encode(text)
        assert ids == reference.encode_word(word)
        assert set(ids) <= allowed
        assert tokenizer.decode(ids) == text
        offsets = tokenizer.encode_offsets(text)
        assert [word[low:high] for low, high in offsets.byte_offsets] == offsets.tokens


def test_trimmed_tokens_are_those_that_plain_bpe_hardly_uses():
    table = udhr("eng")
    model = Trimmed(Trimmed.Config(vocab_size=600, max_uses=5)).train(table)
    plain = Bpe(Bpe.Config(vocab_size=600)).train(table)
    assert model.events.merges().tolist() == plain.events.merges().tolist()
    tokenizer = Tokenizer.from_model(plain)
    uses = np.zeros(tokenizer.vocab_size, int)
    for word, number in table:
        np.add.at(uses, tokenizer.encode_bytes(word), number)
    rare = {plain.tokens[256 + place] for place in np.flatnonzero(uses[256:600] <= 5)}
    assert {model.tokens[token] for token in np.flatnonzero(~model.present)} == rare
    assert_encoder_is_right(model, table)


def test_litetoken_drops_stations_only():
    table = udhr("eng")
    model = LiteToken(LiteToken.Config(vocab_size=700, max_final_share=0.1, max_entropy=1.0)).train(table)
    gone = np.flatnonzero(~model.present)
    assert 0 < len(gone) < 100
    consumed = set(model.events.merges()[:, :2].ravel().tolist())
    assert set(gone.tolist()) <= consumed
    assert_encoder_is_right(model, table)


def test_litetoken_merges_again_what_it_took_apart():
    # "ab" was only ever a station to "abc"; in "abd" it stands in the way of "bd".
    table = CountTable.from_items([(b"abc", 100), (b"bd", 60)], pretokenizer="none@1")
    config = LiteToken.Config(vocab_size=256 + 3, max_final_share=0.0)
    model = LiteToken(config).train(table)
    assert [token for token, is_there in zip(model.tokens[256:], model.present[256:], strict=True) if is_there] == [
        b"abc",
        b"bd",
    ]
    tokenizer = Tokenizer.from_model(model)
    assert [tokenizer.token_bytes(token) for token in tokenizer.encode("abd")] == [b"a", b"bd"]
    apart = Tokenizer.from_model(LiteToken(config.model_copy(update={"remerge": False})).train(table))
    assert [apart.token_bytes(token) for token in apart.encode("abd")] == [b"a", b"b", b"d"]


def test_litetoken_encodes_long_and_odd_words_as_its_reference():
    table = udhr("eng")
    model = LiteToken(LiteToken.Config(vocab_size=700, max_final_share=0.3, max_entropy=2.0)).train(table)
    model = replace(model, pretokenizer="none@1")
    reference, tokenizer = ReferenceEncoder(EncoderTables.from_model(model)), Tokenizer.from_model(model)
    random_ = np.random.default_rng(7)
    spelled = [token for token in model.tokens[256:] if token]
    n_again = 0
    for round_ in range(300):
        word = b"".join(random_.choice(np.array(spelled, object), 40 if round_ % 50 == 0 else 4))
        ids = tokenizer.encode_bytes(word)
        assert ids == reference.encode_word(word)
        apart = Tokenizer.from_model(replace(model, config={**model.config, "remerge": False})).encode_bytes(word)
        n_again += ids != apart
    assert n_again > 10


def test_leaf_pruned_has_the_size_and_is_plain_bpe():
    table = udhr("eng")
    model = LeafPruned(LeafPruned.Config(vocab_size=500, grow_to=1.5)).train(table)
    assert Tokenizer.from_model(model).vocab_size == 500
    assert set(model.events.kind.tolist()) == {Kind.MERGE}
    assert_encoder_is_right(model, table)


def test_knockout_takes_the_parts_of_what_it_removed_at_the_same_rank():
    table = CountTable.from_items([(b" bcd", 50), (b" bc", 60), (b" xbcy", 5)], pretokenizer="none@1")
    plain = Bpe(Bpe.Config(vocab_size=256 + 2)).train(table)
    assert plain.tokens[256:] == (b"bc", b" bc")
    # The reference puts b and c apart: bc goes, and " bc" is made of three parts at once.
    model = knock_out(replace(plain, inference="exact"), [[b"b", b"cd"]], max_blame=0.5)
    tokenizer = Tokenizer.from_model(model)
    assert [model.tokens[token] for token in np.flatnonzero(~model.present)] == [b"bc"]
    assert [tokenizer.token_bytes(token) for token in tokenizer.encode(" bc xbc")] == [b" bc", b" ", b"x", b"b", b"c"]


def test_knockout_encodes_by_joins_of_more_than_two_parts(tmp_path):
    morphs = tmp_path / "morphs.txt"
    morphs.write_text(
        "right s\nhum an\nfree dom s\nun i versal\nequal ity\nlib er ty\nto\nnation al\n", encoding="utf-8"
    )
    table = udhr("eng")
    model = Knockout(Knockout.Config(vocab_size=700, morphs=morphs, max_blame=0.3)).train(table)
    assert (~model.present).sum() > 0
    assert_encoder_is_right(model, table)
    rows = EncoderTables.from_model(model)
    lengths = rows.log.tolist()[2]
    assert lengths >= 2


def test_knockout_says_what_it_needs(tmp_path):
    with pytest.raises(UsageError, match="segmented words"):
        Knockout(Knockout.Config(vocab_size=300)).train(udhr("eng"))
    empty = tmp_path / "morphs.txt"
    empty.write_text("word\n", encoding="utf-8")
    with pytest.raises(InputError, match="two morphs"):
        Knockout(Knockout.Config(vocab_size=300, morphs=empty)).train(udhr("eng"))


LANGUAGES = ("eng", "fin", "rus", "hin")


def lengths(model: Model) -> dict[str, int]:
    tokenizer = Tokenizer.from_model(model)
    return {name: sum(len(tokenizer.encode_bytes(word)) * n for word, n in udhr(name)) for name in LANGUAGES}


def test_parity_aware_merges_make_parallel_texts_more_alike():
    tables = {name: udhr(name) for name in LANGUAGES}
    pooled = CountTable.merge(list(tables.values()))
    fair = ParityAware(ParityAware.Config(vocab_size=900)).train_languages(tables, dev=tables)
    plain = Bpe(Bpe.Config(vocab_size=900)).train(pooled)
    fair_lengths, plain_lengths = lengths(fair), lengths(plain)
    assert max(fair_lengths.values()) < max(plain_lengths.values())
    assert max(fair_lengths.values()) / min(fair_lengths.values()) < max(plain_lengths.values()) / min(
        plain_lengths.values()
    )
    assert len(fair.tokens) == 900


def test_parity_aware_by_ratios_and_global_merges():
    tables = {name: udhr(name) for name in LANGUAGES}
    ratios = dict.fromkeys(LANGUAGES, 1.0)
    config = ParityAware.Config(vocab_size=400, global_merges=100, window=20, tie="hf", min_frequency=0)
    model = ParityAware(config).train_languages(tables, ratios=ratios)
    pooled = CountTable.merge(list(tables.values()))
    plain = Bpe(Bpe.Config(vocab_size=400)).train(pooled)
    assert model.events.merges()[:100].tolist() == plain.events.merges()[:100].tolist()
    assert model.events.merges()[100:].tolist() != plain.events.merges()[100:].tolist()


def test_parity_aware_one_language_is_plain_bpe():
    table = udhr("eng")
    config = ParityAware.Config(vocab_size=400, tie="hf", min_frequency=0)
    model = ParityAware(config).train_languages({"en": table}, dev={"en": table})
    plain = Bpe(Bpe.Config(vocab_size=400)).train(table)
    assert model.events.merges().tolist() == plain.events.merges().tolist()


def test_parity_aware_trains_from_files(tmp_path):
    options = []
    for name in LANGUAGES[:2]:
        udhr(name).save(tmp_path / f"{name}.parquet")
        options.append(f"{name}={tmp_path / name}.parquet")
    pooled = CountTable.merge([udhr(name) for name in LANGUAGES[:2]])
    config = ParityAware.Config(vocab_size=300, languages=options, dev=options)
    assert len(ParityAware(config).train(pooled).tokens) == 300


def test_parity_aware_names_what_is_wrong():
    tables = {"a": udhr("eng")}
    trainer = ParityAware(ParityAware.Config(vocab_size=300))
    with pytest.raises(UsageError, match="one of them"):
        trainer.train_languages(tables)
    with pytest.raises(UsageError, match="same languages"):
        trainer.train_languages(tables, dev={"b": udhr("fin")})
    with pytest.raises(UsageError, match="name=value"):
        ParityAware(ParityAware.Config(vocab_size=300, languages=("x",))).train(udhr("eng"))
