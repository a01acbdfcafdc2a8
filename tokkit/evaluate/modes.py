"""Numbers as other tools compute them, for comparison with what they printed: each by its own rules, errors included.

A mode is named after its tool. Its numbers are not tokkit's: texts are joined or cut as the tool does, undefined values
are null where the tool says NaN. `references` in the golden files are the tools' own answers.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tokkit.errors import UsageError
from tokkit.evaluate.results import Row
from tokkit.metrics.base import METRICS, Better, Metric, Subject, Value
from tokkit.metrics.batch import Batch
from tokkit.metrics.distribution import percentile_frequency, renyi_entropy
from tokkit.metrics.evidence import Evidence
from tokkit.metrics.lexical import WordList, bayram2025_offline
from tokkit.metrics.lexicon import PARTIAL, Lexicon
from tokkit.metrics.morphology import Morphemes, morphology

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


@dataclass(frozen=True)
class Mode:
    """A tool's way of measuring. `units` names its numbers in their order, each with unit and sense."""

    name: str
    tool: str
    rule: str
    units: Mapping[str, tuple[str, Better]]
    compute: Callable[[Given], Numbers]
    needs: str = ""


def _joined(lexicon: Lexicon, text: str) -> Batch:
    return Batch.of(lexicon, [text])


def _scorer(given: Given) -> Numbers:
    batch = Batch.of(given.lexicon, given.documents)
    counts = batch.counts[batch.counts > 0]
    if not len(counts):
        return dict.fromkeys(_SCORER)
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


def _toklens(given: Given) -> Numbers:
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


def _tokscope(given: Given) -> Numbers:
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


def _petrov(given: Given) -> Numbers:
    def whole(documents: Sequence[str]) -> str:
        # A document that ends in a line feed is a whole file: theirs is split there, which leaves an empty line.
        return " ".join(
            document.replace("\n", " ") if document.endswith("\n") else document for document in documents
        )

    tokens = len(_joined(given.lexicon, whole(given.documents)).ids)
    found: Numbers = {"tokens": float(tokens), "premium": None}
    if given.reference is not None:
        below = len(_joined(given.lexicon, whole(given.reference)).ids)
        found["premium"] = tokens / below if below else None
    return found


def _morphscore(given: Given) -> Numbers:
    found = morphology(given.lexicon, given.gold or ()).morphscore_v1_last
    return {
        "score": found.score,
        "scored": float(found.scored),
        "excluded_single_token": float(found.excluded_single_token),
    }


def _bayram(given: Given) -> Numbers:
    if given.words is None:
        return dict.fromkeys(_BAYRAM)
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


_COUNT: Final[tuple[str, Better]] = ("tokens", "neither")
_SCORER: Final[dict[str, tuple[str, Better]]] = {
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
_TOKLENS: Final[dict[str, tuple[str, Better]]] = {
    "fertility": ("tokens per word alone", "lower"),
    "cpt": ("characters per token", "higher"),
    "compression_ratio": ("bytes per token", "higher"),
    "strr": ("share of words alone", "higher"),
    "nsl": ("tokens per character", "lower"),
    "parity": ("times the reference", "lower"),
}
_TOKSCOPE: Final[dict[str, tuple[str, Better]]] = {
    "vocab_size": _COUNT,
    "token_count": _COUNT,
    "word_count": ("words", "neither"),
    "fertility": ("tokens per word", "lower"),
    "chars_per_token": ("characters per token", "higher"),
    "bytes_per_token": ("bytes per token", "higher"),
    "unk_rate": ("share of tokens", "lower"),
    "byte_token_rate": ("share of tokens", "lower"),
    "premium": ("times the reference", "lower"),
}
_BAYRAM: Final[dict[str, tuple[str, Better]]] = {
    "unique": ("forms", "neither"),
    "turkish": ("forms", "neither"),
    "percent_turkish": ("share of forms", "higher"),
    "pure": ("forms", "neither"),
    "percent_pure": ("share of forms", "higher"),
}
MODES: Final[dict[str, Mode]] = {
    mode.name: mode
    for mode in (
        Mode(
            "tokenization-scorer",
            "tokenization-scorer 1.1.8",
            "ids are its words, documents its lines; its default order is 3, the paper's 2.5; seq_len and bits negated",
            _SCORER,
            _scorer,
        ),
        Mode(
            "toklens",
            "toklens 0.1.2",
            "documents joined by a space; words encoded alone; NSL is tokens per character; 0 where undefined",
            _TOKLENS,
            _toklens,
        ),
        Mode(
            "tokscope",
            "tokscope 0.2.0",
            "documents joined by line feeds, one at the end; rounded to four digits; 0 where undefined",
            _TOKSCOPE,
            _tokscope,
        ),
        Mode(
            "morphscore1",
            "MorphScore 1 (Arnett & Bergen, 2025)",
            "words of two tokens or more whose last boundary is a cut, by offsets and without added special tokens",
            {"score": ("share of words", "higher"), "scored": _COUNT, "excluded_single_token": _COUNT},
            _morphscore,
            needs="morphemes",
        ),
        Mode(
            "petrov2023",
            "Petrov et al., NeurIPS 2023",
            "all lines joined by a space, one string a language, as theirs where files are read with --whole; premium "
            "is the ratio of totals",
            {"tokens": ("tokens", "lower"), "premium": ("times the reference", "lower")},
            _petrov,
        ),
        Mode(
            "bayram2025-offline",
            "malibayram/tokenizer_benchmark, its web service replaced by a list",
            "unique decoded tokens, found in the list as they stand, the others split at white space; no folding of "
            "case; %Pure by the list of morphemes",
            _BAYRAM,
            _bayram,
            needs="words",
        ),
    )
}


def mode(name: str) -> Mode:
    """The mode of a tool. Raises UsageError: no such mode."""
    if name not in MODES:
        raise UsageError(f"--as: no such tool, got `{name}`", hint="one of: " + ", ".join(MODES))
    return MODES[name]


def mode_rows(
    names: Sequence[str],
    tokenizers: Mapping[str, Subject],
    texts: Mapping[str, Sequence[str]],
    *,
    reference: str | None = None,
    word_lists: Mapping[str, WordList] | None = None,
    morpheme_lists: Mapping[str, WordList] | None = None,
    gold: Mapping[str, Sequence[Morphemes]] | None = None,
    threads: int = 0,
) -> list[Row]:
    """What the tools would say of each tokenizer on each text (on each list of morphemes).

    Raises:
        UsageError: no such mode, or what it needs is not given.
    """
    words, morphemes, gold = word_lists or {}, morpheme_lists or {}, gold or {}
    rows = []
    for chosen in map(mode, names):
        over = list(gold) if chosen.needs == "morphemes" else list(texts)
        if chosen.needs == "morphemes" and not gold:
            raise UsageError(f"--as {chosen.name}: needs gold morphemes", hint="add --morphology NAME=FILE")
        if chosen.needs == "words" and not any(text in words for text in texts):
            raise UsageError(f"--as {chosen.name}: needs a word list", hint="add --words TEXT=FILE")
        for tokenizer, subject in tokenizers.items():
            lexicon = Lexicon(subject, threads=threads)
            for text in over:
                given = Given(
                    lexicon=lexicon,
                    documents=texts.get(text, ()),
                    reference=None if reference is None else texts[reference],
                    words=words.get(text),
                    morphemes=morphemes.get(text),
                    gold=gold.get(text),
                )
                for name, value in chosen.compute(given).items():
                    reason = None if value is not None else "undefined, or not given"
                    rows.append(Row.of(tokenizer, text, METRICS.get(_id(chosen, name)), Value(value, reason)))
    return rows


def _id(chosen: Mode, name: str) -> str:
    return f"as.{chosen.name}.{name}"


def _not_here(evidence: Evidence) -> Value:
    del evidence
    return Value(None, "as another tool computes it: see --as")


_not_here.__module__ = __name__
for _mode in MODES.values():
    for _name, (_unit, _better) in _mode.units.items():
        METRICS.register(_id(_mode, _name))(
            Metric(
                name=_id(_mode, _name),
                unit=_unit,
                better=_better,
                summary=f"`{_name}` as {_mode.tool} computes it",
                formula=_mode.rule,
                caveat="another tool's convention: to compare with its numbers, not with tokkit's",
                compute=_not_here,
                source=_mode.tool,
                aggregation="as the tool",
                decimals=0 if _unit in ("tokens", "words", "forms") else 4,
                scope="tool",
            )
        )
