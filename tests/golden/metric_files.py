"""The golden files of metrics and the tokenizers that they are of."""

import json
import math
from functools import cache
from pathlib import Path

from tests.golden_folder import golden_folder
from tokkit.load import load_tokenizer


@cache
def golden(name: str):
    return json.loads((golden_folder() / "metrics" / name).read_text(encoding="utf-8"))


@cache
def path_of(name: str) -> Path | None:
    """The tokenizer's file; those of npm are looked for in TOKKIT_NPM/<package>.json, by their digest."""
    entry = golden("oracle.json")["tokenizers"][name]
    if not name.startswith("npm:"):
        return golden_folder() / "metrics" / "tokenizers" / entry["file"]
    from tests.golden.npm_pack import file_of

    return file_of(name.removeprefix("npm:"))


@cache
def tokenizer(name: str):
    return load_tokenizer(path_of(name))


def tokenizers() -> list[str]:
    """Names that can be had here."""
    return [name for name in golden("oracle.json")["tokenizers"] if path_of(name) is not None]


def texts() -> dict[str, list[str]]:
    return golden("texts.json")["languages"]


def close(found, expected) -> bool:
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
