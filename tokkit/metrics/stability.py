"""Whether ids stay when the text hardly changes: by case, Unicode form, spaces, typing errors, or a cut at the end."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from tokkit.metrics import columns  # noqa: F401 - registers the columns that the ratios name
from tokkit.metrics.base import METRICS, Metric, Value, ratio
from tokkit.metrics.batch import Batch
from tokkit.metrics.edits import edit_distance
from tokkit.metrics.evidence import COLUMNS, COUNTERS, Column, Evidence

STEP: Final = 7
FIRST_DOCUMENTS: Final = 6
EDITED_DOCUMENTS: Final = 64
EDITED_TOKENS: Final = 512
CHECKED_DOCUMENTS: Final = 32
FIRST_CHARACTERS: Final = 1 << 13


def swap_every_11th(text: str) -> str:
    """The letters at 10 and 11, 21 and 22, 32 and 33 ... change places: typing errors, the same every time.

    Pairs that are not both letters stay.
    """
    letters = list(text)
    for place in range(10, len(letters) - 1, 11):
        if letters[place].isalpha() and letters[place + 1].isalpha():
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
    return "".join(letters)


CHANGES: Final[Mapping[str, Callable[[str], str]]] = {
    "nfd": lambda text: unicodedata.normalize("NFD", text),
    "nfkc": lambda text: unicodedata.normalize("NFKC", text),
    "upper": str.upper,
    "lower": str.lower,
    "lead_space": lambda text: " " + text,
    "trail_space": lambda text: text + " ",
    "double_spaces": lambda text: text.replace(" ", "  "),
    "swap_every_11th": swap_every_11th,
}


def _encoded_changed(batch: Batch, change: str) -> Batch:
    cache: dict[str, Batch] = batch.__dict__.setdefault("_changed_batch", {})
    if change not in cache:
        cache[change] = Batch.of(batch.lexicon, [CHANGES[change](text) for text in batch.texts])
    return cache[change]


def _edits(batch: Batch, change: str) -> tuple[Column, Column]:
    """Edits between the ids of a document and of its changed self, and the longer of the two; few and short ones."""
    cache: dict[str, tuple[Column, Column]] = batch.__dict__.setdefault("_edits", {})
    if change not in cache:
        other = _encoded_changed(batch, change)
        edits, longer = np.zeros(len(batch.texts), np.int64), np.zeros(len(batch.texts), np.int64)
        for index in range(min(len(batch.texts), max(0, EDITED_DOCUMENTS - batch.first))):
            pair = [one.document_ids(index)[:EDITED_TOKENS] for one in (batch, other)]
            edits[index], longer[index] = edit_distance(*pair), max(map(len, pair))
        cache[change] = (edits, longer)
    return cache[change]


def _changed(batch: Batch, change: str) -> tuple[Column, Column, Column]:
    """Documents with the same ids, tokens after the change, documents that the change changes."""
    cache: dict[str, tuple[Column, Column, Column]] = batch.__dict__.setdefault("_changed", {})
    if change not in cache:
        other = _encoded_changed(batch, change)
        same = [
            np.array_equal(batch.document_ids(index), other.document_ids(index)) for index in range(len(batch.texts))
        ]
        differs = [new != old for new, old in zip(other.texts, batch.texts, strict=True)]
        cache[change] = (np.array(same, np.int64), other.n_tokens, np.array(differs, np.int64))
    return cache[change]


def _register(change: str) -> None:
    for place, what in enumerate(("same_ids", "tokens", "changed")):
        COLUMNS[f"{change}.{what}"] = lambda batch, place=place: _changed(batch, change)[place]  # type: ignore[misc]  # mypy cannot type defaults of lambdas
    for place, what in enumerate(("edits", "longer")):
        COLUMNS[f"{change}.{what}"] = lambda batch, place=place: _edits(batch, change)[place]  # type: ignore[misc]  # as above
    shared = "a tokenizer that normalises hides the change from the model, for better or worse"
    ratio(
        f"stability.{change}.same_ids",
        f"{change}.same_ids",
        "documents",
        undefined="no documents",
        unit="share of documents",
        better="higher",
        summary=f"documents whose ids stay the same under `{change}`",
        formula="documents d with enc(f(d)) = enc(d) / |D|",
        caveat=shared,
    )
    ratio(
        f"stability.{change}.token_ratio",
        f"{change}.tokens",
        "tokens",
        undefined="no tokens",
        unit="times",
        better="lower",
        summary=f"tokens after `{change}` for those before",
        formula="sum_d |enc(f(d))| / sum_d |enc(d)|",
        caveat=shared,
    )
    ratio(
        f"stability.{change}.edit_distance",
        f"{change}.edits",
        f"{change}.longer",
        undefined="no tokens",
        unit="edits per token",
        better="lower",
        summary=f"edits between the ids before and after `{change}`, by the longer of the two",
        formula="sum_d Levenshtein(enc(d), enc(f(d))) / sum_d max length; first 64 documents, 512 tokens each",
        caveat=shared,
        source="a stand-in for the accuracy drops of TokSuite, arXiv 2512.20757",
    )
    ratio(
        f"stability.{change}.changed",
        f"{change}.changed",
        "documents",
        undefined="no documents",
        unit="share of documents",
        better="neither",
        summary=f"documents that `{change}` changes at all",
        formula="documents d with f(d) != d / |D|",
        caveat="a property of the text, not of the tokenizer",
    )


for _change in CHANGES:
    _register(_change)


def _checked(batch: Batch) -> int:
    return min(len(batch.texts), max(0, CHECKED_DOCUMENTS - batch.first))


def _consistent(batch: Batch) -> Column:
    """1 for each of the first documents that has the same ids alone as among others."""
    found = np.zeros(len(batch.texts), np.int64)
    for index in range(_checked(batch)):
        alone = Batch.of(batch.lexicon, [batch.texts[index]])
        found[index] = np.array_equal(alone.ids, batch.document_ids(index))
    return found


COLUMNS["checked"] = lambda batch: (np.arange(len(batch.texts)) < _checked(batch)).astype(np.int64)
COLUMNS["consistent"] = _consistent
ratio(
    "consistency",
    "consistent",
    "checked",
    undefined="no documents",
    unit="share of documents",
    better="higher",
    summary="documents that have the same ids alone, on one thread, as in a batch on many",
    formula="documents with enc([d]) = enc([.., d, ..]) / first 32 documents",
    caveat="below 1 is a fault of the library, never of the vocabulary",
)


def _tails(batch: Batch) -> list[list[int]]:
    """For each document the tokens of each prefix that the whole document does not start with."""
    cache: list[list[int]] | None = batch.__dict__.get("_tails")
    if cache is None:
        # Every prefix is encoded, so a few documents cost as much as a large text.
        chosen = batch.texts[: max(0, FIRST_DOCUMENTS - batch.first)]
        prefixes = [(index, text[:cut]) for index, text in enumerate(chosen) for cut in cuts(text)]
        encoded = Batch.of(batch.lexicon, [prefix for _, prefix in prefixes])
        cache = [[] for _ in batch.texts]
        for place, (index, _) in enumerate(prefixes):
            short, whole = encoded.document_ids(place), batch.document_ids(index)
            n = min(len(short), len(whole))
            differs = np.flatnonzero(short[:n] != whole[:n])
            stable = int(differs[0]) if len(differs) else n
            cache[index].append(len(short) - stable)
        batch.__dict__["_tails"] = cache
    return cache


def cuts(text: str) -> range:
    """Where a document is cut: after 7, 14, 21 ... characters, in its first 8192."""
    return range(STEP, min(len(text), FIRST_CHARACTERS), STEP)


COLUMNS["prefix.cuts"] = lambda batch: np.array([len(tails) for tails in _tails(batch)], np.int64)
COLUMNS["prefix.stable"] = lambda batch: np.array([tails.count(0) for tails in _tails(batch)], np.int64)
COLUMNS["prefix.tail"] = lambda batch: np.array([sum(tails) for tails in _tails(batch)], np.int64)
COUNTERS["prefix.tails"] = lambda batch: Counter(tail for tails in _tails(batch) for tail in tails)
_PREFIX: Final = "prompts that end within a word are read differently than the same text in a document"
ratio(
    "prefix.stable",
    "prefix.stable",
    "prefix.cuts",
    undefined="no document is longer than 7 characters",
    unit="share of prefixes",
    better="higher",
    summary="prefixes of documents whose ids begin the ids of the whole document",
    formula="prefixes p of the first 6 documents d, cut every 7 characters, with enc(p) a prefix of enc(d) / prefixes",
    caveat=_PREFIX,
)
ratio(
    "prefix.unstable_tail",
    "prefix.tail",
    "prefix.cuts",
    undefined="no document is longer than 7 characters",
    unit="tokens",
    better="lower",
    summary="tokens at the end of a prefix that the whole document has otherwise, on average",
    formula="mean over prefixes of |enc(p)| - (tokens that enc(p) and enc(d) share from the start)",
    caveat=_PREFIX,
)


def _longest(evidence: Evidence) -> Value:
    tails = [int(str(tail)) for tail in evidence.tallies["prefix.tails"]]
    return Value(float(max(tails))) if tails else Value(None, "no document is longer than 7 characters")


METRICS.register("prefix.longest_unstable_tail")(
    Metric(
        name="prefix.longest_unstable_tail",
        unit="tokens",
        better="lower",
        summary="the most tokens at the end of a prefix that the whole document has otherwise",
        formula="max over prefixes of the unstable tail",
        caveat=_PREFIX,
        compute=_longest,
        counters=("prefix.tails",),
        aggregation="max",
        decimals=0,
    )
)
