"""Models side by side on texts, as the results that all of `tokkit eval` prints, gates and compares."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

import tokkit
from tokkit.errors import UsageError
from tokkit.evaluate.results import Results, Row
from tokkit.evaluate.statistics import draw_sums
from tokkit.extrinsic.causal import describe, load_causal
from tokkit.extrinsic.config import Reading
from tokkit.extrinsic.measure import Measured, measure
from tokkit.extrinsic.metrics import READINGS, read_value
from tokkit.metrics.perplexity import Likelihood
from tokkit.progress import Progress, silent

DEFAULT: Final = ("bits_per_byte", "byte_perplexity", "word_perplexity")
_DRAWS: Final = 10_000


def evaluate_models(
    models: Mapping[str, str | Path],
    texts: Mapping[str, Sequence[str]],
    metrics: Sequence[str] = DEFAULT,
    *,
    reading: Reading | None = None,
    intervals: bool = False,
    seed: int = 0,
    threads: int = 0,
    progress: Progress = silent,
) -> Results:
    """Reads each text with each model, one model in memory at a time.

    `texts` are named, each its documents. `intervals` adds 95 % bootstrap intervals over documents. Every number is
    checked on a uniform model, which must get log2 V x N / B.

    Raises:
        UsageError: no model, no text, or a metric that no model gives. MissingExtraError: no torch.
        InputError: a document that a tokenizer changes. TokenizerError: a folder that is no sound causal model.
    """
    reading = reading or Reading()
    names = [name.partition("@")[0] for name in metrics]
    for what, given in (("model", models), ("text", texts), ("metric", names)):
        if not given:
            raise UsageError(f"evaluate_models: no {what} is given")
    for name in names:
        if name not in READINGS:
            raise UsageError(f"a model gives no `{name}`", hint="one of: " + ", ".join(READINGS))
    rows: list[Row] = []
    warnings: list[str] = []
    facts: dict[str, object] = {}
    for label, folder in models.items():
        progress(f"load {label}", 0, 0)
        model = load_causal(folder, device=reading.device, dtype=reading.dtype, threads=threads)
        facts[label] = describe(model)
        warnings += [f"{label}: {note}" for note in model.notes]
        if model.prefix is None:
            warnings.append(f"{label}: has neither bos nor eos: the first token of a text costs log2 V bits")
        for text, documents in texts.items():
            found = measure(model, documents, reading, progress=progress)
            bounds = intervals_of(found.documents, names, seed) if intervals else {}
            rows += [
                Row.of(label, text, READINGS[name][0], read_value(name, found.total), bounds.get(name))
                for name in names
            ]
            warnings += _warnings(label, text, found)
        del model
    manifest = {
        "tokkit": tokkit.__version__,
        "reading": reading.model_dump(),
        "eos": "not scored",
        "models": facts,
        "texts": {
            name: {"documents": len(documents), "sha256": text_digest(documents)} for name, documents in texts.items()
        },
    }
    return Results(tuple(rows), tuple(warnings), manifest)


def intervals_of(documents: Sequence[Likelihood], names: Sequence[str], seed: int) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals over documents drawn with replacement; none for fewer than two documents."""
    kept = [document for document in documents if document.bytes]
    if len(kept) < 2:
        return {}
    columns = np.array([(d.nats, d.tokens, d.bytes, d.chars, d.words) for d in kept], np.float64)
    drawn = draw_sums(columns, _DRAWS, seed)
    found: dict[str, tuple[float, float]] = {}
    for name in names:
        values = [read_value(name, Likelihood(float(row[0]), *map(int, row[1:]))).value for row in drawn]
        known = np.array([value for value in values if value is not None])
        if len(known) == len(values):
            low, high = np.percentile(known, [2.5, 97.5])
            found[name] = (float(low), float(high))
    return found


def text_digest(documents: Sequence[str]) -> str:
    """SHA-256 of a text: of its bytes and of where its documents end."""
    data = [document.encode() for document in documents]
    lengths = np.array([len(document) for document in data], "<i8").tobytes()
    return hashlib.sha256(hashlib.sha256(b"".join(data)).digest() + hashlib.sha256(lengths).digest()).hexdigest()


def _warnings(label: str, text: str, found: Measured) -> list[str]:
    warnings = []
    if found.cut:
        warnings.append(
            f"{label} on {text}: {found.cut} of {found.n_windows} windows had less context than asked, "
            "the model has too few positions"
        )
    if found.lost:
        warnings.append(f"{label} on {text}: {found.lost} documents were changed by the tokenizer, 8 bits a byte paid")
    return warnings
