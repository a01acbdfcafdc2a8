"""Vectors of the tokens of two tokenizers in one space, from a text alone: what FOCUS takes fastText vectors for.

The text is read with both tokenizers. A token's contexts are the words within two of the word in which it ends, that
word included; words are runs without white space, but single characters in scripts that write none. Both tokenizers
share them, so that tokens are comparable which the other one does not have. The vectors factorise the positive
pointwise mutual information log(n(token, word) n / (n(token) n(word))) of the 8,192 commonest words by random
projection (Levy, Goldberg 2014; Halko et al. 2011): no steps, no threads, no chance but the seed. fastText (CBOW, 3
epochs, n-grams of 3 to 6) on both readings of the text reads worse on SmolLM2 (evals/studies).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.progress import Progress, silent
from tokkit.transplant.base import Auxiliary
from tokkit.transplant.operator import Assignment
from tokkit.transplant.sparse import Csr

if TYPE_CHECKING:
    from tokkit.load.any import AnyTokenizer

WIDTH = 100
_CONTEXTS, _WINDOW, _ROUNDS = 8192, 2, 2
_PIECE = 1 << 14
"""Characters read at a time: offsets of a whole book as Python objects would need gigabytes."""
_PENDING = 1 << 24
"""Meetings kept before they are added up."""


def trained_vectors(
    tokenizers: "Sequence[AnyTokenizer]",
    texts: Sequence[str],
    rows: Sequence[int],
    *,
    width: int = WIDTH,
    seed: int = 0,
    progress: Progress = silent,
) -> list[NDArray[np.float32]]:
    """Vectors [rows[i], width] of each tokenizer's ids; NaN for those that do not occur.

    Raises:
        UsageError: the text is too short: no token keeps company with any word more than chance would have it.
    """
    pieces = [text[at : at + _PIECE] for text in texts for at in range(0, len(text), _PIECE)]
    words = Counter(text[begin:end] for text in pieces for begin, end in _words(text))
    names = {word: place for place, (word, _) in enumerate(words.most_common(_CONTEXTS))}
    starts = np.r_[0, np.cumsum(rows)]
    cells, counts = _meetings(tokenizers, pieces, names, starts, progress)
    token, context = np.divmod(cells, _CONTEXTS)
    of_token = np.bincount(token, counts, int(starts[-1]))
    of_context = np.bincount(context, counts, _CONTEXTS)
    information = np.log(counts * counts.sum() / (of_token[token] * of_context[context]))
    kept = information > 0
    if not kept.any():
        raise UsageError("the text is too short to learn vectors from", hint="give more text, or --auxiliary")
    left = _csr(token[kept], context[kept], information[kept], int(starts[-1]))
    right = _csr(context[kept], token[kept], information[kept], _CONTEXTS)
    space = np.random.default_rng(seed).standard_normal((_CONTEXTS, width))
    for number in range(_ROUNDS):
        progress("factorise", number, _ROUNDS)
        space, _ = np.linalg.qr(right.apply(left.apply(space)))
    made = left.apply(space).astype(np.float32)
    made[of_token == 0] = np.nan
    return [np.ascontiguousarray(made[low:high]) for low, high in pairwise(starts.tolist())]


def auxiliary_of(
    text: Path, target: Path, assignment: Assignment, *, seed: int = 0, progress: Progress = silent
) -> Auxiliary:
    """The vectors of the new tokens and of all base tokens, learnt from a text file.

    Raises:
        InputError: the text is missing or not UTF-8. UsageError: it is too short.
    """
    from tokkit.load import load_tokenizer
    from tokkit.recipe.evaluation import read_texts

    rows = (max(assignment.base.n_rows, assignment.base_rows), assignment.n_rows)
    tokenizers = [load_tokenizer(assignment.base.source), load_tokenizer(target)]
    base, new = trained_vectors(tokenizers, read_texts([str(text)], whole=True), rows, seed=seed, progress=progress)
    return Auxiliary(new[assignment.new_text()], base)


def _meetings(
    tokenizers: "Sequence[AnyTokenizer]",
    pieces: Sequence[str],
    names: dict[str, int],
    starts: NDArray[np.int64],
    progress: Progress,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(token x _CONTEXTS + context, ascending; how often they meet)."""
    cells, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
    waiting: list[NDArray[np.int64]] = []
    size = 0
    for number, text in enumerate(pieces):
        progress("count company", number, len(pieces))
        ends, known = _contexts(text, names)
        if not len(ends):
            continue
        for tokenizer, start in zip(tokenizers, starts.tolist(), strict=False):
            made = tokenizer.encode_offsets(text)
            at = np.searchsorted(ends, np.array([end for _, end in made.byte_offsets], np.int64))
            keys = (np.array(made.ids, np.int64) + start) * _CONTEXTS
            for shift in range(-_WINDOW, _WINDOW + 1):
                place = np.minimum(at, len(ends) - 1) + shift
                inside = (place >= 0) & (place < len(ends))
                name = known[place[inside]]
                waiting.append((keys[inside] + name)[name >= 0])
                size += len(waiting[-1])
        if size > _PENDING:
            cells, counts = _added(cells, counts, np.concatenate(waiting))
            waiting, size = [], 0
    if waiting:
        cells, counts = _added(cells, counts, np.concatenate(waiting))
    return cells, counts


def _added(
    cells: NDArray[np.int64], counts: NDArray[np.int64], more: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    found, times = np.unique(more, return_counts=True)
    keys, inverse = np.unique(np.r_[cells, found], return_inverse=True)
    return keys, np.bincount(inverse, np.r_[counts, times], minlength=len(keys)).astype(np.int64)


def _contexts(text: str, names: dict[str, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(byte at which each word ends, its name or -1)."""
    spans = list(_words(text))
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    sizes = 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
    at = np.r_[0, np.cumsum(sizes)]
    ends = at[np.array([end for _, end in spans], np.int64)]
    return ends, np.array([names.get(text[begin:end], -1) for begin, end in spans], np.int64)


def _words(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _pattern().finditer(text))


@cache
def _pattern() -> Any:
    import regex

    alone = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
    return regex.compile(rf"[{alone}]|[^\s{alone}]+")


def _csr(row: NDArray[np.int64], column: NDArray[np.int64], weight: NDArray[np.float64], rows: int) -> Csr:
    order = np.argsort(row, kind="stable")
    indptr = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=rows), out=indptr[1:])
    return Csr(indptr, column[order], weight[order])
