"""One pass over the texts for each tokenizer; every metric is computed from what that pass gathered."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from tokkit.errors import UsageError
from tokkit.evaluate.lists import fairness_rows, health_rows, morphology_rows
from tokkit.evaluate.results import Results, Row
from tokkit.evaluate.statistics import ratio_intervals
from tokkit.metrics.base import Metric, Subject, find
from tokkit.metrics.batch import Batch
from tokkit.metrics.evidence import Evidence, check_aligned
from tokkit.metrics.lexical import WordList
from tokkit.metrics.lexicon import Lexicon
from tokkit.metrics.morphology import Morphemes
from tokkit.progress import Progress, silent

DEFAULT_METRICS: Final = (
    "tokens",
    "bytes_per_token",
    "chars_per_token",
    "fertility.ws",
    "strr.in_context",
    "renyi_efficiency.observed",
    "vocab_utilisation",
    "round_trip",
)
# Enough text to keep an encoder's threads busy, little enough to hold in memory with its spans.
BATCH_CHARACTERS = 1 << 22
_LONG_WORD: Final = 15
_FEW_DOCUMENTS: Final = 30


def evaluate(
    tokenizers: Mapping[str, Subject],
    texts: Mapping[str, Sequence[str]],
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    reference: str | None = None,
    word_lists: Mapping[str, WordList] | None = None,
    morphology: Mapping[str, Sequence[Morphemes]] | None = None,
    vocabulary: bool = False,
    counters: Sequence[str] = (),
    intervals: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> Results:
    """Measures each tokenizer on each text.

    `tokenizers` and `texts` are named; a text is its documents, each encoded whole and without special tokens. The
    result has one row for each tokenizer, text and metric, in the order given. `reference` names the text that
    premiums refer to: all texts must then be translations of it, document by document. `intervals` adds 95 %
    percentile bootstrap intervals over documents to the metrics that are ratios of sums. `word_lists` has the words of
    the language of a text, `morphology` adds rows on gold segmentations, `vocabulary` rows on what is wrong with each
    vocabulary. `counters` are tallies to keep in the evidence although no metric reads them.

    >>> from tokkit.evaluate import BASELINES, evaluate
    >>> results = evaluate({"bytes": BASELINES["bytes"]()}, {"greeting": ["good day"]}, ["fertility.ws"])
    >>> results.rows[0].value
    4.0

    Raises:
        UsageError: no tokenizer, no text, an unknown metric or reference, or texts that are not aligned with it.
        InputError: a document that is not text.
    """
    is_text_free = vocabulary or bool(morphology)
    for what, given in (("tokenizer", tokenizers), ("text", texts), ("metric", metrics)):
        if not given and not (is_text_free and what != "tokenizer"):
            raise UsageError(f"evaluate: no {what} is given")
    if reference is not None and reference not in texts:
        raise UsageError(f"reference: no such text, got `{reference}`", hint="one of: " + ", ".join(texts))
    definitions = [find(name) for name in metrics]
    total = len(tokenizers) * sum(map(len, texts.values()))
    done = 0
    rows: list[Row] = []
    warnings: list[str] = []
    evidence: dict[tuple[str, str], Evidence] = {}
    digests = {name: _Digest() for name in texts}
    first = next(iter(tokenizers), None)
    for tokenizer_name, tokenizer in tokenizers.items():
        lexicon = Lexicon(tokenizer)
        for text_name, documents in texts.items():
            seen = evidence[tokenizer_name, text_name] = Evidence(lexicon, definitions, counters=counters)
            for chunk in _chunks(documents):
                batch = Batch.of(lexicon, chunk, first=seen.n_documents)
                seen.add(batch)
                if tokenizer_name == first:
                    digests[text_name].update(batch)
                done += len(chunk)
                progress("evaluate", done, total)
        for text_name in texts:
            seen = evidence[tokenizer_name, text_name]
            seen.word_list = (word_lists or {}).get(text_name)
            if reference is not None:
                seen.reference = evidence[tokenizer_name, reference]
                check_aligned(text_name, seen, seen.reference)
            found = [(metric, metric.compute(seen)) for metric in definitions]
            bounds = _intervals(seen, definitions, seed) if intervals else {}
            rows += [Row.of(tokenizer_name, text_name, metric, value, bounds.get(metric.id)) for metric, value in found]
            warnings += _warnings(tokenizer_name, text_name, seen, found, intervals=intervals)
        if reference is not None and any(metric.name == "premium" for metric in definitions):
            tokens = {name: evidence[tokenizer_name, name].total("tokens") for name in texts}
            rows += fairness_rows(tokenizer_name, tokens, documents=len(texts[reference]), reference=reference)
    rows += morphology_rows(tokenizers, morphology or {})
    if vocabulary:
        more, states = health_rows(tokenizers)
        rows += more
        warnings += [
            f"{name}: {finding.message}"
            for name, state in states.items()
            for finding in state.findings
            if finding.severity == "fail"
        ]
    manifest = _manifest(tokenizers, texts, reference, digests)
    manifest["word_lists"] = {
        text: {"name": words.name, "sha256": words.digest} for text, words in (word_lists or {}).items()
    }
    return Results(tuple(rows), tuple(dict.fromkeys(warnings)), manifest, evidence)


def _chunks(documents: Sequence[str]) -> Iterator[Sequence[str]]:
    """Runs of documents of about BATCH_CHARACTERS, at least one each."""
    sizes = np.cumsum([0, *map(len, documents)])
    start = 0
    while start < len(documents):
        end = int(np.searchsorted(sizes, sizes[start] + BATCH_CHARACTERS, "left"))
        end = min(max(end, start + 1), len(documents))
        yield documents[start:end]
        start = end


def _intervals(seen: Evidence, metrics: Sequence[Metric], seed: int) -> dict[str, tuple[float, float]]:
    ratios = {metric.id: metric.ratio for metric in metrics if metric.ratio is not None}
    pairs = {name: (seen.column(above), seen.column(below)) for name, (above, below) in ratios.items()}
    return ratio_intervals(pairs, seed=seed)


def _warnings(
    tokenizer: str, text: str, seen: Evidence, found: Sequence[tuple[Metric, object]], *, intervals: bool
) -> list[str]:
    """What a reader of the numbers must know: each once, with its figure."""
    names = {metric.name for metric, _ in found}
    columns = {name for metric, _ in found for name in metric.columns}
    warnings = []
    if {"chars", "words_ws"} <= columns and names & {"fertility.ws", "pcw.in_context", "strr.in_context"}:
        chars, words = seen.total("chars"), seen.total("words_ws")
        if words and chars / words > _LONG_WORD:
            warnings.append(
                f"{text}: {chars / words:.0f} characters between spaces: words `ws` mean nothing in this script; "
                "read fertility.uax29 or fertility.char"
            )
    if "unk_chars" in columns and not seen.missing("unk_chars"):
        share = seen.total("unk_chars") / max(seen.total("chars"), 1)
        if share > 0.1:
            warnings.append(f"{tokenizer} on {text}: {share:.0%} of the characters are unknown to it: no number counts")
    if "returned" in columns:
        lost = seen.n_documents - seen.total("returned")
        if lost:
            warnings.append(
                f"{tokenizer} on {text}: {lost} of {seen.n_documents} documents do not decode to themselves"
            )
    if intervals and seen.n_documents < _FEW_DOCUMENTS:
        warnings.append(f"{text}: {seen.n_documents} documents are few: its intervals are too narrow")
    return warnings


def _manifest(
    tokenizers: Mapping[str, Subject],
    texts: Mapping[str, Sequence[str]],
    reference: str | None,
    digests: "Mapping[str, _Digest]",
) -> dict[str, object]:
    """What was measured with what: two results can be compared where texts and definitions agree."""
    import unicodedata
    from importlib.metadata import PackageNotFoundError, version

    try:
        regex_version: str | None = version("regex")
    except PackageNotFoundError:
        regex_version = None
    import tokkit

    return {
        "tokkit": tokkit.__version__,
        "regex": regex_version,
        "unicode": unicodedata.unidata_version,
        "reference": reference,
        "tokenizers": {name: {"vocab_size": tokenizer.vocab_size} for name, tokenizer in tokenizers.items()},
        "texts": {
            name: {"documents": len(documents), "sha256": digests[name].hex()} for name, documents in texts.items()
        },
    }


class _Digest:
    """SHA-256 of a text: of its bytes and of where its documents end, whatever the batches."""

    def __init__(self) -> None:
        self.bytes = hashlib.sha256()
        self.lengths = hashlib.sha256()

    def update(self, batch: Batch) -> None:
        """Takes a batch into account."""
        self.bytes.update(batch.data)
        self.lengths.update(np.diff(batch.byte_ends).astype("<i8").tobytes())

    def hex(self) -> str:
        """The digest of both, in hexadecimal digits."""
        return hashlib.sha256(self.bytes.digest() + self.lengths.digest()).hexdigest()
