"""The tokenizer.json of today's model families: user-defined tokens, normalizers, markers for spaces; ids as of HF."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as HfTokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from tokkit.cli.tokenizers import counts_for
from tokkit.corpus import texts as corpus_texts
from tokkit.counts import count
from tokkit.export.hf import tokenizer_json
from tokkit.load import load_tokenizer
from tokkit.model.normal_form import NormalForm
from tokkit.model.tokenizer import Tokenizer
from tokkit.progress import silent
from tokkit.trainers import TRAINERS
from tokkit.trainers.extend import ExtendConfig, extend
from tokkit.trainers.prune import PruneConfig, prune

MARKER = "\u2581"
CORPUS = [
    "the cat sat on the mat, the  cat said < think > hm and e\u0301t\u00e9 caf\u00e9 \u1112\u1161\u11ab \ufb01n",
    "  def f(x):\n    return  x  # the end\n\n" * 3,
]
# What makes trouble: parts of tokens, spaces of all sorts, marks that compose, characters that decompose.
PARTS = [
    *("the", "cat", " ", "  ", "   ", "\n", "<think>", "</think>", "<end>", "<", ">", "think", "a", "e", "\u0301"),
    *("\u0338", "\u00e9", "\u212b", "\u0344", "\ufb01", "\u00a0", "\u1112\u1161\u11ab", "\ud55c", "\u09c7\u09be"),
    *(MARKER, "\U0001f642", "a\u0316\u0301", "  \u00a0"),
]
texts = st.lists(st.sampled_from(PARTS), max_size=12).map("".join) | st.text(max_size=12)


def byte_level(normalizer: str | None, *, late: bool) -> dict[str, Any]:
    """A byte-level BPE with special, raw user-defined and (if `late`) normalised user-defined tokens."""
    tokenizer = HfTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False)
    )
    content: dict[str, Any] = json.loads(tokenizer.to_str())
    content["normalizer"] = None if normalizer is None else {"type": normalizer}
    plain = {"single_word": False, "lstrip": False, "rstrip": False}
    added = [("<end>", True, False), ("<think>", False, False), ("</think>", False, False)]
    added += [("  ", False, True), ("   ", False, True)] if late else []
    content["added_tokens"] = [
        {
            "id": len(content["model"]["vocab"]) + place,
            "content": text,
            "special": special,
            "normalized": normalized,
            **plain,
        }
        for place, (text, special, normalized) in enumerate(added)
    ]
    return content


def space_runs(family: str) -> dict[str, Any]:
    """A character-level BPE with byte fallback that leaves the text whole, as Llama 2, Mistral or Gemma."""
    tokenizer = HfTokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", MARKER)
    # Training cuts where the scheme cuts, so that no token reaches over it; runs of markers are tokens too.
    tokenizer.pre_tokenizer = pre_tokenizers.Split(MARKER, "merged_with_next")
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=360, special_tokens=["<unk>", *byte_tokens], show_progress=False)
    )
    content: dict[str, Any] = json.loads(tokenizer.to_str())
    vocabulary = content["model"]["vocab"]
    for n in (2, 4):
        if MARKER * n not in vocabulary:
            vocabulary[MARKER * n] = len(vocabulary)
            content["model"]["merges"].append([MARKER * (n // 2), MARKER * (n // 2)])
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    content["added_tokens"] = [
        {"id": 0, "content": "<unk>", "special": True, **plain},
        {"id": len(vocabulary), "content": "<end>", "special": True, **plain},
        {"id": len(vocabulary) + 1, "content": "<think>", "special": False, **plain},
    ]
    unmark = {"type": "Replace", "pattern": {"String": MARKER}, "content": " "}
    steps = [unmark, {"type": "ByteFallback"}, {"type": "Fuse"}]
    mark = {"type": "Replace", "pattern": {"String": " "}, "content": MARKER}
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    metaspace = {"type": "Metaspace", "replacement": MARKER, "prepend_scheme": "first", "split": False}
    prepend = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARKER}, mark]}
    split = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    content["normalizer"], content["pre_tokenizer"] = {
        "llama2": (prepend, None),
        "mistral": (None, metaspace),
        "gemma": (mark, None),
        "gemma split": (mark, split),
    }[family]
    content["decoder"] = {"type": "Sequence", "decoders": steps if family.startswith("gemma") else [*steps, strip]}
    return content


FILES = {
    **{f"byte level {form}": byte_level(form, late=False) for form in (None, "NFC", "NFD", "NFKC", "NFKD")},
    **{f"late {form}": byte_level(form, late=True) for form in (None, "NFC", "NFKC")},
    **{family: space_runs(family) for family in ("llama2", "mistral", "gemma", "gemma split")},
}


@cache
def pair(name: str) -> tuple[Tokenizer, HfTokenizer, HfTokenizer]:
    """Ours, HF's with all special tokens, HF's with the user-defined ones only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        path.write_text(json.dumps(FILES[name]), encoding="utf-8")
        ours = load_tokenizer(path)
        assert isinstance(ours, Tokenizer), f"{name}: {getattr(ours, 'reason', '')}"
        every, some = HfTokenizer.from_file(str(path)), HfTokenizer.from_file(str(path))
    some.encode_special_tokens = True
    return ours, every, some


@pytest.mark.parametrize("name", FILES)
@given(texts)
@settings(max_examples=60, deadline=None)
def test_ids_and_decoded_text_are_those_of_the_library(name: str, text: str) -> None:
    ours, every, some = pair(name)
    expected = some.encode(text, add_special_tokens=False).ids
    assert ours.encode(text) == expected
    assert ours.encode_batch(["x", text, text + "y"]).lists()[1] == expected
    allowed = every.encode(text, add_special_tokens=False).ids
    assert ours.encode(text, allowed_special="all") == allowed
    if not (set(allowed) & {0}):
        assert ours.decode(allowed) == every.decode(allowed, skip_special_tokens=False)


@pytest.mark.parametrize("name", FILES)
@given(texts)
@settings(max_examples=40, deadline=None)
def test_offsets_have_the_same_ids_and_cover_the_text(name: str, text: str) -> None:
    ours, _, _ = pair(name)
    found = ours.encode_offsets(text)
    assert found.ids == ours.encode(text)
    seen = 0
    for (low, high), (first, last) in zip(found.char_offsets, found.byte_offsets, strict=True):
        assert 0 <= low <= high <= len(text)
        assert low <= seen, "a gap"
        assert len(text[:low].encode()) <= first <= last <= len(text[:high].encode())
        seen = max(seen, high)
    assert seen == len(text)


@pytest.mark.parametrize("name", FILES)
def test_what_is_exported_reads_as_the_file_did(name: str) -> None:
    ours, _, some = pair(name)
    again = HfTokenizer.from_str(json.dumps(tokenizer_json(ours.model)))
    again.encode_special_tokens = True
    for text in (*CORPUS, "<think>  e\u0301 </think><end>", " a", "\u00a0\ufb01"):
        assert again.encode(text).ids == some.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("name", ["late NFC", "byte level NFKD", "mistral"])
def test_an_artefact_keeps_user_defined_tokens(name: str, tmp_path: Path) -> None:
    ours, _, _ = pair(name)
    ours.save_pretrained(tmp_path / "saved")
    again = load_tokenizer(tmp_path / "saved")
    text = "the <think>  caf\u00e9 e\u0301 </think> <end>"
    assert again.encode(text) == ours.encode(text)
    assert (again.specials, again.user_defined) == (ours.specials, ours.user_defined)


def test_a_long_run_of_marks_is_one_stretch_and_takes_no_quadratic_time() -> None:
    # Of one kind: Python itself orders mixed ones in quadratic time.
    marks = "\u0301" * 200_000
    normal, begins, ends = NormalForm("nfc").sources("ba" + marks + "b")
    assert normal == NormalForm("nfc").apply("ba" + marks + "b")
    assert (begins[0], ends[0], begins[-1], ends[-1]) == (0, 1, len(marks) + 2, len(marks) + 3)
    assert set(begins[1:-1].tolist()) == {1}
    assert set(ends[1:-1].tolist()) == {len(marks) + 2}


def test_the_end_of_a_word_is_found_in_text_that_normalisation_changes() -> None:
    ours = pair("byte level NFC")[0]
    found = ours.encode_offsets("<think>e\u0301t")
    assert found.char_offsets == [(0, 7), (7, 9), (9, 10)]
    assert found.byte_offsets == [(0, 7), (7, 10), (10, 11)]


@pytest.mark.parametrize(
    ("late", "early"), [("a<", "<b"), ("x<b>y", "<b>")], ids=["reaches into an early one", "holds an early one"]
)
def test_tokens_that_overlap_in_two_passes_go_to_the_library(late: str, early: str, tmp_path: Path) -> None:
    content = byte_level("NFC", late=False)
    one, other, _ = content["added_tokens"]
    content["added_tokens"] = [{**one, "content": late, "normalized": True}, {**other, "content": early}]
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert "overlap" in load_tokenizer(path).reason  # type: ignore[union-attr]  # the library's has one


def test_a_token_with_a_space_inside_goes_to_the_library(tmp_path: Path) -> None:
    content = space_runs("gemma")
    content["model"]["vocab"][f"a{MARKER}"] = 500
    content["model"]["merges"].append(["a", MARKER])
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert "space inside" in load_tokenizer(path).reason  # type: ignore[union-attr]  # the library's has one


def test_longer_and_shorter_vocabularies_read_user_defined_tokens_and_normal_forms_as_before(tmp_path: Path) -> None:
    ours = pair("late NFC")[0]
    corpus = tmp_path / "corpus.txt"
    # Decomposed on purpose: what is learnt must be of the form that the encoder sees.
    corpus.write_text("caf\u0065\u0301  <think>caf\u0065\u0301<end>\n" * 50, encoding="utf-8")
    counts = counts_for(ours.model, (str(corpus),), None, {}, silent)
    assert dict(counts)["caf\u00e9".encode()] == 100
    assert not [word for word, _ in counts if b"think" in word or b"end" in word or b"  " in word]
    longer = Tokenizer.from_model(extend(ours.model, counts, config=ExtendConfig(vocab_size=ours.vocab_size + 2)))
    shorter = Tokenizer.from_model(prune(ours.model, counts, config=PruneConfig(vocab_size=300))[0])
    text = "caf\u0065\u0301  <think>caf\u00e9 e\u0301"
    for made in (longer, shorter):
        assert made.model is not None
        again = HfTokenizer.from_str(json.dumps(tokenizer_json(made.model)))
        assert made.encode(text) == again.encode(text).ids
        assert made.user_defined["<think>"] in made.encode(text)
        assert made.decode(made.encode(text)) == "caf\u00e9  <think>caf\u00e9 \u00e9"
    assert len(longer.encode("caf\u00e9")) < len(ours.encode("caf\u00e9"))


@pytest.mark.parametrize("family", ["llama2", "mistral"])
def test_a_marker_in_front_comes_from_the_first_character(family: str) -> None:
    ours, _, some = pair(family)
    for text in ("\U0001f642 a", "\u00e9", "a"):
        assert ours.encode_offsets(text).char_offsets == some.encode(text, add_special_tokens=False).offsets


@pytest.mark.parametrize("unit", ["byte", "char"])
@pytest.mark.parametrize("scheme", ["llama2@1", "mistral@1", "gemma@1"])
def test_a_vocabulary_trained_with_spaces_as_markers_reads_and_writes_as_its_export(scheme: str, unit: str) -> None:
    counts = count(corpus_texts(CORPUS), pretokenizer=scheme)
    options = {"unit": unit, "unknown": "byte_fallback" if unit == "char" else None}
    trainer = TRAINERS.get("bpe")
    config = trainer.Config(vocab_size=340, special_tokens=("<end>",), **{k: v for k, v in options.items() if v})
    made = Tokenizer.from_model(trainer(config).train(counts))
    again = HfTokenizer.from_str(json.dumps(tokenizer_json(made.model)))
    for text in (*CORPUS, " a", "  a b ", "a<end>b <end> c", "\u00e9 \U0001f642", MARKER, ""):
        ids = made.encode(text, allowed_special="all")
        assert ids == again.encode(text).ids
        assert made.decode(ids) == again.decode(ids, skip_special_tokens=False)
