"""One pass over the texts for each tokenizer; every metric is computed from what that pass gathered."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from tokkit.errors import UsageError
from tokkit.evaluate.lists import MOST_UNKNOWN, fairness_rows, health_rows, morphology_rows
from tokkit.evaluate.manifest import Digest, manifest
from tokkit.evaluate.modes import mode_rows
from tokkit.evaluate.results import Results, Row
from tokkit.evaluate.speed import speed_rows
from tokkit.evaluate.statistics import ratio_intervals
from tokkit.evaluate.warn import lost_share, warnings_of
from tokkit.metrics.base import Metric, Scope, Subject, find
from tokkit.metrics.batch import Batch, ends_of
from tokkit.metrics.evidence import Evidence, check_aligned
from tokkit.metrics.fairness import Price
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


def evaluate(
    tokenizers: Mapping[str, Subject],
    texts: Mapping[str, Sequence[str]],
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    reference: str | None = None,
    word_lists: Mapping[str, WordList] | None = None,
    morpheme_lists: Mapping[str, WordList] | None = None,
    morphology: Mapping[str, Sequence[Morphemes]] | None = None,
    vocabulary: bool = False,
    prices: Mapping[str, Price] | None = None,
    modes: Sequence[str] = (),
    counters: Sequence[str] = (),
    intervals: bool = False,
    seed: int = 0,
    threads: int = 0,
    sources: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    progress: Progress = silent,
) -> Results:
    """Measures each tokenizer on each text.

    `tokenizers` and `texts` are named; a text is its documents, each encoded whole and without special tokens. The
    result has one row for each tokenizer, text and metric, in the order given. `reference` names the text that
    premiums refer to: all texts must then be translations of it, document by document. `intervals` adds 95 %
    percentile bootstrap intervals over documents to the metrics that are ratios of sums. `word_lists` and
    `morpheme_lists` are of the language of a text, `morphology` adds rows on gold segmentations, `vocabulary` rows on
    what is wrong with each vocabulary, `modes` rows as other tools compute them. `prices` are of a million tokens.
    `counters` are tallies to keep in the evidence although no metric reads them.
    `threads` encode where a tokenizer lets itself be told (0: one per core); no number depends on it.
    `sources` (SHA-256 of tokenizer files) and `flags` (how the texts were made) go into the manifest.

    >>> from tokkit.evaluate import BASELINES, evaluate
    >>> results = evaluate({"bytes": BASELINES["bytes"]()}, {"greeting": ["good day"]}, ["fertility.ws"])
    >>> results.rows[0].value
    4.0

    Raises:
        UsageError: no tokenizer, no text, an unknown metric or reference, or texts that are not aligned with it.
        InputError: a document that is not text.
    """
    everything = [find(name) for name in metrics]
    listed = {scope: [m.name for m in everything if m.scope == scope] for scope in _LISTED}
    definitions = [metric for metric in everything if metric.scope == "text"]
    _check(tokenizers, texts, listed, len(everything) or len(modes), reference, morphology or {}, vocabulary=vocabulary)
    total = len(tokenizers) * sum(map(len, texts.values()))
    done = 0
    rows: list[Row] = []
    warnings: list[str] = []
    details: dict[str, object] = {}
    evidence: dict[tuple[str, str], Evidence] = {}
    digests = {name: Digest() for name in texts}
    first = next(iter(tokenizers), None)
    for tokenizer_name, tokenizer in tokenizers.items():
        lexicon = Lexicon(tokenizer, threads=threads)
        remark = getattr(tokenizer, "remark", None)
        warnings += [f"{tokenizer_name}: {remark}"] if remark else []
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
            seen.morpheme_list = (morpheme_lists or {}).get(text_name)
            seen.price = (prices or {}).get(tokenizer_name)
            if reference is not None:
                seen.reference = evidence[tokenizer_name, reference]
                check_aligned(text_name, seen, seen.reference)
            found = [(metric, metric.compute(seen)) for metric in definitions]
            bounds = _intervals(seen, definitions, seed) if intervals else {}
            rows += [Row.of(tokenizer_name, text_name, metric, value, bounds.get(metric.id)) for metric, value in found]
            warnings += warnings_of(tokenizer_name, text_name, seen, definitions, intervals=intervals)
        if reference is not None and (listed["languages"] or any(metric.name == "premium" for metric in definitions)):
            more, behind = _languages(tokenizer_name, evidence, texts, reference, listed["languages"], warnings)
            rows += more
            details.setdefault("fairness", {})[tokenizer_name] = behind  # type: ignore[index]  # it is the dict made here
    rows += morphology_rows(tokenizers, morphology or {}, listed["morphemes"])
    if vocabulary or listed["vocabulary"]:
        more, states = health_rows(tokenizers, () if vocabulary else listed["vocabulary"])
        rows += more
        details["health"] = {
            name: [{"severity": f.severity, "check": f.check, "message": f.message} for f in state.findings]
            for name, state in states.items()
        }
        warnings += [
            f"{name}: {f.message}" for name, state in states.items() for f in state.findings if f.severity == "fail"
        ]
    if listed["speed"]:
        rows += speed_rows(tokenizers, texts, listed["speed"])
    rows += mode_rows(
        modes,
        tokenizers,
        texts,
        reference=reference,
        word_lists=word_lists,
        morpheme_lists=morpheme_lists,
        gold=morphology,
        threads=threads,
    )
    facts = manifest(
        tokenizers,
        texts,
        digests,
        sources=sources or {},
        flags={"reference": reference, "seed": seed, "intervals": intervals, **(flags or {})},
        word_lists=word_lists or {},
        morpheme_lists=morpheme_lists or {},
    )
    return Results(tuple(rows), tuple(dict.fromkeys(warnings)), facts, details, evidence)


_LISTED: Final[tuple[Scope, ...]] = ("vocabulary", "morphemes", "languages", "speed", "tool")


def _check(
    tokenizers: Mapping[str, Subject],
    texts: Mapping[str, Sequence[str]],
    listed: Mapping[Scope, Sequence[str]],
    n_metrics: int,
    reference: str | None,
    morphology: Mapping[str, object],
    *,
    vocabulary: bool,
) -> None:
    """Raises UsageError where something to measure, to measure on or to refer to is missing."""
    is_text_free = vocabulary or bool(morphology) or bool(listed["vocabulary"])
    for what, given in (("tokenizer", tokenizers), ("text", texts), ("metric", n_metrics)):
        if not given and not (is_text_free and what != "tokenizer"):
            raise UsageError(f"evaluate: no {what} is given")
    if reference is not None and reference not in texts:
        raise UsageError(f"reference: no such text, got `{reference}`", hint="one of: " + ", ".join(texts))
    for scope, missing, hint in (
        ("morphemes", not morphology, "gold morphemes: add --morphology NAME=FILE"),
        ("languages", reference is None, "a reference text: add --ref NAME"),
        ("speed", not texts, "a text: add --on FILE"),
        ("tool", True, "the rules of its tool: add --as TOOL"),
    ):
        if listed[scope] and missing:  # type: ignore[index]  # the scopes of the table above
            raise UsageError(f"`{listed[scope][0]}` needs {hint}")  # type: ignore[index]  # as above


def _languages(
    tokenizer: str,
    evidence: Mapping[tuple[str, str], Evidence],
    texts: Mapping[str, Sequence[str]],
    reference: str,
    wanted: Sequence[str],
    warnings: list[str],
) -> tuple[list[Row], dict[str, object]]:
    """Rows over the languages that the tokenizer covers; a warning names those it does not."""
    seen = {name: evidence[tokenizer, name] for name in texts}
    out = [name for name in texts if name != reference and lost_share(seen[name]) > MOST_UNKNOWN]
    if out:
        warnings.append(
            f"{tokenizer}: left out of what is over languages, for text that is unknown or lost: {', '.join(out)}"
        )
    kept = [name for name in texts if name not in out]
    return fairness_rows(
        tokenizer,
        {name: seen[name].total("tokens") for name in kept},
        {name: seen[name].n_bytes for name in kept},
        documents=len(texts[reference]),
        reference=reference,
        wanted=wanted,
    )


def _chunks(documents: Sequence[str]) -> Iterator[Sequence[str]]:
    """Runs of documents of about BATCH_CHARACTERS, at least one each."""
    sizes = ends_of(documents)
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
