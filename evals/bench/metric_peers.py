"""One package that measures tokenizers, in a process of its own: `metrics.py` starts it and says why.

    python evals/bench/metric_peers.py NAME tokenizer.json TEXT --first BYTES --cpu SECONDS --memory BYTES

Prints what was computed and its CPU seconds as one JSON object; reading the files and importing is not counted. The
package runs over the library `tokenizers`, which all of them are made for. Needs nothing of tokkit, so that it runs in
the peers' own environment.
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Work = Callable[[], object]


def tokenizers_alone(library: Any, lines: Sequence[str]) -> tuple[str, Work]:
    """What the others need at least: all lines encoded once, by all threads."""
    return "encode_batch alone", lambda: library.encode_batch_fast(list(lines), add_special_tokens=False)


def tokenization_scorer(library: Any, lines: Sequence[str]) -> tuple[str, Work]:
    """Four metrics; it wants strings of words, so the ids are written as such."""
    scorer = importlib.import_module("tokenization_scorer")

    def score() -> None:
        encoded = library.encode_batch_fast(list(lines), add_special_tokens=False)
        as_words = [" ".join(map(str, one.ids)) for one in encoded]
        for metric in ("renyi", "shannon", "percentile_freq", "seq_len"):
            scorer.score(as_words, metric=metric)

    return "4 metrics", score


def toklens(library: Any, lines: Sequence[str]) -> tuple[str, Work]:
    """`metrics.compute_all`: the package's own command fails."""
    metrics = importlib.import_module("toklens.metrics")
    return "compute_all, 6 metrics", lambda: metrics.compute_all(library, "".join(lines))


def tokscope(library: Any, lines: Sequence[str]) -> tuple[str, Work]:
    """`analyze`; its own adapter needs transformers and does what this one does."""
    package = importlib.import_module("tokscope")
    return "analyze, 7 metrics", lambda: package.analyze("".join(lines), Adapter(library))


def tokenizerbench(library: Any, lines: Sequence[str]) -> tuple[str, Work]:
    """Its metrics by themselves, line by line: version 0.2.0 cannot be imported as a package."""
    package = importlib.util.find_spec("tokenizerbench")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("tokenizerbench")
    file = Path(package.origin).parent / "metrics.py"
    spec = importlib.util.spec_from_file_location("tokenizerbench_metrics", file)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(str(file))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    plain = Plain(library)

    def four() -> None:
        for line in lines:
            module.fertility_score(plain, line)
            module.compression_ratio(plain, line)
            module.byte_compression_ratio(plain, line)
            module.roundtrip_fidelity(plain, line)

    return "4 metrics", four


class Adapter:
    """What tokscope asks of a tokenizer."""

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


class Plain:
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


PEERS: dict[str, Callable[[Any, Sequence[str]], tuple[str, Work]]] = {
    "tokenizers": tokenizers_alone,
    "tokscope": tokscope,
    "tokenizerbench": tokenizerbench,
    "tokenization-scorer": tokenization_scorer,
    "toklens": toklens,
}


def first_lines(file: Path, limit: int | None) -> list[str]:
    """The whole lines within the first `limit` bytes of a text, line ends kept; all lines without a limit."""
    with file.open("rb") as stream:
        content = stream.read(-1 if limit is None else limit)
        more = stream.read(1)
    if more:
        content = content[: content.rfind(b"\n") + 1]
    # As files are read line by line: no other separator of Unicode ends a line.
    return [line.decode() for line in content.splitlines(keepends=True)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one peer within its limits."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--first", type=int)
    parser.add_argument("--cpu", type=int, required=True)
    parser.add_argument("--memory", type=int, required=True)
    options = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_CPU, (options.cpu, options.cpu + 5))
    resource.setrlimit(resource.RLIMIT_AS, (options.memory, options.memory))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    tokenizers = importlib.import_module("tokenizers")
    library = tokenizers.Tokenizer.from_file(str(options.tokenizer))
    library.no_truncation()
    lines = first_lines(options.text, options.first)
    what, work = PEERS[options.name](library, lines)
    before = os.times()
    work()
    after = os.times()
    version = importlib.metadata.version(options.name)
    seconds = after.user + after.system - before.user - before.system
    print(json.dumps({"name": f"{options.name} {version}: {what}", "cpu_seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
