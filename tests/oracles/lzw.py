"""The static LZW vocabulary, spelled out: slow, and written from the definition."""

from collections import Counter
from collections.abc import Sequence
from math import ceil


def phrases(units: Sequence[bytes], max_length: int) -> set[bytes]:
    """What one pass learns; the book is kept across units, the buffer is not."""
    book: set[bytes] = set()
    for unit in units:
        waiting = b""
        for byte in unit:
            longer = waiting + bytes([byte])
            if len(longer) == 1 or longer in book:
                waiting = longer
            else:
                book.add(longer)
                waiting = bytes([byte])
            if len(waiting) == max_length:
                waiting = b""
    return book


def cut(unit: bytes, book: set[bytes], segmentation: str) -> list[bytes]:
    """Longest phrase first, or the fewest, of equals the one with the longer first phrase."""
    longest = max(map(len, book), default=1)
    if segmentation == "greedy":
        found = []
        while unit:
            size = next(n for n in range(longest, 0, -1) if n == 1 or (n <= len(unit) and unit[:n] in book))
            found.append(unit[:size])
            unit = unit[size:]
        return found
    best: list[list[bytes]] = [[]]
    for start in range(len(unit) - 1, -1, -1):
        rest = unit[start:]
        sizes = [n for n in range(1, min(longest, len(rest)) + 1) if n == 1 or rest[:n] in book]
        choices = [[rest[:n], *best[-n]] for n in sizes]
        best.append(min(choices, key=lambda choice: (len(choice), -len(choice[0]))))
    return best[-1]


def vocabulary(
    units: Sequence[bytes], *, vocab_size: int, max_length: int, keep: float, min_count: int, segmentation: str
) -> list[tuple[bytes, int]]:
    """The phrases that stay, best first, with their uses."""
    book = phrases(units, max_length)

    def ranked() -> list[tuple[bytes, int]]:
        uses = Counter(token for unit in units for token in cut(unit, book, segmentation))
        return sorted(((p, uses[p]) for p in book), key=lambda row: (-row[1] * (len(row[0]) - 1), -len(row[0]), row[0]))

    while len(book) > vocab_size - 256:
        room = max(vocab_size - 256, min(ceil(keep * len(book)), len(book) - 1))
        book = {phrase for phrase, uses in [row for row in ranked() if row[1] >= min_count][:room]}
    return ranked()
