"""What an evaluation costs beside encoding alone, with the functions of other packages in the same table.

    python evals/bench/metrics.py TOKENIZER TEXT [--peers] [--repeat 3]

Every figure is CPU seconds (user and system, all threads) of this process, the median of the repeats, after one warm-up
on the first megabyte. `encode` is one `encode_batch` of all lines of the text; an evaluation encodes too.
"""

import argparse
import importlib
import importlib.util
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


def peers(lines: Sequence[str], file: Path) -> dict[str, Callable[[], object]]:
    """The functions of other packages that are installed here, each over the library that it is made for."""
    import tokenizers

    text = "\n".join(lines)
    library = tokenizers.Tokenizer.from_file(str(file))
    library.no_truncation()
    found: dict[str, Callable[[], object]] = {
        "tokenizers: encode_batch alone": lambda: library.encode_batch_fast(list(lines), add_special_tokens=False)
    }
    scorer = _installed("tokenization_scorer")
    if scorer is not None:

        def score() -> None:
            encoded = library.encode_batch_fast(list(lines), add_special_tokens=False)
            as_words = [" ".join(map(str, one.ids)) for one in encoded]
            for metric in ("renyi", "shannon", "percentile_freq", "seq_len"):
                scorer.score(as_words, metric=metric)

        found["tokenization-scorer: 4 metrics"] = score
    toklens = _installed("toklens.metrics")
    if toklens is not None:
        found["toklens: compute_all, 6 metrics"] = lambda: toklens.compute_all(library, text)
    tokscope = _installed("tokscope")
    if tokscope is not None:
        adapter = _Adapter(library)
        found["tokscope: analyze, 7 metrics"] = lambda: tokscope.analyze(text, adapter)
    bench = _tokenizerbench()
    if bench is not None:
        plain = _Plain(library)

        def four() -> None:
            for line in lines:
                bench.fertility_score(plain, line)
                bench.compression_ratio(plain, line)
                bench.byte_compression_ratio(plain, line)
                bench.roundtrip_fidelity(plain, line)

        found["tokenizerbench: 4 metrics"] = four
    return found


class _Adapter:
    """What tokscope asks of a tokenizer; its own adapter needs transformers and does the same."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.name = "tokenizers"
        self.vocab_size = library.get_vocab_size()
        self.partial: dict[int, bool] = {}

    def tokenize_with_bytes(self, text: str) -> tuple[list[str], int, int]:
        """Tokens, unknown ones, parts of characters."""
        encoded = self.library.encode(text, add_special_tokens=False)
        n_partial = 0
        for token in encoded.ids:
            if token not in self.partial:
                self.partial[token] = "\ufffd" in self.library.decode([token])
            n_partial += self.partial[token]
        return encoded.tokens, 0, n_partial


class _Plain:
    """What tokenizerbench asks of a tokenizer."""

    def __init__(self, library: Any) -> None:
        self.library = library

    def encode(self, text: str) -> list[int]:
        """Ids without special tokens."""
        found: list[int] = self.library.encode(text, add_special_tokens=False).ids
        return found

    def decode(self, ids: list[int]) -> str:
        """Text of the ids."""
        return str(self.library.decode(ids, skip_special_tokens=False))


def _tokenizerbench() -> Any:
    """Its metrics by themselves: version 0.2.0 cannot be imported as a package."""
    package = importlib.util.find_spec("tokenizerbench")
    if package is None or package.origin is None:
        return None
    spec = importlib.util.spec_from_file_location("tokenizerbench_metrics", Path(package.origin).parent / "metrics.py")
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        file = Path(options.tokenizer)
        work |= peers(lines, file / "tokenizer.json" if file.is_dir() else file)
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
