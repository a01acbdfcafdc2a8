"""Compares the hand-written pre-tokenizers with the `regex` module on a file.

`python -m evals.bench.pretok_equality FILE [SCHEME ...]`. Both cut the same blocks of the file, which end behind a line
end; the lists of the ends of their pretokens are compared by sha256. The schemes are of Unicode 16.0, `regex` may be
newer: a character that Unicode has changed since may differ, and the first difference is printed.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import regex
from numpy.typing import NDArray

from tokkit import _core
from tokkit.pretokenizers import names, patterns

BLOCK_CHARS = 1 << 20


def blocks(path: Path, limit_bytes: float) -> Iterator[str]:
    """The text of the file in parts that end behind a line end."""
    with path.open(encoding="utf-8", newline="") as file:
        left = limit_bytes
        while left > 0 and (text := file.read(BLOCK_CHARS)):
            text += file.readline()
            left -= len(text.encode())
            yield text


def expected_ends(compiled: list[regex.Pattern[str]], text: str) -> list[int]:
    """Where the pretokens end, in characters: each regex splits the parts that those before it left."""
    parts = [(0, len(text))]
    for pattern in compiled:
        cut: list[tuple[int, int]] = []
        for start, end in parts:
            at = start
            # The part alone is what the next split sees: look-around stops at its bounds.
            for match in pattern.finditer(text[start:end]):
                first, last = start + match.start(), start + match.end()
                if at < first:
                    cut.append((at, first))
                if first < last:
                    cut.append((first, last))
                at = last
            if at < end:
                cut.append((at, end))
        parts = cut
    return [end for _, end in parts]


def found_ends(name: str, text: str) -> NDArray[np.uint64]:
    """Where the pretokens of the scanner end, in characters."""
    data = text.encode()
    bounds = _core.pretokenize(data, name)
    ends = np.fromiter((end for _, end in bounds), dtype=np.int64, count=len(bounds))
    characters = np.cumsum((np.frombuffer(data, dtype=np.uint8) & 0xC0) != 0x80)
    return characters[ends - 1].astype(np.uint64)


def compare(path: Path, name: str, limit_bytes: float) -> bool:
    """Prints one row; true if all ends are equal."""
    compiled = [regex.compile(pattern, regex.V0) for pattern in patterns(name)]
    wanted, got = hashlib.sha256(), hashlib.sha256()
    n_pretokens = n_bytes = 0
    seconds = {"scanner": 0.0, "regex": 0.0}
    first_difference = ""
    for text in blocks(path, limit_bytes):
        start = time.process_time()
        found = found_ends(name, text)
        middle = time.process_time()
        expected = np.array(expected_ends(compiled, text), dtype=np.uint64)
        seconds["scanner"] += middle - start
        seconds["regex"] += time.process_time() - middle
        wanted.update(expected.tobytes())
        got.update(found.tobytes())
        n_pretokens += len(found)
        n_bytes += len(text.encode())
        if not first_difference and not np.array_equal(found, expected):
            at = int(min(set(found.tolist()) ^ set(expected.tolist())))
            first_difference = f"at {text[max(0, at - 12) : at]!r} | {text[at : at + 12]!r}"
    equal = wanted.digest() == got.digest()
    print(
        f"{name:16} {n_bytes / 1e6:8.1f} {n_pretokens:11,} {seconds['scanner']:8.1f} {seconds['regex']:8.1f} "
        f"{got.hexdigest()[:16]}  {'equal' if equal else 'DIFFERENT ' + first_difference}",
        flush=True,
    )
    return equal


def main() -> int:
    """Compares the schemes asked for, all that are regexes by default; 1 if any differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("schemes", nargs="*", help="ids of schemes; default: all that are made of regexes")
    parser.add_argument("--limit-mb", type=float, default=float("inf"), help="read no more than this of the file")
    options = parser.parse_args()
    schemes = options.schemes or [name for name in names() if patterns(name)]
    print(f"{'scheme':16} {'MB':>8} {'pretokens':>11} {'ours s':>8} {'regex s':>8} {'sha256':16}  (CPU seconds)")
    differing = [name for name in schemes if not compare(options.file, name, options.limit_mb * 1e6)]
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
