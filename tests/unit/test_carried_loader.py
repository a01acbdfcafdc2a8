"""The carried loader reads every kind of vocabulary by every rule, as we do, and behaves as other tokenizers do."""

import json
import pickle
import random
from dataclasses import replace

import pytest

from tests.unit.test_exact_exports import SPECIALS, TEXTS, load, text_table
from tokkit.export.loader import encoder_data
from tokkit.export.measure import measure
from tokkit.export.tokkit_words import WordEncoder as Carried
from tokkit.model.inference import token_uses, with_inference
from tokkit.model.model import Model
from tokkit.model.tables import MODES
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import bytes_to_string
from tokkit.trainers.bpe import Bpe, MergeTrainer
from tokkit.trainers.litetoken import LiteToken
from tokkit.trainers.picky import Picky
from tokkit.trainers.scaffold import Scaffold

BYTE = {"vocab_size": 340, "special_tokens": SPECIALS}
CHAR = {
    "unit": "char",
    "unknown": "unk",
    "unk_token": "<unk>",
    "fuse_unk": True,
    "special_tokens": ("<unk>", "<s>"),
    "vocab_size": 75,
}
BYTES = {
    "unit": "char",
    "unknown": "byte_fallback",
    "special_tokens": ("<s>",),
    "limit_alphabet": 24,
    "vocab_size": 330,
}
PREFIX = {**CHAR, "continuing_subword_prefix": "##", "vocab_size": 110}
SUFFIX = {**CHAR, "end_of_word_suffix": "</w>", "vocab_size": 110}
BOTH = {**BYTE, "continuing_subword_prefix": "@@", "end_of_word_suffix": "~~", "vocab_size": 420}
KINDS = {
    "byte": ("llama-bpe@1", BYTE),
    "char": ("sentencepiece@1", CHAR),
    "byte-fallback": ("metaspace@1", BYTES),
    "prefix": ("whitespace@1", PREFIX),
    "suffix": ("whitespace@1", SUFFIX),
    "both": ("whitespace@1", BOTH),
}


def trained(kind: str, trainer: type[MergeTrainer] = Bpe, inference: str = "exact", **more: object) -> Model:
    pretokenizer, options = KINDS[kind]
    table = text_table(pretokenizer)
    model = trainer(trainer.Config.model_validate({**options, **more})).train(table)
    return with_inference(model, inference, frequencies=token_uses(model, table))


def assert_words_are_ours(model: Model, n: int = 150) -> None:
    carried = Carried(json.loads(json.dumps(encoder_data(model))))
    ours = Tokenizer.from_model(replace(model, pretokenizer="none@1"))
    is_byte = model.alphabet.unit == "byte"
    prefix, suffix = model.alphabet.prefix.encode(), model.alphabet.suffix.encode()
    tokens = [token.removeprefix(prefix).removesuffix(suffix) for token in model.tokens[model.first_atom :]]
    tokens += ["\u4e2d".encode(), b"Q", "\U0001f600".encode()]
    random_ = random.Random(7)
    for round_ in range(n):
        word = b"".join(random_.choices(tokens, k=80 if round_ % 25 == 0 else random_.randint(1, 7)))
        text = bytes_to_string(word) if is_byte else word.decode()
        assert [token for token, _ in carried.encode(text)] == ours.encode_bytes(word), word
        if model.alphabet.unknown != "drop":
            assert sum(length for _, length in carried.encode(text)) == len(text)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_word_encoder_reads_as_we_do(kind, mode):
    if mode == "vocab_rank" and kind in ("prefix", "suffix", "both"):
        pytest.skip("vocab_rank does not go with marks")
    assert_words_are_ours(trained(kind, inference=mode))


@pytest.mark.parametrize("trainer", [Picky, Scaffold, LiteToken])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inference", ["exact", "greedy", "ghost"])
def test_word_encoder_reads_models_that_lost_tokens(kind, trainer, inference):
    options = {Picky: {"threshold": 0.5}, LiteToken: {"max_final_share": 0.3, "max_entropy": 3.0}}.get(trainer, {})
    model = trained(kind, trainer, inference, **options)
    assert (~model.present).any()
    assert_words_are_ours(model)


def test_words_that_are_tokens_go_before_merges_where_the_model_says_so():
    model = trained("byte")
    assert_words_are_ours(replace(model, config={**model.config, "ignore_merges": True}))


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in ("merge", "longest_prefix")])
def test_hf_export_of_a_mode_without_plain_form_is_exact(mode):
    model = trained("byte", inference=mode)
    figure = measure(model, "hf", text_table(model.pretokenizer))
    assert figure is not None
    assert figure.is_exact


@pytest.mark.parametrize("kind", ["prefix", "suffix", "both"])
def test_marks_are_read_and_taken_off_again(kind, tmp_path):
    model = trained(kind, Picky, threshold=0.5)
    loaded, ours = load(model, tmp_path), Tokenizer.from_model(model)
    for text in [*TEXTS, "the cat sat on the mat"]:
        ids = loaded(text)["input_ids"]
        assert ids == ours.encode(text)
        assert loaded.decode(ids) == ours.decode(ids)
    found = loaded("the  theatre cat", return_offsets_mapping=True)["offset_mapping"]
    assert [tuple(pair) for pair in found] == ours.encode_offsets("the  theatre cat").char_offsets


def test_copies_are_equal_whatever_was_encoded_before(tmp_path):
    loaded = load(trained("byte", Picky, threshold=0.5), tmp_path)
    words = loaded._words
    before = pickle.dumps(words)
    loaded("the cat sat on the mat")
    assert pickle.dumps(words) == before
    copy = pickle.loads(pickle.dumps(loaded))  # our own bytes, made a line before
    assert copy("the theatre")["input_ids"] == loaded("the theatre")["input_ids"]


def test_data_sets_are_encoded_in_processes(tmp_path):
    import datasets

    model = trained("byte", Picky, threshold=0.5)
    loaded, ours = load(model, tmp_path), Tokenizer.from_model(model)
    texts = [text for text in TEXTS if text.strip()] * 3
    rows = datasets.Dataset.from_dict({"text": texts})
    encoded = rows.map(lambda batch: loaded(batch["text"]), batched=True, batch_size=2, num_proc=2)
    assert encoded["input_ids"][:] == [ours.encode(text) for text in texts]


def test_servers_are_told_the_bounds_of_ids_and_tokens(tmp_path):
    model = trained("byte", Picky, threshold=0.5)
    loaded = load(model, tmp_path)
    assert loaded.max_token_id == max(loaded.get_vocab().values()) == len(loaded) - 1
    assert loaded.max_chars_per_token == max(len(token) for token in loaded.get_vocab())
    loaded.add_tokens(["<|new|>"])
    assert loaded.max_token_id == len(loaded) - 1
