"""Unicode normalisation in front of an encoder: what is found before it, and where its characters came from."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokenizerError

_Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
_FORMS: Final[dict[str, _Form]] = {"nfc": "NFC", "nfd": "NFD", "nfkc": "NFKC", "nfkd": "NFKD"}


class NormalForm:
    """One of the four normal forms of Unicode (UAX 15), by the tables of this Python.

    >>> NormalForm("nfc").apply("e\u0301")
    'é'
    """

    def __init__(self, name: str) -> None:
        if name not in _FORMS:
            raise TokenizerError(f"unknown normalizer, got `{name}`", hint="one of: " + ", ".join(_FORMS))
        self.name = _FORMS[name]

    def holds(self, text: str) -> bool:
        """Whether the text is in this form already; then all of its parts are."""
        return unicodedata.is_normalized(self.name, text)

    def apply(self, text: str) -> str:
        """The text in this form."""
        return unicodedata.normalize(self.name, text)

    def sources(self, text: str) -> tuple[str, NDArray[np.int64], NDArray[np.int64]]:
        """(the text in this form, where each of its characters came from); int64 [characters of that], twice.

        The places are the begin and the end, in characters of `text`, of the smallest stretch that normalises by itself
        and holds what became the character.
        """
        parts, begins, ends = [], [], []
        for begin, end, part in self._stretches(text):
            parts.append(part)
            begins += [begin] * len(part)
            ends += [end] * len(part)
        return "".join(parts), np.array(begins, np.int64), np.array(ends, np.int64)

    def _stretches(self, text: str) -> Iterator[tuple[int, int, str]]:
        begin, normal = 0, ""
        alone: list[str] = []
        for place, character in enumerate(text):
            by_itself = self.apply(character)
            if alone and self._joins(text[begin:place], normal, character, by_itself):
                normal = self.apply(text[begin : place + 1])
            else:
                yield from _pieces(begin, alone, normal)
                begin, alone, normal = place, [], by_itself
            alone.append(by_itself)
        yield from _pieces(begin, alone, normal)

    def _joins(self, stretch: str, normal: str, character: str, alone: str) -> bool:
        # ASCII is never changed by what stands before it.
        return not character.isascii() and (
            unicodedata.combining(character) != 0 or self.apply(stretch + character) != normal + alone
        )


def _pieces(begin: int, alone: Sequence[str], normal: str) -> Iterator[tuple[int, int, str]]:
    if "".join(alone) == normal:  # no character changed another
        yield from ((begin + place, begin + place + 1, part) for place, part in enumerate(alone))
    else:
        yield begin, begin + len(alone), normal


def sections(text: str, tokens: Collection[str]) -> Iterator[tuple[int, str, bool]]:
    """Cuts a text at these tokens, leftmost first, then longest: (first character, part, whether it is a token)."""
    at = 0
    pattern = "|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))
    for found in re.finditer(pattern, text) if pattern else ():
        if at < found.start():
            yield at, text[at : found.start()], False
        yield found.start(), found.group(), True
        at = found.end()
    if at < len(text):
        yield at, text[at:], False
