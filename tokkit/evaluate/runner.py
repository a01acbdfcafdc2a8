"""One pass over the texts for each tokenizer; every metric sees each batch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tokkit.errors import UsageError
from tokkit.evaluate.results import Results, Row
from tokkit.metrics.base import METRICS, Batch, Subject
from tokkit.progress import Progress, silent

DEFAULT_METRICS = (
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
    progress: Progress = silent,
) -> Results:
    """Measures each tokenizer on each text.

    `tokenizers` and `texts` are named; a text is its documents, each encoded whole and without special tokens. The
    result has one row for each tokenizer, text and metric, in the order given.

    >>> from tokkit.evaluate import BASELINES, evaluate
    >>> results = evaluate({"bytes": BASELINES["bytes"]()}, {"greeting": ["good day"]}, ["fertility.ws"])
    >>> results.rows[0].value
    4.0

    Raises:
        UsageError: no tokenizer, no text, or an unknown metric.
        InputError: a document that is not text.
    """
    for what, given in (("tokenizer", tokenizers), ("text", texts), ("metric", metrics)):
        if not given:
            raise UsageError(f"evaluate: no {what} is given")
    classes = [METRICS.get(name) for name in metrics]
    rows = []
    total = len(tokenizers) * sum(map(len, texts.values()))
    done = 0
    for tokenizer_name, tokenizer in tokenizers.items():
        for text_name, documents in texts.items():
            accumulators = [metric(tokenizer.vocab_size) for metric in classes]
            for chunk in _chunks(documents):
                batch = Batch.of(tokenizer, chunk)
                for accumulator in accumulators:
                    accumulator.add(batch)
                done += len(chunk)
                progress("evaluate", done, total)
            rows += [Row.of(tokenizer_name, text_name, accumulator) for accumulator in accumulators]
    return Results(tuple(rows))


def _chunks(documents: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for document in documents:
        chunk.append(document)
        size += len(document)
        if size >= BATCH_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
