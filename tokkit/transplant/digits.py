"""How a tokenizer cuts numbers: two schemes that differ cost a transplanted model most of its arithmetic."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from tokkit.load import load_tokenizer
from tokkit.load.hf_file import HfFile
from tokkit.load.hf_library import HuggingFaceTokenizer
from tokkit.transplant.vocabulary import Vocabulary

TokenBytes = Callable[[int], bytes]
Scheme = Literal["single", "three-left", "three-right", "free"]
_KEPT = re.compile(r".|[0-9\u2581\u0120]+|<0x[0-9A-F]{2}>", re.DOTALL)  # one character; digits and word starts
_NUMBERS = ("1234567", "9081726", "4444", "2097", "123", "99")


def digit_scheme(vocabulary: Vocabulary) -> Scheme:
    """`single` digits; up to three from the left (123 456 7) or from the right (1 234 567); or as merges will."""
    file = vocabulary.file
    tokenizer = (
        load_tokenizer(Path(vocabulary.source)) if file is None else HuggingFaceTokenizer(_of_digits(file), reason="")
    )
    cuts = [_cuts(tokenizer.token_bytes, tokenizer.encode(number)) for number in _NUMBERS]
    if all(cut == [1] * len(number) for cut, number in zip(cuts, _NUMBERS, strict=True)):
        return "single"
    if all(cut == _threes(len(number)) for cut, number in zip(cuts, _NUMBERS, strict=True)):
        return "three-left"
    if all(cut == _threes(len(number))[::-1] for cut, number in zip(cuts, _NUMBERS, strict=True)):
        return "three-right"
    return "free"


def _of_digits(file: HfFile) -> HfFile:
    """A BPE file that does the same with numbers and is small: the library takes half a second for a usual one."""
    if file.kind != "BPE":
        return file
    model = dict(file.raw["model"])  # type: ignore[call-overload] # checked when the file was read
    model["vocab"] = {t: n for t, n in file.vocab.items() if _KEPT.fullmatch(t) or t == model.get("unk_token")}
    merges = [pair for pair in file.merges if _KEPT.fullmatch(pair[0] + pair[1]) and set(pair) <= model["vocab"].keys()]
    added = [token for token in file.added if _KEPT.fullmatch(token.content)]
    names = {token.content for token in added}
    rows = [row for row in file.raw["added_tokens"] if row["content"] in names]  # type: ignore[attr-defined] # as above
    model["merges"] = [list(pair) for pair in merges]
    raw = {**file.raw, "model": model, "added_tokens": rows, "post_processor": None}
    return replace(file, raw=raw, vocab=model["vocab"], merges=merges, added=added)


def _cuts(token_bytes: TokenBytes, ids: list[int]) -> list[int]:
    sizes = [sum(48 <= byte < 58 for byte in token_bytes(number)) for number in ids]
    return [size for size in sizes if size]


def _threes(length: int) -> list[int]:
    return [3] * (length // 3) + ([length % 3] if length % 3 else [])


def digit_warning(base: Scheme, target: Scheme) -> str | None:
    """What to tell when the schemes differ."""
    if base == target:
        return None
    return (
        f"digits are cut otherwise: {base} before, {target} now; published transplants across digit schemes lost "
        "74-79 % of GSM8K, those within one 6 %"
    )
