"""How many words an exported file encodes as the model itself does, asked of the program that reads the file."""

import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.fidelity import Fidelity, fidelity
from tokkit.model.model import Model
from tokkit.model.vocab import bytes_to_string

MEASURABLE: Final = frozenset({"hf", "hf-greedy", "hf-ghost", "hf-loader", "sentencepiece"})
"""Exports whose reader is at hand; the others are exact by construction or refused."""

_BATCH: Final = 20_000
_EXAMPLES: Final = 10
WordEncoder = Callable[[bytes], list[int] | None]
"""A pretoken to ids; None where the file's program cannot be asked about it."""


@dataclass(frozen=True)
class Reading:
    """A vocabulary that is not read as it was trained to be: the inference before, and what keeps its ids.

    `fidelity` is None where it was not measured.
    """

    before: str
    fidelity: Fidelity | None

    def to_json(self) -> dict[str, object]:
        """The figures for a manifest."""
        return {"before": self.before, "fidelity": None if self.fidelity is None else self.fidelity.to_json()}


def measure(model: Model, name: str, counts: Iterable[tuple[bytes, int]]) -> Fidelity | None:
    """Writes export `name` to a temporary folder and compares every pretoken; None if nothing here reads it back.

    Raises:
        TokenizerError: the export cannot hold the model, or its library cannot read the file.
    """
    if name not in MEASURABLE:
        return None
    with tempfile.TemporaryDirectory(prefix="tokkit-") as folder:
        EXPORTERS.get(name)(model, Path(folder))
        if (Path(folder) / "tokenizer.json").exists():
            return fidelity(model, Path(folder) / "tokenizer.json", counts)
        encode = _reader(model, Path(folder))
        return None if encode is None else compare(model, encode, counts)


def compare(model: Model, encode: WordEncoder, counts: Iterable[tuple[bytes, int]]) -> Fidelity:
    """Holds `encode` against the model's own encoder on every (pretoken, count)."""
    from tokkit.model.tokenizer import Tokenizer

    ours = Tokenizer.from_model(replace(model, pretokenizer="none@1"))
    distinct = mass = same_distinct = same_mass = skipped = 0
    examples: list[bytes] = []
    rows = iter(counts)
    while batch := list(islice(rows, _BATCH)):
        for pretoken, count in batch:
            theirs = encode(pretoken)
            distinct += 1
            mass += count
            skipped += theirs is None
            if theirs == ours.encode_bytes(pretoken):
                same_distinct += 1
                same_mass += count
            elif len(examples) < _EXAMPLES:
                examples.append(pretoken)
    return Fidelity(distinct, mass, same_distinct, same_mass, skipped, tuple(examples))


def _reader(model: Model, folder: Path) -> WordEncoder | None:
    data, spm = folder / "tokkit_encoder.json", folder / "tokenizer.model"
    if data.exists():
        return _loader(model, data)
    return _sentencepiece(spm) if spm.exists() else None


def _loader(model: Model, path: Path) -> WordEncoder | None:
    data = json.loads(path.read_text(encoding="utf-8"))
    if data.get("superwords"):
        try:
            from tokkit.export.tokenization_tokkit import TokkitTokenizer
        except ImportError:  # transformers is an extra: without it nobody here can load the file
            return None
        # Superwords reach across pretokens, so the whole tokenizer is asked and not its word encoder.
        whole = TokkitTokenizer(str(path))
        return lambda text: whole.encode(text.decode("utf-8", "surrogateescape"), add_special_tokens=False)
    from tokkit.export.tokkit_words import WordEncoder as Carried

    carried = Carried(data)
    is_byte = model.alphabet.unit == "byte"

    def encode(pretoken: bytes) -> list[int] | None:
        try:
            text = bytes_to_string(pretoken) if is_byte else pretoken.decode()
        except UnicodeDecodeError:
            return None
        return [token for token, _ in carried.encode(text)]

    return encode


def _sentencepiece(path: Path) -> WordEncoder:
    import sentencepiece

    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (RuntimeError, OSError) as error:
        raise TokenizerError(f"{path}: sentencepiece cannot read it: {error}") from error
    marker = "\u2581"

    def encode(pretoken: bytes) -> list[int] | None:
        try:
            text = pretoken.decode()
        except UnicodeDecodeError:
            return None
        # The library writes the marker of the first word itself, and reads NUL as the end of nothing we wrote.
        if not text.startswith(marker) or marker in text[1:] or " " in text or "\0" in text:
            return None
        return [int(token) for token in processor.encode(text[1:])] if len(text) > 1 else None

    return encode
