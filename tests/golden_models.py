"""Models by hand from the golden files of plain BPE, so that what reads models needs no trainer."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden_folder import golden_folder
from tokkit.model.events import Events
from tokkit.model.model import Alphabet, Model
from tokkit.model.vocab import byte_token_string, string_to_bytes

_SCHEMES = {"bytelevel": "gpt2@1", "ws": "whitespace@1", "metaspace": "metaspace@1"}


def golden_file(name: str) -> dict[str, Any]:
    """The content of bpe_hf/<name>.json."""
    path = golden_folder() / "trainers" / "bpe_hf" / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def golden_names() -> list[str]:
    """The names of all files of bpe_hf."""
    return sorted(path.stem for path in (golden_folder() / "trainers" / "bpe_hf").glob("*.json"))


def golden_model(name: str, layout: str = "hf") -> Model:
    """The model that bpe_hf/<name>.json describes."""
    golden = golden_file(name)
    kind, options = golden["pre_tokenizer"]["kind"], golden["model"]
    is_byte = kind == "bytelevel"
    byte_tokens = [byte_token_string(byte) for byte in range(256)] if options["byte_fallback"] else []
    specials = [text for text in golden["trainer"].get("special_tokens", []) if text not in byte_tokens]
    vocabulary: list[str] = golden["vocab"]
    made = {left + right for left, right in golden["merges"]}
    n_fixed = len(specials) + len(byte_tokens)
    atoms = [token for token in vocabulary[n_fixed:] if token not in made]
    spell = string_to_bytes if is_byte else str.encode
    tokens = [text.encode() for text in specials] + [bytes([byte]) for byte in range(len(byte_tokens))]
    tokens += [spell(token) for token in vocabulary[n_fixed:]]
    number = {token: place for place, token in enumerate(vocabulary)}
    rows = [[number[left], number[right], number[left + right]] for left, right in golden["merges"]]
    unk = options["unk_token"]
    return Model(
        method="bpe",
        pretokenizer=_SCHEMES[kind],
        alphabet=Alphabet(
            unit="byte" if is_byte else "char",
            unknown="byte_fallback" if byte_tokens else "unk" if unk else "drop",
            unk_token=unk,
            fuse_unk=options["fuse_unk"],
        ),
        specials=tuple(specials),
        n_byte_tokens=len(byte_tokens),
        n_atoms=len(atoms),
        tokens=tuple(tokens),
        events=Events.from_merges(
            np.array(rows, np.uint32).reshape(-1, 3), np.arange(len(rows), 0, -1, dtype=np.uint64)
        ),
        layout=layout,  # type: ignore[arg-type]
    )


def folder_digest(folder: Path) -> dict[str, bytes]:
    """Every file's bytes by name: two folders are equal when these are."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
