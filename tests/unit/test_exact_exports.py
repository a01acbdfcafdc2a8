"""Exports of models that are more than merges: the carried loader, greedy and ghost files, sentencepiece."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tokkit.corpus import Texts
from tokkit.counts import CountTable, count
from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.measure import measure
from tokkit.export.tokenization_tokkit import TokkitTokenizer
from tokkit.export.tokkit_words import WordEncoder as Carried
from tokkit.model.inference import with_inference
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import bytes_to_string, vocab_size
from tokkit.trainers.picky import Picky
from tokkit.trainers.scaffold import Scaffold

TEXT = (
    "the cat sat on the mat and the other cats sat there too; a theatre is not a catacomb. "
    "Caf\u00e9s, na\u00efve r\u00e9sum\u00e9s, \u65e5\u672c\u8a9e \U0001f642 123 4567  spaces\n\nlines\n"
) * 5
UDHR = Path(__file__).parents[2] / "data" / "udhr" / "eng.txt"
SPECIALS = ("<|endoftext|>", "<pad>")


def text_table(pretokenizer: str) -> CountTable:
    return count(Texts([TEXT]), pretokenizer=pretokenizer)


def byte_model(trainer, **options) -> Model:
    config = trainer.Config(vocab_size=340, special_tokens=SPECIALS, **options)
    return trainer(config).train(text_table("llama-bpe@1"))


def char_model(trainer, pretokenizer="sentencepiece@1", **options) -> Model:
    config = trainer.Config(
        unit="char", unknown="unk", unk_token="<unk>", special_tokens=("<unk>", "<s>"), vocab_size=75, **options
    )
    return trainer(config).train(text_table(pretokenizer))


MODELS = {
    "picky": lambda: byte_model(Picky, threshold=0.5),
    "scaffold": lambda: byte_model(Scaffold),
    "picky-char": lambda: char_model(Picky, "picky-words@1", threshold=0.5),
    "scaffold-char": lambda: char_model(Scaffold),
}
TEXTS = [
    "",
    " ",
    "the cat",
    "  the  theatre \n cats",
    "na\u00efve \u65e5\u672c\u8a9e \U0001f642 caf\u00e9s 1234567",
    "unheard-of \x00 control\u2028",
    "a" * 200,
]


def load(model: Model, folder) -> TokkitTokenizer:
    from transformers import AutoTokenizer

    EXPORTERS.get("hf")(model, folder)
    return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=True)


@pytest.mark.parametrize("name", MODELS)
def test_models_here_do_lose_tokens(name):
    model = MODELS[name]()
    assert (~model.present).sum() > 0


@pytest.mark.parametrize("name", MODELS)
def test_auto_tokenizer_with_the_carried_loader_gives_our_ids(name, tmp_path):
    model = MODELS[name]()
    loaded, ours = load(model, tmp_path), Tokenizer.from_model(model)
    for text in TEXTS + TEXT.split("."):
        assert loaded(text)["input_ids"] == ours.encode(text), text
    batch = [text for text in TEXTS if text.strip()]
    assert loaded(batch)["input_ids"] == [ours.encode(text) for text in batch]


@pytest.mark.parametrize("name", ["picky", "scaffold"])
def test_loader_offsets_are_ours(name, tmp_path):
    model = MODELS[name]()
    loaded, ours = load(model, tmp_path), Tokenizer.from_model(model)
    for text in TEXTS:
        found = loaded(text, return_offsets_mapping=True)["offset_mapping"]
        assert [tuple(pair) for pair in found] == ours.encode_offsets(text).char_offsets


def test_loader_pads_and_cuts_offsets_as_the_ids(tmp_path):
    model = MODELS["picky"]()
    loaded = load(model, tmp_path)
    loaded.pad_token = "<pad>"
    batch = loaded(["the cat", "the theatre is not a cat"], padding=True, return_offsets_mapping=True)
    assert [len(row) for row in batch["offset_mapping"]] == [len(row) for row in batch["input_ids"]]
    assert batch["offset_mapping"][0][-1] == (0, 0)
    cut = loaded("the theatre is not a cat", truncation=True, max_length=2, return_offsets_mapping=True)
    assert len(cut["offset_mapping"]) == 2


def test_loader_decodes_and_knows_special_tokens(tmp_path):
    model = MODELS["picky"]()
    loaded = load(model, tmp_path)
    ids = loaded("the cat<|endoftext|>na\u00efve \U0001f642")["input_ids"]
    assert ids == Tokenizer.from_model(model).encode("the cat<|endoftext|>na\u00efve \U0001f642", allowed_special="all")
    assert loaded.decode(ids) == "the cat<|endoftext|>na\u00efve \U0001f642"
    assert loaded.eos_token == "<|endoftext|>"
    assert len(loaded) == vocab_size(model)


def test_loader_survives_saving_and_loading(tmp_path):
    model = MODELS["picky"]()
    (tmp_path / "first").mkdir()
    loaded = load(model, tmp_path / "first")
    loaded.save_pretrained(str(tmp_path / "second"))
    from transformers import AutoTokenizer

    again = AutoTokenizer.from_pretrained(str(tmp_path / "second"), trust_remote_code=True)
    assert again(TEXT)["input_ids"] == loaded(TEXT)["input_ids"]


@pytest.mark.parametrize("name", MODELS)
def test_loader_word_encoder_equals_ours_on_random_words(name):
    from tokkit.export.loader import encoder_data

    model = MODELS[name]()
    carried = Carried(json.loads(json.dumps(encoder_data(model))))
    ours = Tokenizer.from_model(replace(model, pretokenizer="none@1"))
    random_ = random.Random(7)
    tokens = [token for token in model.tokens[model.first_atom :] if token]
    for _ in range(300):
        word = b"".join(random_.choices(tokens, k=random_.randint(1, 6)))
        text = bytes_to_string(word) if model.alphabet.unit == "byte" else word.decode()
        placed = carried.encode(text)
        assert [token for token, _ in placed] == ours.encode_bytes(word)
        assert sum(length for _, length in placed) == len(text)


@pytest.mark.parametrize("name", ["picky", "scaffold", "picky-char", "scaffold-char"])
def test_loader_measures_exact_on_its_table(name):
    model = MODELS[name]()
    assert measure(model, "hf", text_table(model.pretokenizer)).is_exact


@pytest.mark.parametrize("name", ["picky", "scaffold"])
@pytest.mark.parametrize("inference", ["greedy", "ghost"])
def test_model_of_that_inference_exports_exactly(name, inference):
    model = with_inference(MODELS[name](), inference)
    assert measure(model, "hf", text_table(model.pretokenizer)).is_exact


@pytest.mark.parametrize("export", ["hf-greedy", "hf-ghost"])
def test_lossy_export_of_an_exact_model_is_measured_below_one(export):
    table = count(Texts([UDHR.read_text(encoding="utf-8")]), pretokenizer="llama-bpe@1")
    model = Picky(Picky.Config(vocab_size=600, threshold=0.6)).train(table)
    figure = measure(model, export, table)
    assert 0.3 < figure.mass_share < 1
    assert figure.examples


def test_ids_are_the_same_under_every_inference():
    model = MODELS["picky"]()
    exact, ghost = Tokenizer.from_model(model), Tokenizer.from_model(with_inference(model, "ghost"))
    assert ghost.vocab_size > exact.vocab_size
    for token in exact.ids:
        assert exact.token_bytes(token) == ghost.token_bytes(token)


def test_sentencepiece_resegments_scaffold_tokens_as_we_do(tmp_path):
    import sentencepiece

    model = MODELS["scaffold-char"]()
    EXPORTERS.get("sentencepiece")(model, tmp_path)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))
    ours = Tokenizer.from_model(model)
    for text in ["the cat", "the other cats sat there", " theatre  not ", "catacomb \u65e5 zebra", ""]:
        assert processor.encode(text) == ours.encode(text), text
    assert measure(model, "sentencepiece", text_table(model.pretokenizer)).is_exact


def test_sentencepiece_refuses_what_it_cannot_say(tmp_path):
    with pytest.raises(TokenizerError, match="UTF-8"):
        EXPORTERS.get("sentencepiece")(MODELS["scaffold"](), tmp_path)
    with pytest.raises(TokenizerError, match="no exact form"):
        EXPORTERS.get("sentencepiece")(char_model(Picky, threshold=0.5), tmp_path)


def test_tiktoken_refuses_models_that_lose_tokens(tmp_path):
    with pytest.raises(TokenizerError, match="no exact form"):
        EXPORTERS.get("tiktoken")(MODELS["picky"](), tmp_path)


@pytest.mark.parametrize("inference", ["exact", "greedy", "ghost", "least_tokens", "longest_suffix", "likelihood"])
def test_inference_chosen_at_training_is_the_models(inference):
    model = byte_model(Picky, threshold=0.5, inference=inference)
    assert model.inference == inference
    tokenizer = Tokenizer.from_model(model)
    assert tokenizer.inference == inference
    assert tokenizer.decode(tokenizer.encode("the theatre")) == "the theatre"


def test_merge_cannot_read_what_loses_tokens():
    with pytest.raises(TokenizerError, match="more than its merges"):
        byte_model(Picky, threshold=0.5, inference="merge")
