"""What other tools compute, each by its own rules, errors included; `modes` names them and makes rows of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tokkit.metrics.base import Better
from tokkit.metrics.batch import Batch
from tokkit.metrics.distribution import percentile_frequency, renyi_entropy
from tokkit.metrics.lexical import WordList, bayram2025_offline
from tokkit.metrics.lexicon import PARTIAL, Lexicon
from tokkit.metrics.morphology import Morphemes, morphology

COUNT: Final[tuple[str, Better]] = ("tokens", "neither")
SCORER: Final[dict[str, tuple[str, Better]]] = {
    "renyi_efficiency": ("share of greatest entropy", "higher"),
    "renyi_efficiency_power2.5": ("share of greatest entropy", "higher"),
    "renyi_efficiency_power2.5_vocab": ("share of greatest entropy", "higher"),
    "renyi_entropy_power2.5": ("bits", "higher"),
    "shannon_efficiency": ("share of greatest entropy", "higher"),
    "shannon_entropy": ("bits", "higher"),
    "seq_len": ("tokens per line, negated", "higher"),
    "percentile_freq": ("share of tokens", "higher"),
    "bits": ("bits, negated", "higher"),
}
TOKLENS: Final[dict[str, tuple[str, Better]]] = {
    "fertility": ("tokens per word alone", "lower"),
    "cpt": ("characters per token", "higher"),
    "compression_ratio": ("bytes per token", "higher"),
    "strr": ("share of words alone", "higher"),
    "nsl": ("tokens per character", "lower"),
    "parity": ("times the reference", "lower"),
}
TOKSCOPE: Final[dict[str, tuple[str, Better]]] = {
    "vocab_size": COUNT,
    "token_count": COUNT,
    "word_count": ("words", "neither"),
    "fertility": ("tokens per word", "lower"),
    "chars_per_token": ("characters per token", "higher"),
    "bytes_per_token": ("bytes per token", "higher"),
    "unk_rate": ("share of tokens", "lower"),
    "byte_token_rate": ("share of tokens", "lower"),
    "premium": ("times the reference", "lower"),
}
BAYRAM: Final[dict[str, tuple[str, Better]]] = {
    "unique": ("forms", "neither"),
    "turkish": ("forms", "neither"),
    "percent_turkish": ("share of forms", "higher"),
    "pure": ("forms", "neither"),
    "percent_pure": ("share of forms", "higher"),
}

Numbers = dict[str, float | None]


@dataclass(frozen=True)
class Given:
    """What a mode may look at: the documents of a text, those of the reference, and its lists."""

    lexicon: Lexicon
    documents: Sequence[str]
    reference: Sequence[str] | None
    words: WordList | None
    morphemes: WordList | None
    gold: Sequence[Morphemes] | None


def _joined(lexicon: Lexicon, text: str) -> Batch:
    return Batch.of(lexicon, [text])


def tokenization_scorer(given: Given) -> Numbers:
    """Ids are its words, documents its lines."""
    batch = Batch.of(given.lexicon, given.documents)
    counts = batch.counts[batch.counts > 0]
    if not len(counts):
        return dict.fromkeys(SCORER)
    spread = math.log2(len(counts))
    size = math.log2(given.lexicon.n_entries)

    def over(entropy: float, most: float) -> float | None:
        return entropy / most if most else None

    return {
        "renyi_efficiency": over(renyi_entropy(counts, 3.0), spread),
        "renyi_efficiency_power2.5": over(renyi_entropy(counts, 2.5), spread),
        "renyi_efficiency_power2.5_vocab": over(renyi_entropy(counts, 2.5), size),
        "renyi_entropy_power2.5": renyi_entropy(counts, 2.5),
        "shannon_efficiency": over(renyi_entropy(counts, 1.0), spread),
        "shannon_entropy": renyi_entropy(counts, 1.0),
        "seq_len": -len(batch.ids) / len(given.documents),
        "percentile_freq": percentile_frequency(counts),
        "bits": -len(batch.ids) * spread,
    }


def toklens(given: Given) -> Numbers:
    """Documents joined by a space; words encoded alone; 0 where undefined."""
    text = " ".join(given.documents)
    words = text.split()
    tokens = len(_joined(given.lexicon, text).ids)
    alone = np.diff(np.asarray(given.lexicon.encode_batch(words).offsets, np.int64))
    found: Numbers = {
        "fertility": float(alone.mean()) if words else 0.0,
        "cpt": len(text) / tokens if tokens else 0.0,
        "compression_ratio": len(text.encode()) / tokens if tokens else 0.0,
        "strr": float((alone == 1).mean()) if words else 0.0,
        "nsl": tokens / len(text) if text else 0.0,
        "parity": None,
    }
    if given.reference is not None:
        below = len(_joined(given.lexicon, " ".join(given.reference)).ids)
        found["parity"] = tokens / below if below else 0.0
    return found


def tokscope(given: Given) -> Numbers:
    """Documents joined by line feeds; rounded to four digits; 0 where undefined."""

    def whole(documents: Sequence[str]) -> str:
        return "\n".join(documents) + "\n"

    text = whole(given.documents)
    batch = _joined(given.lexicon, text)
    tokens, words = len(batch.ids), len(text.split())
    lexicon = given.lexicon
    lexicon.learn(np.flatnonzero(batch.counts))
    lone = np.zeros(lexicon.size, bool)
    lone[[token for token in lexicon.byte_ids.values() if token < lexicon.size]] = True
    partial = lone | (lexicon.flags & PARTIAL > 0)
    # It looks for U+FFFD in the decoded token, which a token may also be.
    for token in np.flatnonzero(batch.counts).tolist():
        partial[token] |= "\ufffd" in lexicon.subject.decode([token])
    found: Numbers = {
        "vocab_size": float(lexicon.n_entries),
        "token_count": float(tokens),
        "word_count": float(words),
        "fertility": tokens / words if words else 0.0,
        "chars_per_token": len(text) / tokens if tokens else 0.0,
        "bytes_per_token": len(text.encode()) / tokens if tokens else 0.0,
        "unk_rate": int((batch.ids == lexicon.unknown_id).sum()) / tokens
        if tokens and lexicon.unknown_id is not None
        else 0.0,
        "byte_token_rate": int(partial[batch.ids].sum()) / tokens if tokens else 0.0,
        "premium": None,
    }
    if given.reference is not None:
        below = len(_joined(lexicon, whole(given.reference)).ids)
        found["premium"] = tokens / below if below else None
    return {name: None if value is None else round(value, 4) for name, value in found.items()}


def petrov2023(given: Given) -> Numbers:
    """All lines joined by a space, one string a language."""

    def whole(documents: Sequence[str]) -> str:
        # A document that ends in a line feed is a whole file: theirs is split there, which leaves an empty line.
        return " ".join(document.replace("\n", " ") if document.endswith("\n") else document for document in documents)

    tokens = len(_joined(given.lexicon, whole(given.documents)).ids)
    found: Numbers = {"tokens": float(tokens), "premium": None}
    if given.reference is not None:
        below = len(_joined(given.lexicon, whole(given.reference)).ids)
        found["premium"] = tokens / below if below else None
    return found


def morphscore1(given: Given) -> Numbers:
    """Words of two tokens or more whose last boundary is a cut."""
    found = morphology(given.lexicon, given.gold or ()).morphscore_v1_last
    return {
        "score": found.score,
        "scored": float(found.scored),
        "excluded_single_token": float(found.excluded_single_token),
    }


def bayram2025(given: Given) -> Numbers:
    """Unique decoded tokens that a list has as they stand."""
    if given.words is None:
        return dict.fromkeys(BAYRAM)
    used = np.flatnonzero(_joined(given.lexicon, "\n".join(given.documents)).counts).tolist()
    decoded = [given.lexicon.subject.decode([token]) for token in used]
    found = bayram2025_offline(decoded, given.words.words)
    pure = None if given.morphemes is None else bayram2025_offline(decoded, given.morphemes.words)
    return {
        "unique": float(found.unique),
        "turkish": float(found.valid),
        "percent_turkish": found.percent,
        "pure": None if pure is None else float(pure.valid),
        "percent_pure": None if pure is None else pure.percent,
    }
