"""MinED: the row of the base token at the smallest edit distance, a baseline of tokenkit.

Levenshtein distance over bytes; ties go to the longer common prefix, then to the lowest id.
"""

import numpy as np
from numpy.typing import NDArray

from tokkit.transplant.base import METHODS, Method, Problem, Rows
from tokkit.transplant.sparse import Csr


def distances(word: bytes, table: NDArray[np.uint16], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Edit distance of `word` to each row of `table` [m, width], whose first `lengths` entries count."""
    m, width = table.shape
    row = np.broadcast_to(np.arange(width + 1), (m, width + 1)).astype(np.int64)
    steps = np.arange(width + 1)
    for number, byte in enumerate(word, 1):
        made = np.empty_like(row)
        made[:, 0] = number
        made[:, 1:] = np.minimum(row[:, :-1] + (table != byte), row[:, 1:] + 1)
        # Insertions run along the row: min over earlier places of value + distance is a running minimum.
        row = np.minimum.accumulate(made - steps, axis=1) + steps
    return np.asarray(row[np.arange(m), lengths], np.int64)


@METHODS.register("mined")
class MinED(Method):
    """The row of the base token at the smallest edit distance; a baseline."""

    def solve(self, problem: Problem) -> Rows:
        """Rows of all tokens, if the base has any text token. Time n * m * length^2."""
        known = [(number, text) for number, text in enumerate(problem.base_texts) if text]
        if not known:
            return Rows(Csr.empty(problem.n), served=np.zeros(problem.n, bool))
        known.sort(key=lambda row: (len(row[1]), row[0]))
        sizes = np.array([len(text) for _, text in known])
        rows: list[tuple[list[int], list[float]]] = []
        for place, word in enumerate(problem.texts):
            problem.progress("edit distances", place, problem.n)
            rows.append(([_closest(word, known, sizes)], [1.0]))
        return Rows(Csr.of_rows(rows))


def _closest(word: bytes, known: list[tuple[int, bytes]], sizes: NDArray[np.int64]) -> int:
    """A length that differs by more than the best distance so far cannot win, so lengths go outwards."""
    best: tuple[int, int, int] = (len(word) + int(sizes[-1]) + 1, 0, 0)
    for gap in range(int(max(len(word), sizes[-1])) + 1):
        if gap > best[0]:
            break
        for size in {len(word) - gap, len(word) + gap}:
            low, high = np.searchsorted(sizes, [size, size + 1])
            if low == high:
                continue
            group = known[low:high]
            table = np.frombuffer(b"".join(text for _, text in group), np.uint8).reshape(-1, size).astype(np.uint16)
            away = distances(word, table, np.full(len(group), size))
            for place in np.flatnonzero(away == away.min()):
                number, text = group[int(place)]
                best = min(best, (int(away[place]), -_common(word, text), number))
    return best[2]


def _common(left: bytes, right: bytes) -> int:
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
