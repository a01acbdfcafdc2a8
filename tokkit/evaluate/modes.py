"""Numbers as other tools compute them, for comparison with what they printed: each by its own rules, errors included.

A mode is named after its tool. Its numbers are not tokkit's: texts are joined or cut as the tool does, undefined values
are null where the tool says NaN. `references` in the golden files are the tools' own answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tokkit.errors import UsageError
from tokkit.evaluate.results import Row
from tokkit.evaluate.tools import (
    BAYRAM,
    COUNT,
    SCORER,
    TOKLENS,
    TOKSCOPE,
    Given,
    Numbers,
    bayram2025,
    morphscore1,
    petrov2023,
    tokenization_scorer,
    toklens,
    tokscope,
)
from tokkit.metrics.base import METRICS, Better, Metric, Subject, Value
from tokkit.metrics.evidence import Evidence
from tokkit.metrics.lexical import WordList
from tokkit.metrics.lexicon import Lexicon
from tokkit.metrics.morphology import Morphemes


@dataclass(frozen=True)
class Mode:
    """A tool's way of measuring. `units` names its numbers in their order, each with unit and sense."""

    name: str
    tool: str
    rule: str
    units: Mapping[str, tuple[str, Better]]
    compute: Callable[[Given], Numbers]
    needs: str = ""


MODES: Final[dict[str, Mode]] = {
    mode.name: mode
    for mode in (
        Mode(
            "tokenization-scorer",
            "tokenization-scorer 1.1.8",
            "ids are its words, documents its lines; its default order is 3, the paper's 2.5; seq_len and bits negated",
            SCORER,
            tokenization_scorer,
        ),
        Mode(
            "toklens",
            "toklens 0.1.2",
            "documents joined by a space; words encoded alone; NSL is tokens per character; 0 where undefined",
            TOKLENS,
            toklens,
        ),
        Mode(
            "tokscope",
            "tokscope 0.2.0",
            "documents joined by line feeds, one at the end; rounded to four digits; 0 where undefined",
            TOKSCOPE,
            tokscope,
        ),
        Mode(
            "morphscore1",
            "MorphScore 1 (Arnett & Bergen, 2025)",
            "words of two tokens or more whose last boundary is a cut, by offsets and without added special tokens",
            {"score": ("share of words", "higher"), "scored": COUNT, "excluded_single_token": COUNT},
            morphscore1,
            needs="morphemes",
        ),
        Mode(
            "petrov2023",
            "Petrov et al., NeurIPS 2023",
            "all lines joined by a space, one string a language, as theirs where files are read with --whole; premium "
            "is the ratio of totals",
            {"tokens": ("tokens", "lower"), "premium": ("times the reference", "lower")},
            petrov2023,
        ),
        Mode(
            "bayram2025-offline",
            "malibayram/tokenizer_benchmark, its web service replaced by a list",
            "unique decoded tokens, found in the list as they stand, the others split at white space; no folding of "
            "case; %Pure by the list of morphemes",
            BAYRAM,
            bayram2025,
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
