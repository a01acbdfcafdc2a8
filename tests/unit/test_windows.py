"""Windows in bytes: every token once, context bounded, however tokens lie."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokkit.extrinsic.rows import batch_of, snippets
from tokkit.extrinsic.windows import windows

LENGTHS = st.lists(st.integers(0, 9), max_size=60)


def starts_of(lengths):
    return np.cumsum([0, *lengths[:-1]], dtype=np.int64) if lengths else np.zeros(0, np.int64)


@given(LENGTHS, st.integers(1, 20), st.integers(0, 20), st.one_of(st.none(), st.integers(2, 9)))
def test_every_token_is_scored_once_and_in_order(lengths, stride, more, limit):
    made = windows(starts_of(lengths), context=stride + more, stride=stride, limit=limit)
    scored = [token for window in made for token in range(window.first, window.end)]
    assert scored == list(range(len(lengths)))
    assert limit is None or all(window.end - window.begin <= limit for window in made)


@given(LENGTHS, st.integers(1, 20), st.integers(0, 20), st.one_of(st.none(), st.integers(2, 9)))
def test_context_is_bounded_in_bytes_and_never_empty_after_the_first_token(lengths, stride, more, limit):
    starts = starts_of(lengths)
    for window in windows(starts, context=stride + more, stride=stride, limit=limit):
        assert window.begin < window.first or window.first == 0
        reach = (int(starts[window.first]) // stride + 1) * stride - (stride + more)
        assert all(starts[token] >= reach for token in range(window.begin, window.first - 1))
        assert limit is not None or not window.is_cut


def test_context_goes_back_as_far_as_it_may():
    starts = np.arange(0, 100, 5)
    assert [w.begin for w in windows(starts, context=20, stride=10)][:4] == [0, 0, 2, 4]


@given(st.lists(st.text(max_size=80), max_size=4), st.integers(4, 40))
def test_snippets_lose_nothing_but_blanks(documents, size):
    made = snippets(documents, size)
    assert all(len(piece.encode()) <= size for piece in made)
    assert "".join(made).split() == "".join("".join(snippets([document], size)) for document in documents).split()
    assert "".join("".join(made).split()) == "".join("".join(documents).split())


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 3))
def test_every_snippet_comes_once_before_any_comes_again(n, size, seed):
    taken = [place for step in range(2 * n) for place in batch_of(step, n=n, size=size, seed=seed)]
    for start in range(0, len(taken) - n, n):
        assert sorted(taken[start : start + n]) == list(range(n))
