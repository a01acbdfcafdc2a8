"""Unicode normalisation in front of an encoder: what is found before it, and where its characters came from."""

import re
import unicodedata
from collections.abc import Collection, Iterator
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
        begin = 0
        for place, character in enumerate(text):
            # Runs of marks are passed over unread: looking back at each of them would take quadratic time.
            if place > begin and not unicodedata.combining(character) and self._stands_alone(text, begin, place):
                yield from self._pieces(text, begin, place)
                begin = place
        yield from self._pieces(text, begin, len(text))

    def _stands_alone(self, text: str, begin: int, place: int) -> bool:
        """Whether the character at `place` becomes the same without the stretch before it."""
        # ASCII is never changed by what stands before it.
        stretch, character = text[begin:place], text[place]
        return character.isascii() or self.apply(stretch + character) == self.apply(stretch) + self.apply(character)

    def _pieces(self, text: str, begin: int, end: int) -> Iterator[tuple[int, int, str]]:
        normal, alone = self.apply(text[begin:end]), [self.apply(character) for character in text[begin:end]]
        if "".join(alone) == normal:  # no character changed another
            yield from ((begin + place, begin + place + 1, part) for place, part in enumerate(alone))
        else:
            yield begin, end, normal


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
