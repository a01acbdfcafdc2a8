"""Transplants against slow twins: pursuit, sparse rows, matching."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.omp import pursue as slow_pursue
from tokkit import _core
from tokkit.transplant.focus import sparsemax
from tokkit.transplant.match import match
from tokkit.transplant.omp import pursue
from tokkit.transplant.sparse import Csr
from tokkit.transplant.vocabulary import CanonicalToken, Vocabulary


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 12), st.integers(1, 12), st.integers(1, 3))
def test_pursuit_is_the_slow_one(seed: int, n: int, width: int, k: int, threads: int) -> None:
    draw = np.random.default_rng(seed)
    atoms, signals = draw.standard_normal((n, width)), draw.standard_normal((5, width))
    found = pursue(atoms, signals, k=k, threads=threads, double=True)
    for row, signal in enumerate(signals):
        chosen, coefficients = slow_pursue(atoms, signal, k)
        used = int(found.used[row])
        # The last atom of a signal that is spent may come from rounding on either side.
        assert found.atoms[row, :used].tolist()[: len(chosen)] == chosen[:used]
        if used == len(chosen):
            np.testing.assert_allclose(found.coefficients[row, :used], coefficients, rtol=1e-6, atol=1e-7)
        assert np.isfinite(found.coefficients[row]).all()


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.floats(-4, 4)), max_size=6), max_size=20), st.data())
def test_sparse_rows_are_dense_rows(rows: list[list[tuple[int, float]]], data: st.DataObject) -> None:
    made = Csr.of_rows([([i for i, _ in row], [w for _, w in row]) for row in rows])
    base = np.arange(30, dtype=np.float64).reshape(10, 3)
    dense = np.zeros((len(rows), 10))
    for place, row in enumerate(rows):
        for index, weight in row:
            dense[place, index] += weight
    np.testing.assert_allclose(made.apply(base), dense @ base, atol=1e-9)
    if rows:
        places = np.array(data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8)), np.int64)
        np.testing.assert_allclose(made.take(places).apply(base), (dense @ base)[places], atol=1e-9)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=12))
def test_sparsemax_lies_on_the_simplex(scores: list[float]) -> None:
    weights = sparsemax(np.array([scores]))[0]
    assert (weights >= 0).all()
    assert abs(weights.sum() - 1) < 1e-9
    order = np.argsort(scores)
    assert (np.diff(weights[order]) >= -1e-12).all()


WORDS = st.lists(st.text("abc", max_size=7).map(str.encode), min_size=1, max_size=8)


@given(WORDS, WORDS)
def test_the_nearest_by_edits_is_the_textbooks(words: list[bytes], others: list[bytes]) -> None:
    found = np.frombuffer(_core.nearest_by_edits(words, others), "<u4").tolist()
    for word, place in zip(words, found, strict=True):
        ranks = [(_levenshtein(word, other), -_common(word, other), at) for at, other in enumerate(others)]
        assert min(ranks)[2] == place


def _common(left: bytes, right: bytes) -> int:
    return max(size for size in range(8) if left[:size] == right[:size] and size <= min(len(left), len(right)))


def _levenshtein(left: bytes, right: bytes) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


@given(st.lists(st.binary(max_size=3), max_size=12), st.lists(st.binary(max_size=3), max_size=12))
def test_a_match_stands_for_the_same_bytes(left: list[bytes], right: list[bytes]) -> None:
    target, source = (
        Vocabulary("raw", tuple(CanonicalToken(i, repr(data), "text", data) for i, data in enumerate(side)))
        for side in (left, right)
    )
    found = match(target, source)
    for number, data in enumerate(left):
        other = int(found.source[number])
        assert (other >= 0) == (data != b"" and data in right)
        assert other < 0 or (right[other] == data and data not in right[:other])
