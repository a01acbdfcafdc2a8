"""Under-trained tokens of a model, by the rows of its embeddings in safetensors; nothing of the model is run.

Land & Bartolo, EMNLP 2024 (Magikarp). Tokens are first told apart by how they can be written: only those that encode
to themselves set the threshold. An indicator is no proof: prompts that ask for the token are.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokenizerError, TokkitError, UsageError
from tokkit.metrics.base import Subject
from tokkit.metrics.lexicon import Lexicon
from tokkit.metrics.undertrained import Indicators, candidates, indicators

if TYPE_CHECKING:
    from tokkit.transplant.checkpoint import Checkpoint

Category = Literal[
    "OK", "OK_SPECIAL", "UNREACHABLE_SPECIAL", "UNDECODEABLE", "UNREACHABLE_SINGLE_TOKEN", "UNREACHABLE_MULTI_TOKEN"
]
INDICATORS: Final[dict[str, str]] = {
    "input_norm": "length of the input row; for untied models",
    "output_cosine": "cosine distance of the output row to the mean unused row; for tied models",
    "output_cosine_centred": "the same after both are centred",
    "output_cosine_without_first": "the same without the first principal component",
    "output_distance": "distance of the output row to the mean unused row",
}
_GUARD: Final = "«"
_SHAPE: Final = re.compile(r"<.*[A-Za-z].*>|\[.*[A-Za-z].*\]", re.DOTALL)
_RESERVED: Final = re.compile(r"unused|reserved", re.IGNORECASE)
_NEVER: Final = (0xC0, 0xC1, *range(0xF5, 0x100))
_QUANTISED: Final = ("F8_E4M3", "F8_E5M2")


@dataclass(frozen=True)
class Undertrained:
    """What the embeddings say. `candidates` are (id, value), lowest first; `unused` the ids taken for untrained."""

    indicator: str
    is_tied: bool
    rows: int
    unused: list[int]
    unused_by: str
    threshold: float
    candidates: list[tuple[int, float]]
    categories: dict[Category, int]
    values: Indicators


def undertrained(
    folder: Path, subject: Subject, *, indicator: str | None = None, percentile: float = 2.0
) -> Undertrained:
    """Ranks the tokens of `subject` by an indicator of the model in `folder`: its default is by tied embeddings or not.

    Raises:
        UsageError: no such indicator, or fewer rows than tokens. TokenizerError: no embeddings, quantised ones, or
            nothing that is known to be unused.
    """
    from tokkit.transplant.checkpoint import open_checkpoint
    from tokkit.transplant.tables import find_tables

    model = open_checkpoint(folder)
    tables = find_tables(model)
    name = indicator or ("output_cosine" if tables.is_tied else "input_norm")
    if name not in INDICATORS:
        raise UsageError(f"--indicator: no such indicator, got `{name}`", hint="one of: " + ", ".join(INDICATORS))
    if tables.rows < subject.vocab_size:
        raise UsageError(
            f"{folder}: has {tables.rows} rows, the tokenizer {subject.vocab_size} tokens",
            hint="give the tokenizer of this model",
        )
    entry = _matrix(model, tables.inputs[0])
    out = entry if tables.is_tied or not tables.outputs else _matrix(model, tables.outputs[0])
    lexicon = Lexicon(subject)
    unused, by = unused_rows(lexicon, tables.rows)
    found = indicators(out, unused, input_=entry)
    kinds = categories(lexicon)
    excluded = [token for token in range(tables.rows) if kinds.get(token) != "OK"]
    values: NDArray[np.float64] = getattr(found, name)
    threshold, chosen = candidates(values, excluded=excluded, percentile=percentile)
    ranked = sorted(chosen, key=lambda token: (values[token], token))
    return Undertrained(
        indicator=name,
        is_tied=tables.is_tied,
        rows=tables.rows,
        unused=unused,
        unused_by=by,
        threshold=threshold,
        candidates=[(token, float(values[token])) for token in ranked],
        categories=dict(sorted(Counter(kinds.values()).items())),
        values=found,
    )


def unused_rows(lexicon: Lexicon, rows: int) -> tuple[list[int], str]:
    """Ids that no training can have met: rows behind the vocabulary, else reserved names, else impossible bytes.

    Raises:
        TokenizerError: there are none.
    """
    behind = list(range(lexicon.size, rows))
    if behind:
        return behind, "rows behind the vocabulary"
    named = sorted(token for name, token in lexicon.specials.items() if _RESERVED.search(name))
    if named:
        return named, "names with `unused` or `reserved`"
    impossible = sorted(
        {lexicon.byte_ids[byte] for byte in _NEVER if byte in lexicon.byte_ids}
        or {
            token for token in range(lexicon.size) if len(data := lexicon.token_bytes(token)) == 1 and data[0] in _NEVER
        }
    )
    if impossible:
        return impossible, "bytes that no UTF-8 has"
    raise TokenizerError("no token is known to be unused: no padding rows, reserved names or impossible bytes")


def categories(lexicon: Lexicon) -> dict[int, Category]:
    """How each token can be written, by the tests of Magikarp, with a guard character for tokenizers that put a space
    in front of text.
    """
    subject = lexicon.subject
    specials = frozenset(lexicon.specials.values())
    texts: dict[int, str] = {}
    found: dict[int, Category] = {}
    for token in range(lexicon.size):
        data = lexicon.token_bytes(token)
        if not data:
            continue
        if token in specials:
            found[token] = "OK_SPECIAL"
            continue
        try:
            text = subject.decode([token]) if _is_whole(data) else "\ufffd"
        except TokkitError:
            text = "\ufffd"
        if "\ufffd" in text:
            found[token] = "UNDECODEABLE"
        else:
            texts[token] = data.decode()
    guard = subject.encode_batch([_GUARD]).ids.tolist()
    for prefix, dropped in (("", []), (_GUARD, guard)):
        left = [token for token in texts if token not in found]
        encoded = subject.encode_batch([prefix + texts[token] for token in left])
        ends = np.asarray(encoded.offsets, np.int64)
        for place, token in enumerate(left):
            if encoded.ids[ends[place] : ends[place + 1]].tolist() == [*dropped, token]:
                found[token] = "OK"
    for token, text in texts.items():
        if token not in found:
            alone: Category = "UNREACHABLE_SINGLE_TOKEN" if len(text) == 1 else "UNREACHABLE_MULTI_TOKEN"
            found[token] = "UNREACHABLE_SPECIAL" if _SHAPE.fullmatch(text) else alone
    return found


def _is_whole(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _matrix(model: "Checkpoint", name: str) -> NDArray[np.floating]:
    kind = model.tensors[name].dtype
    if kind in _QUANTISED:
        raise TokenizerError(
            f"{model.folder}: {name} has the type {kind}: quantised rows hide what is looked for",
            hint="take the model in bf16 or better",
        )
    return np.asarray(model.read(name), np.float32)
