"""What an evaluation costs beside encoding alone, with the functions of other packages in the same table.

    python evals/bench/metrics.py TOKENIZER TEXT [--peers] [--repeat 3]

Every figure is CPU seconds (user and system, all threads) of this process, the median of the repeats, after one warm-up
on the first megabyte. `encode` is one `encode_batch` of all lines of the text; an evaluation encodes too.
"""

import argparse
import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evals.bench.measure import machine_line
from tokkit.evaluate import evaluate
from tokkit.evaluate.suite import load_suite
from tokkit.load import load_tokenizer

_WARM_UP = 1_000_000


def cpu_seconds(work: Callable[[], object], repeat: int) -> float:
    """Median CPU seconds of a call."""
    found = []
    for _ in range(repeat):
        before = os.times()
        work()
        after = os.times()
        found.append(after.user + after.system - before.user - before.system)
    return statistics.median(found)


def peers(lines: Sequence[str], encode: Callable[[list[str]], list[list[int]]]) -> dict[str, Callable[[], object]]:
    """The functions of other packages that are installed here, each doing as much of the suite as it can."""
    text = "\n".join(lines)
    found: dict[str, Callable[[], object]] = {}
    scorer = _installed("tokenization_scorer")
    if scorer is not None:

        def score() -> None:
            as_words = [" ".join(map(str, ids)) for ids in encode(list(lines))]
            for metric in ("renyi", "shannon", "percentile_freq", "seq_len"):
                scorer.score(as_words, metric=metric)

        found["tokenization-scorer: 4 metrics"] = score
    toklens = _installed("toklens.metrics")
    if toklens is not None:

        class Ids:
            """What toklens wants of an encoding."""

            def __init__(self, ids: list[int]) -> None:
                self.ids = ids

        class One:
            """What toklens asks of a tokenizer."""

            def encode(self, piece: str) -> Ids:
                return Ids(encode([piece])[0])

        one = One()
        found["toklens: compute_all, 6 metrics"] = lambda: toklens.compute_all(one, text)
    return found


def _installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def main(arguments: Sequence[str]) -> int:
    """Prints the table as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("tokenizer")
    parser.add_argument("text", type=Path)
    parser.add_argument("--suite", default="core@1")
    parser.add_argument("--peers", action="store_true", help="also time other packages that are installed")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args(arguments)
    tokenizer = load_tokenizer(options.tokenizer)
    content = options.text.read_text(encoding="utf-8")
    lines = content.splitlines(keepends=True)
    names = load_suite(options.suite).spec.metrics
    megabytes = len(content.encode()) / 1e6
    few = content[:_WARM_UP].splitlines(keepends=True)
    tokenizer.encode_batch(few)
    evaluate({"warm": tokenizer}, {"warm": few}, names)
    work: dict[str, Callable[[], object]] = {
        "encode_batch alone": lambda: tokenizer.encode_batch(lines),
        f"{options.suite}: {len(names)} metrics": lambda: evaluate({"t": tokenizer}, {"t": lines}, names),
    }
    if options.peers:
        work |= peers(lines, lambda texts: tokenizer.encode_batch(texts).lists())
    print(f"{options.text.name}, {megabytes:.1f} MB, {len(lines):,} lines, {Path(options.tokenizer).name}")
    print(machine_line(), time.strftime("%Y-%m-%d"), sep="; ", end="\n\n")
    print("| what | CPU s | CPU s/MB | times encode |\n| --- | ---: | ---: | ---: |")
    base = None
    for name, call in work.items():
        seconds = cpu_seconds(call, options.repeat)
        base = seconds if base is None else base
        print(f"| {name} | {seconds:.3f} | {seconds / megabytes:.4f} | {seconds / base:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
