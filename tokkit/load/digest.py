"""SHA-256 of what a tokenizer is loaded from, so that results can say what they are of."""

import hashlib
from pathlib import Path
from typing import Final

_NAMES: Final = (
    *("tokkit.json", "events.parquet", "adapt.json", "tokenizer.json", "tekken.json", "tokenizer.model"),
    *("spiece.model", "sentencepiece.bpe.model"),
)


def digest(path: Path) -> str | None:
    """Of a file its bytes; of a folder the names and bytes of its tokenizer files. None where nothing is there."""
    if path.is_file():
        return _of_file(path)
    if not path.is_dir():
        return None
    files = [path / name for name in _NAMES if (path / name).is_file()] + sorted(path.glob("*.tiktoken"))
    if not files:
        return None
    lines = "".join(f"{file.name} {_of_file(file)}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
