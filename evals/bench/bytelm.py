"""The byte language model: MB a CPU second of learning, and of surprisal and entropy of the same text, on one thread.

    python -m evals.bench bytelm --file TEXT [--order 5] [--repeat 3]

Documents are lines. Each figure is the best of `--repeat` runs; entropy is asked for the first time in each of them,
so that working out the entropy of every context is part of it.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from tokkit.bytespan.lm import ByteLm

T = TypeVar("T")


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--order", type=int, action="append")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    text = options.file.read_bytes()
    documents = text.splitlines(keepends=True)
    print("| order | n-grams | bits a byte | learn | surprisal | entropy | both |\n|---|---|---|---|---|---|---|")
    for order in options.order or [5]:
        trained = [_timed(partial(ByteLm.train, documents, order=order)) for _ in range(options.repeat)]
        models = [model for _, model in trained]
        rates = [len(text) / 1e6 / min(seconds for seconds, _ in trained)]
        for wanted in ((True, False), (False, True), (True, True)):
            seconds = []
            for model in models:
                # A model read from its file has no entropies yet.
                fresh = ByteLm.from_bytes(model.to_bytes())
                work = partial(fresh.signals, documents, threads=1, surprisal=wanted[0], entropy=wanted[1])
                seconds.append(_timed(work)[0])
            rates.append(len(text) / 1e6 / min(seconds))
        bits = models[0].signals(documents, entropy=False)[0].mean()
        print(
            f"| {order} | {len(models[0]):,} | {bits:.3f} | " + " | ".join(f"{rate:.1f} MB/s" for rate in rates) + " |"
        )
    return 0


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begin = time.process_time()
    made = work()
    return time.process_time() - begin, made


if __name__ == "__main__":
    sys.exit(main())
