"""How the base tokenizer spells the bytes of a new token: by its own rule, without normalising them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokkit.transplant.base import Pieces
from tokkit.transplant.vocabulary import CHARACTER_OF_BYTE, Vocabulary

if TYPE_CHECKING:
    import tokenizers

Speller = Callable[[Sequence[bytes]], list[list[int]]]
_MARKER = "▁"


def spell(base: Vocabulary, texts: Sequence[bytes], *, rows: int) -> Pieces:
    """The base tokens below `rows` that spell each of `texts`, special tokens left out; empty where there are none."""
    spelled = _speller(base)(texts)
    known = {number: token for number, token in base.by_id.items() if number < rows}
    segments: list[NDArray[np.int64]] = []
    lengths: list[NDArray[np.int64]] = []
    for text, ids in zip(texts, spelled, strict=True):
        kept = [number for number in ids if number in known and known[number].kind == "text"]
        if not kept:
            # Bytes that the rule cannot spell (a cut character, no byte fallback) may still be tokens one by one.
            singles = [base.by_data.get(text[at : at + 1]) for at in range(len(text))]
            kept = [number for number in singles if number is not None and number in known]
        segments.append(np.array(kept, np.int64))
        lengths.append(np.array([_characters(known[number].data) for number in kept], np.int64))
    return Pieces(segments, lengths)


def _characters(data: bytes) -> int:
    return max(1, len(data.decode(errors="replace")))


def _speller(base: Vocabulary) -> Speller:
    if base.file is not None and base.file.kind in ("BPE", "Unigram") and base.family in ("bytelevel", "spm"):
        return _with_library(base)
    return _longest(base) if base.file is not None else _with_tables(base)


def _with_library(base: Vocabulary) -> Speller:
    """The file's own model, without normaliser and specials.

    Byte-level: with its pre-tokenizer, so that pieces are what the base meets in text (the golden vectors' rule); bytes
    that are no text go through the merges as one word. Others: on the marked string, whose first marker is the token's.
    """
    import tokenizers

    assert base.file is not None
    bare = {**base.file.raw, "added_tokens": [], "post_processor": None, "normalizer": None, "pre_tokenizer": None}
    whole = tokenizers.Tokenizer.from_str(json.dumps(bare))
    if base.family != "bytelevel":
        return lambda texts: _run(whole, base, [_decoded(text).replace(" ", _MARKER) for text in texts])
    before = _without_prefix(base.file.raw.get("pre_tokenizer"))
    cutting = tokenizers.Tokenizer.from_str(json.dumps({**bare, "pre_tokenizer": before})) if before else whole

    def run(texts: Sequence[bytes]) -> list[list[int]]:
        spelled = _run(cutting, base, [_decoded(text) if before else _shown(text) for text in texts])
        cut = [place for place, text in enumerate(texts) if not _decoded(text)]
        for place, ids in zip(cut, _run(whole, base, [_shown(texts[place]) for place in cut]), strict=True):
            spelled[place] = ids
        return spelled

    return run


def _without_prefix(part: object) -> object:
    """The same pre-tokenizer, which puts no space before a text."""
    if isinstance(part, list):
        return [_without_prefix(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: _without_prefix(value) for key, value in part.items()}
    return {**made, "add_prefix_space": False} if "add_prefix_space" in made else made


def _run(runner: "tokenizers.Tokenizer", base: Vocabulary, words: list[str]) -> list[list[int]]:
    unknown = base.roles.get("unk")
    rows = runner.encode_batch(words, add_special_tokens=False)
    return [[number for number in row.ids if number != unknown] for row in rows]


def _shown(text: bytes) -> str:
    return "".join(CHARACTER_OF_BYTE[byte] for byte in text)


def _decoded(text: bytes) -> str:
    """The text, empty where it is cut inside a character: U+FFFD would be spelled as if it stood there."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return ""


def _with_tables(base: Vocabulary) -> Speller:
    """Our own encoder without its pre-tokenizer; the longest match where another library would have to run."""
    from tokkit.load import load_tokenizer
    from tokkit.model.tokenizer import Tokenizer

    loaded = load_tokenizer(Path(base.source))
    if not isinstance(loaded, Tokenizer) or base.family != "raw":
        return _longest(base)
    bare = Tokenizer(replace(loaded.tables, pretokenizer="none@1", normalizer=None, specials={}))
    return lambda texts: [bare.encode_bytes(text) for text in texts]


def _longest(base: Vocabulary) -> Speller:
    """The longest token at each place, which is WordPiece's own rule; bytes that no token starts with are skipped."""
    table = base.by_data
    longest = max(map(len, table), default=0)

    def spell_one(text: bytes) -> list[int]:
        ids: list[int] = []
        at = 0
        while at < len(text):
            size = next((n for n in range(min(longest, len(text) - at), 0, -1) if text[at : at + n] in table), 0)
            if size:
                ids.append(table[text[at : at + size]])
            at += max(1, size)
        return ids

    return lambda texts: [spell_one(text) for text in texts]
