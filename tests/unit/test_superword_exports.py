"""Exports of superword models: plain JSON and GGUF for SuperBPE, the carried loader for whole-word superwords."""

import json
import struct
from functools import cache
from pathlib import Path

import pytest

from tokkit.corpus import texts
from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.measure import measure
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import special_ids, token_strings
from tokkit.trainers import TRAINERS

DOCUMENTS = ["of the cat and of the dog, in the end of the day: 1234567\n", "naïve résumés  of the 日本語\n"] * 20
TEXTS = ["", "of the end of the day", "  of the\n\n12345 cats: a dog", "日本語 of the naïve", DOCUMENTS[0]]


@cache
def model(method: str, **options: object) -> Model:
    trainer_class = TRAINERS.get(method)
    trainer = trainer_class(trainer_class.Config(vocab_size=330, special_tokens=("<eos>",), **options))
    return trainer.train(trainer.count_words(texts(DOCUMENTS)), again=trainer.count_again(texts(DOCUMENTS)))


@pytest.mark.parametrize("generation", ["paper", "head"])
def test_plain_json_of_superbpe_is_exact(generation: str, tmp_path: Path) -> None:
    from tokenizers import Tokenizer as Library

    trained = model("superbpe", generation=generation)
    EXPORTERS.get("hf")(trained, tmp_path)
    theirs, ours = Library.from_file(str(tmp_path / "tokenizer.json")), Tokenizer.from_model(trained)

    for text in TEXTS:
        assert theirs.encode(text, add_special_tokens=False).ids == ours.encode(text)
    split = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["pre_tokenizer"]["pretokenizers"]
    assert [step["type"] for step in split][-1] == "ByteLevel"


def read_gguf(path: Path) -> dict[str, object]:
    """All keys of a file without tensors."""
    data, at = path.read_bytes(), 24
    magic, version, n_tensors, n_keys = struct.unpack_from("<4sIQQ", data)
    assert (magic, version, n_tensors) == (b"GGUF", 3, 0)

    def read(kind: int) -> object:
        nonlocal at
        if kind == 8:
            (length,) = struct.unpack_from("<Q", data, at)
            at += 8 + length
            return data[at - length : at].decode()
        if kind == 9:
            inner, n = struct.unpack_from("<IQ", data, at)
            at += 12
            return [read(inner) for _ in range(n)]
        code = {4: "<I", 5: "<i", 7: "<?"}[kind]
        (value,) = struct.unpack_from(code, data, at)
        at += struct.calcsize(code)
        return value

    found: dict[str, object] = {}
    for _ in range(n_keys):
        name = read(8)
        (kind,) = struct.unpack_from("<I", data, at)
        at += 4
        found[str(name)] = read(kind)
    assert at == len(data)
    return found


def test_gguf_names_the_pre_tokenizer_of_llama_cpp(tmp_path: Path) -> None:
    trained = model("superbpe")
    (path,) = EXPORTERS.get("gguf")(trained, tmp_path)

    keys = read_gguf(path)

    assert keys["tokenizer.ggml.pre"] == "superbpe"
    assert keys["tokenizer.ggml.model"] == "gpt2"
    tokens, kinds = keys["tokenizer.ggml.tokens"], keys["tokenizer.ggml.token_type"]
    assert sorted(tokens) == sorted(token_strings(trained))
    eos = special_ids(trained)["<eos>"]
    assert (tokens[eos], kinds[eos], keys["tokenizer.ggml.eos_token_id"]) == ("<eos>", 3, eos)
    assert set(kinds) == {1, 3}
    assert len(keys["tokenizer.ggml.merges"]) == len(trained.events)


def test_gguf_is_read_by_its_own_package(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    (path,) = EXPORTERS.get("gguf")(model("superbpe"), tmp_path)

    fields = gguf.GGUFReader(path).fields

    assert bytes(fields["tokenizer.ggml.pre"].parts[-1]).decode() == "superbpe"


def test_gguf_is_refused_where_llama_cpp_cuts_otherwise(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="no pre-tokenizer like `superbpe-head@1`"):
        EXPORTERS.get("gguf")(model("superbpe", generation="head"), tmp_path)
    with pytest.raises(TokenizerError, match="inference `boundless`"):
        EXPORTERS.get("gguf")(model("boundless", threshold=1.1), tmp_path)


@pytest.mark.parametrize("method", ["boundless", "superbpe-pretoken"])
@pytest.mark.parametrize("threshold", [0.5, 1.1])
def test_the_carried_loader_encodes_whole_word_superwords(method: str, threshold: float, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    more = {"transition": 0.95} if method == "superbpe-pretoken" else {}
    trained = model(method, threshold=threshold, **more)
    EXPORTERS.get("hf")(trained, tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=True)
    ours = Tokenizer.from_model(trained)

    for text in TEXTS:
        ids = ours.encode(text)
        assert theirs.encode(text, add_special_tokens=False) == ids
        assert theirs.decode(ids) == text
        if text:
            offsets = theirs(text, return_offsets_mapping=True)["offset_mapping"]
            assert [tuple(span) for span in offsets] == ours.encode_offsets(text).char_offsets


def test_fidelity_of_the_loader_is_measured() -> None:
    trained = model("boundless", threshold=0.5)
    runs = [(document.encode(), 1) for document in DOCUMENTS]

    found = measure(trained, "hf", runs)

    assert found is not None
    assert found.is_exact


def test_scripts_cut_by_another_scheme_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="cuts all scripts alike"):
        EXPORTERS.get("hf")(model("boundless", script_scheme="letters"), tmp_path)
