"""Auxiliary vectors of tokens from a text alone: what FOCUS and WECHSEL take fastText vectors for.

The text is read in the new tokens; c_ij counts how often j stands within `window` tokens of i. The vectors are of the
rank-d factorisation of the positive pointwise mutual information max(0, log(c_ij Z / (c_i c_j^0.75))) with
Z = sum c_j^0.75, scaled by the root of the eigenvalues: what skip-gram with negative sampling factorises implicitly
(Levy, Goldberg 2014), without steps, threads or chance. Deviation from fastText: no character n-grams, so a rare token
has no vector and its row is left to the fallback. A base token has the vector of the new token that stands for the same
bytes.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.load import load_tokenizer
from tokkit.progress import Progress, silent
from tokkit.transplant.base import Auxiliary
from tokkit.transplant.match import MISSING
from tokkit.transplant.operator import Assignment
from tokkit.transplant.sparse import Csr

_ROUNDS = 4
"""Of subspace iteration: the spectrum falls fast, more changes nothing that a cosine shows."""
_EXTRA = 10


def trained_vectors(
    documents: Iterable[Sequence[int]],
    rows: int,
    *,
    width: int = 100,
    window: int = 5,
    least: int = 5,
    seed: int = 0,
    progress: Progress = silent,
) -> NDArray[np.float32]:
    """Vectors [rows, width] of token ids; NaN for those that occur fewer than `least` times.

    Raises:
        UsageError: the text is too short: no two tokens occur so often near each other.
    """
    texts = [np.asarray(ids, np.int64) for ids in documents]
    counts = np.bincount(np.concatenate([*texts, np.zeros(0, np.int64)]), minlength=rows)
    keys, pairs = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for away in range(1, window + 1):
        progress("count neighbours", away, window)
        near = [left * rows + right for text in texts for left, right in ((text[:-away], text[away:]),)]
        found, times = np.unique(np.concatenate([*near, np.zeros(0, np.int64)]), return_counts=True)
        keys, inverse = np.unique(np.concatenate([keys, found]), return_inverse=True)
        pairs = np.bincount(inverse, np.concatenate([pairs, times])).astype(np.int64)
    left, right = np.divmod(keys, rows)
    kept = (counts[left] >= least) & (counts[right] >= least)
    left, right, pairs = left[kept], right[kept], pairs[kept]
    # Both directions: a neighbour is one on either side.
    table = _information(np.r_[left, right], np.r_[right, left], np.r_[pairs, pairs].astype(np.float64), rows)
    if not len(table.indices):
        raise UsageError("the text is too short to learn vectors from", hint="give more text, or --auxiliary")
    made = np.full((rows, width), np.nan, np.float32)
    has = np.diff(table.indptr) > 0
    made[has] = _factor(table, width, seed, progress)[has]
    return made


def _information(left: NDArray[np.int64], right: NDArray[np.int64], pairs: NDArray[np.float64], rows: int) -> Csr:
    keys, inverse = np.unique(left * rows + right, return_inverse=True)
    counts = np.bincount(inverse, pairs, minlength=len(keys))
    left, right = np.divmod(keys, rows)
    own = np.bincount(left, counts, minlength=rows)
    smooth = own**0.75
    value = np.log(counts * smooth.sum() / np.maximum(own[left] * smooth[right], 1e-300))
    kept = value > 0
    indptr = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(left[kept], minlength=rows), out=indptr[1:])
    return Csr(indptr, right[kept], value[kept])


def _factor(table: Csr, width: int, seed: int, progress: Progress) -> NDArray[np.float64]:
    """The leading eigenvectors by magnitude, times the root of it; [rows, width], zeros beyond the rank."""
    rows = len(table)
    rank = min(width + _EXTRA, rows)
    basis = np.random.default_rng(seed).standard_normal((rows, rank))
    for number in range(_ROUNDS):
        progress("factorise", number, _ROUNDS)
        basis = np.linalg.qr(table.apply(basis))[0]
    small = basis.T @ table.apply(basis)
    values, vectors = np.linalg.eigh((small + small.T) / 2)
    order = np.argsort(-np.abs(values), kind="stable")[:width]
    made = np.zeros((rows, width))
    made[:, : len(order)] = basis @ vectors[:, order] * np.sqrt(np.abs(values[order]))
    return made


def auxiliary_of(
    text: Path, target: Path, assignment: Assignment, *, seed: int = 0, progress: Progress = silent
) -> Auxiliary:
    """The vectors of new tokens and of the base tokens that match one, learnt from a text file.

    Raises:
        InputError: the text is missing or not UTF-8. UsageError: it is too short.
    """
    from tokkit.recipe.evaluation import read_texts

    tokenizer = load_tokenizer(target)
    documents = [tokenizer.encode(document) for document in read_texts([str(text)])]
    vectors = trained_vectors(documents, assignment.n_rows, seed=seed, progress=progress)
    source = assignment.matches.source
    matched = np.flatnonzero((source != MISSING) & np.isfinite(vectors[: len(source), 0]))[::-1]
    base = np.full((max(assignment.base.n_rows, assignment.base_rows), vectors.shape[1]), np.nan, np.float32)
    base[source[matched]] = vectors[matched]  # of several tokens with one source the first one counts
    return Auxiliary(vectors[assignment.new_text()], base)
