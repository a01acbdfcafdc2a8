"""The Unicode script of a letter."""

from functools import cache
from typing import Final

# Scripts of the letters of vocabularies, by the names of Unicode; what is none of these is "Other".
_SCRIPTS: Final = (
    *("Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya"),
    *("Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Thai", "Lao", "Tibetan", "Myanmar", "Georgian", "Hangul"),
    *("Ethiopic", "Khmer", "Mongolian", "Hiragana", "Katakana", "Bopomofo", "Han", "Armenian", "Syriac", "Thaana"),
    *("Cherokee", "Tifinagh", "Nko", "Javanese", "Balinese", "Common", "Inherited"),
)


@cache
def script_of(letter: str) -> str:
    """The Unicode script of a letter (UAX 24), as the `regex` package knows it."""
    import regex

    for script in _SCRIPTS:
        if regex.match(rf"\p{{Script={script}}}", letter):
            return script
    return "Other"
