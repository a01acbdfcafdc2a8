"""Text that is lost: counted by letters, left out of what is over languages, hatched on the page."""

import numpy as np

from tokkit.evaluate import BASELINES, evaluate
from tokkit.evaluate.baselines import Ids, Spans
from tokkit.metrics import find
from tokkit.metrics.evidence import gather
from tokkit.report.figures import HATCHED
from tokkit.report.page import page

PARALLEL = {"eng": ["one day", "two"], "ell": ["μία μέρα", "δύο"], "tur": ["bir gün", "iki"], "spa": ["un dia", "dos"]}


class Ascii:
    """Drops what it does not know, without a word."""

    vocab_size = 128

    def encode_batch(self, texts):
        rows = [[byte for byte in text.encode() if byte < 128] for text in texts]
        return Ids(
            np.array([token for row in rows for token in row], np.uint32),
            np.cumsum([0, *map(len, rows)]).astype(np.uint64),
        )

    def encode_offsets(self, text):
        starts = np.array([place for place, byte in enumerate(text.encode()) if byte < 128], np.int64)
        return Spans(np.stack([starts, starts + 1], axis=1))

    def token_bytes(self, token):
        return bytes([token])

    def decode(self, ids):
        return bytes(ids).decode()


class Upper(Ascii):
    """Gives everything back in capitals and without marks: no letter is lost."""

    def encode_batch(self, texts):
        return super().encode_batch([text.upper().replace("Ü", "U") for text in texts])


def lost(subject, documents):
    metric = find("round_trip.letters_lost")
    return metric.compute(gather(subject, [metric], documents))


def test_dropped_letters_are_counted():
    found = lost(Ascii(), PARALLEL["ell"])
    assert (found.numerator, found.denominator) == (10, 10)
    found = lost(Ascii(), PARALLEL["tur"])
    assert (found.numerator, found.denominator) == (1, 9)
    assert lost(BASELINES["bytes"](), PARALLEL["ell"]).value == 0.0


def test_case_and_marks_are_not_missed():
    assert lost(Upper(), PARALLEL["tur"]).value == 0.0


def test_text_without_letters_has_no_value_but_a_reason():
    found = lost(Ascii(), ["1 2", ""])
    assert (found.value, found.reason) == (None, "no letters")


def test_lost_language_is_left_out_of_what_is_over_languages():
    names = ["premium", "fairness.gini", "round_trip.letters_lost"]
    results = evaluate({"ascii": Ascii(), "bytes": BASELINES["bytes"]()}, PARALLEL, names, reference="eng")
    assert "ell" in results.details["fairness"]["bytes"]["premiums"]
    assert "ell" not in results.details["fairness"]["ascii"]["premiums"]
    assert any("ascii: left out" in line and "ell" in line for line in results.warnings)


def test_page_hatches_faked_premiums_and_says_why():
    results = evaluate(
        {"ascii": Ascii(), "bytes": BASELINES["bytes"]()},
        PARALLEL,
        ["premium", "round_trip.letters_lost"],
        reference="eng",
    )
    made = page(results)
    # Greek, and Turkish: one letter of nine is more than a tenth.
    assert made.count(HATCHED) == 2
    assert "such a number is faked" in made
    # The second document has no token and is left out.
    assert "ascii on ell: 0.143: faked, the text is lost" in made
    # The vocabulary, then means without the texts that are lost; of what is lost over all of them.
    summary = made[made.index('<td class="l">ascii</td>') :][:400]
    assert '<td data-v="128">128</td>' in summary
    assert 'title="over 2 of 4 texts"' in summary
    assert 'title="over 4 of 4 texts"' in summary
    whole = page(evaluate({"bytes": BASELINES["bytes"]()}, PARALLEL, ["premium"], reference="eng"))
    assert HATCHED not in whole
    assert "faked" not in whole
