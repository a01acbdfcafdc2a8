"""Leaves of Python's syntax against tokens: counted by hand, and by a slow twin."""

import random
from types import SimpleNamespace

import numpy as np
import pytest

from tokkit.evaluate import BASELINES
from tokkit.evaluate.baselines import Ids, Spans
from tokkit.metrics import find
from tokkit.metrics.evidence import gather
from tokkit.metrics.syntax import python_leaves

NAMES = ("python_leaves.boundary_recall", "python_leaves.boundary_precision", "python_leaves.whole")


class Cutter:
    """One token for each piece of a text that is given in pieces."""

    vocab_size = 1 << 16

    def __init__(self, pieces):
        self.pieces = {"".join(row): row for row in pieces}
        self.known: list[bytes] = sorted({piece.encode() for row in pieces for piece in row})

    def encode_batch(self, texts):
        rows = [[self.known.index(piece.encode()) for piece in self.pieces[text]] for text in texts]
        flat = np.array([token for row in rows for token in row], np.uint32)
        return Ids(flat, np.cumsum([0, *map(len, rows)]).astype(np.uint64))

    def encode_offsets(self, text):
        ends = np.cumsum([len(piece.encode()) for piece in self.pieces[text]])
        return Spans(np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1))

    def token_bytes(self, token):
        return self.known[token]

    def decode(self, ids):
        return b"".join(self.known[token] for token in ids).decode()


def values(subject, documents):
    metrics = [find(name) for name in NAMES]
    seen = gather(subject, metrics, documents)
    return [metric.compute(seen) for metric in metrics]


def test_leaves_are_names_numbers_operators_strings_and_comments():
    text = "x = 'é' + f'{y}z'  # ü\nif x:\n    y(1)\n"
    found = python_leaves(text)
    data = text.encode()
    leaves = [data[low:high].decode() for low, high in zip(found.low, found.high, strict=True)]
    assert leaves == ["x", "=", "'é'", "+", "f'{y}z'", "# ü", "if", "x", ":", "y", "(", "1", ")"]
    assert [leaf for leaf, is_open in zip(leaves, found.is_open, strict=True) if not is_open] == [
        "'é'",
        "f'{y}z'",
        "# ü",
    ]


@pytest.mark.parametrize("text", ["this prose", "x = (", "def f(:", "a\0b", "  x", "(" * 5000, "'", "\ud7ff = $"])
def test_what_does_not_parse_is_no_python(text):
    assert python_leaves(text) is None


def test_boundaries_are_worked_out_by_hand():
    # Leaves x = foo ( 1 ); the token `o(1` joins three and starts inside of `foo`.
    recall, precision, whole = values(Cutter([["x", " =", " fo", "o(1", ")\n"]]), ["x = foo(1)\n"])
    assert (recall.numerator, recall.denominator) == (3, 5)
    assert (precision.numerator, precision.denominator) == (3, 4)
    assert (whole.numerator, whole.denominator) == (3, 6)


def test_cuts_in_strings_and_comments_are_not_judged():
    recall, precision, whole = values(Cutter([["x", "='a", " b'", " # c", " d\n"]]), ["x='a b' # c d\n"])
    assert (recall.numerator, recall.denominator) == (2, 3)
    assert (precision.numerator, precision.denominator) == (2, 2)
    assert (whole.numerator, whole.denominator) == (1, 2)


def test_prose_has_no_value_and_the_reason():
    for found in values(BASELINES["bytes"](), ["this prose\n", "", "name", "a - b"]):
        assert found.value is None
        assert "no document is Python" in found.reason


def test_bytes_part_all_leaves_and_cut_all_names():
    recall, precision, whole = values(BASELINES["bytes"](), ["ab = cd\n", "prose it is"])
    assert recall.value == 1.0
    assert (precision.numerator, precision.denominator) == (4, 6)
    assert (whole.numerator, whole.denominator) == (1, 3)


def test_counts_are_those_of_a_slow_twin():
    text = "def f(a, b=10):\n    # é\n    return a[b:] + 'x y' ** -b\n\nclass K: pass\n"
    leaves = python_leaves(text)
    spans = list(zip(leaves.low.tolist(), leaves.high.tolist(), leaves.is_open.tolist(), strict=True))
    draw = random.Random(7)
    for _ in range(50):
        places = sorted({0, len(text), *draw.sample(range(1, len(text)), draw.randrange(len(text) - 1))})
        pieces = [text[low:high] for low, high in zip(places, places[1:], strict=False)]
        edges = {len(text[:place].encode()) for place in places}
        tokens = sorted(edges)
        tokens = list(zip(tokens, tokens[1:], strict=False))
        parted = sum(
            any(edge in edges for edge in range(one[1], other[0] + 1))
            for one, other in zip(spans, spans[1:], strict=False)
        )
        within = [edge for edge in edges if spans[0][0] < edge < spans[-1][1]]
        inside = [[leaf for leaf in spans if leaf[0] < edge < leaf[1]] for edge in within]
        between = sum(not found for found in inside)
        counted = sum(not found or found[0][2] for found in inside)

        def over(a, b):
            return a[0] < b[1] and b[0] < a[1]

        whole = 0
        for leaf in spans:
            touching = [token for token in tokens if over(token, leaf)]
            whole += leaf[2] and len(touching) == 1 and sum(over(touching[0], other) for other in spans) == 1
        recall, precision, single = values(Cutter([pieces]), [text])
        assert (recall.numerator, recall.denominator) == (parted, len(spans) - 1)
        assert (precision.numerator, precision.denominator) == (between, counted)
        assert (single.numerator, single.denominator) == (whole, sum(leaf[2] for leaf in spans))


def test_f_strings_are_one_leaf_whatever_the_version_of_python(monkeypatch):
    """From 3.12 on the tokenizer gives their parts."""
    from tokkit.metrics import syntax

    parts = [
        SimpleNamespace(type=90, start=(1, 0), end=(1, 2)),
        SimpleNamespace(type=syntax.tokenize.NAME, start=(1, 3), end=(1, 4)),
        SimpleNamespace(type=90, start=(1, 5), end=(1, 7)),
        SimpleNamespace(type=91, start=(1, 8), end=(1, 9)),
        SimpleNamespace(type=91, start=(1, 10), end=(1, 11)),
    ]
    monkeypatch.setattr(syntax, "_F_START", 90)
    monkeypatch.setattr(syntax, "_F_END", 91)
    monkeypatch.setattr(syntax.tokenize, "generate_tokens", lambda readline: iter(parts))
    assert syntax._tokens("") == [((1, 0), (1, 11), False)]
