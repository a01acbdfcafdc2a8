"""Two tokenizers on the same texts: where their cuts differ, aligned by byte offset."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tokkit.report.show import BOUNDARY
from tokkit.report.text import visible

if TYPE_CHECKING:
    from tokkit.load import AnyTokenizer

Span = tuple[int, int]
_KEEP: Final = 10_000


@dataclass(frozen=True)
class Region:
    """A stretch of a text between two cuts that both tokenizers make, cut otherwise within; offsets are bytes."""

    text_index: int
    start: int
    end: int
    left: tuple[bytes, ...]
    right: tuple[bytes, ...]


@dataclass
class Difference:
    """What two tokenizers do with some texts. `regions` holds the first 10,000, `n_regions` counts all."""

    texts: int = 0
    size_bytes: int = 0
    left_tokens: int = 0
    right_tokens: int = 0
    same_texts: int = 0
    n_regions: int = 0
    differing_bytes: int = 0
    regions: list[Region] = field(default_factory=list)
    common: Counter[tuple[tuple[bytes, ...], tuple[bytes, ...]]] = field(default_factory=Counter)

    @property
    def same_share(self) -> float:
        """Share of bytes in stretches that both cut alike; 1.0 for no text."""
        return 1.0 - self.differing_bytes / self.size_bytes if self.size_bytes else 1.0

    def to_json(self, *, limit: int = 100) -> dict[str, object]:
        """Data for `--json`, with the `limit` most frequent differences."""
        return {
            "texts": self.texts,
            "bytes": self.size_bytes,
            "tokens": [self.left_tokens, self.right_tokens],
            "same_texts": self.same_texts,
            "regions": self.n_regions,
            "same_share": self.same_share,
            "frequent": [
                {"count": count, "left": [visible(t) for t in left], "right": [visible(t) for t in right]}
                for (left, right), count in _frequent(self.common, limit)
            ],
        }


def diff(left: "AnyTokenizer", right: "AnyTokenizer", texts: Iterable[str]) -> Difference:
    """Encodes each text with both and collects the stretches that they cut differently.

    Ids are not compared: they belong to two vocabularies. Two tokens are the same when they cover the same bytes.

    Raises:
        InputError: a lone surrogate in a text.
        UsageError: a normaliser changes a text, so that its tokens have no place in it.
    """
    found = Difference()
    for index, text in enumerate(texts):
        data = text.encode("utf-8", "surrogatepass")
        one, two = left.encode_offsets(text).byte_offsets, right.encode_offsets(text).byte_offsets
        found.texts += 1
        found.size_bytes += len(data)
        found.left_tokens += len(one)
        found.right_tokens += len(two)
        before = found.n_regions
        for start, end, ours, theirs in regions(one, two, len(data)):
            found.n_regions += 1
            found.differing_bytes += end - start
            pieces = tuple(data[a:b] for a, b in ours), tuple(data[a:b] for a, b in theirs)
            found.common[pieces] += 1
            if len(found.regions) < _KEEP:
                found.regions.append(Region(index, start, end, *pieces))
        found.same_texts += found.n_regions == before
    return found


def regions(left: list[Span], right: list[Span], size: int) -> list[tuple[int, int, list[Span], list[Span]]]:
    """The smallest stretches between common cuts in which the spans differ, as (start, end, left, right).

    Spans are in order of their starts; those of one tokenizer may overlap where it cuts a character and can only name
    the whole, or leave gaps where it drops text.
    """
    cuts = sorted(_cuts(left, size) & _cuts(right, size))
    found = []
    at_left = at_right = 0
    for place in range(len(cuts) - 1):
        start, end = cuts[place], cuts[place + 1]
        is_last = place == len(cuts) - 2
        next_left = _advance(left, at_left, end, is_last=is_last)
        next_right = _advance(right, at_right, end, is_last=is_last)
        ours, theirs = left[at_left:next_left], right[at_right:next_right]
        if ours != theirs:
            found.append((start, end, ours, theirs))
        at_left, at_right = next_left, next_right
    return found


def render_diff(found: Difference, names: tuple[str, str] = ("A", "B"), *, limit: int = 20) -> str:
    """A summary and the most frequent differences, as text."""
    ratio = f" ({found.right_tokens / found.left_tokens:.2%} of {names[0]})" if found.left_tokens else ""
    lines = [
        f"texts          {found.texts:,}, cut alike {found.same_texts:,}",
        f"bytes          {found.size_bytes:,}, in stretches cut alike {found.same_share:.2%}",
        f"tokens of {names[0]}  {found.left_tokens:,}",
        f"tokens of {names[1]}  {found.right_tokens:,}{ratio}",
        f"differences    {found.n_regions:,}, distinct {len(found.common):,}",
    ]
    for (left, right), count in _frequent(found.common, limit):
        lines.append(f"{count:>8,}  {_pieces(left)}  {names[0]} | {names[1]}  {_pieces(right)}")
    return "\n".join(lines)


def _frequent(
    common: Counter[tuple[tuple[bytes, ...], tuple[bytes, ...]]], limit: int
) -> list[tuple[tuple[tuple[bytes, ...], tuple[bytes, ...]], int]]:
    return sorted(common.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _pieces(tokens: tuple[bytes, ...]) -> str:
    return '"' + BOUNDARY.join(visible(token) for token in tokens) + '"' if tokens else "nothing"


def _cuts(spans: list[Span], size: int) -> set[int]:
    return {0, size, *(start for start, _ in spans), *(end for _, end in spans)}


def _advance(spans: list[Span], place: int, end: int, *, is_last: bool) -> int:
    while place < len(spans) and (spans[place][0] < end or is_last):
        place += 1
    return place
