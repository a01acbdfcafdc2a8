"""What an export is checked on."""

from tokkit.counts import CountTable
from tokkit.export.sample import LONGEST_CHECKED, checkable


def test_everything_short_is_checked_without_a_bound() -> None:
    table = CountTable.from_items([(b"a", 3), (b"b" * LONGEST_CHECKED, 2), (b"c" * (LONGEST_CHECKED + 1), 9)])
    sample = checkable(table)
    assert list(sample) == [(b"a", 3), (b"b" * LONGEST_CHECKED, 2)]
    assert (sample.distinct, sample.mass, sample.of_distinct, sample.of_mass) == (2, 5, 3, 14)


def test_a_bounded_sample_holds_the_most_frequent_and_spreads_over_the_rest() -> None:
    rows = [(b"%04d" % number, 1 + (number == 500) * 100 + (number == 700) * 50) for number in range(1000)]
    sample = checkable(CountTable.from_items(rows), at_most=20)
    words = [word for word, _ in sample]
    assert len(words) <= 20
    assert {b"0500", b"0700"} <= set(words)
    assert words == sorted(words)
    assert words[-1] > b"0900"


def test_the_sample_is_the_same_each_time() -> None:
    table = CountTable.from_items([(b"%04d" % number, 1) for number in range(1000)])
    assert list(checkable(table, at_most=50)) == list(checkable(table, at_most=50))
