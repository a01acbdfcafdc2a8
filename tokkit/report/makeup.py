"""What a vocabulary is made of: its tokens by script, or by what else they are."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

_SCRIPTS: Final = (
    *("Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Armenian", "Georgian", "Devanagari", "Bengali", "Gurmukhi"),
    *("Gujarati", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"),
    *("Ethiopic", "Hangul", "Hiragana", "Katakana", "Han"),
)


def makeup(tokens: Iterable[bytes]) -> dict[str, int]:
    """Kind -> number of tokens, most first. The kind is the script of the first letter, where there is one.

    >>> makeup([b"the", "\u043d\u0435".encode(), b"42", b" "])
    {'Cyrillic': 1, 'Latin': 1, 'number': 1, 'space': 1}
    """
    import regex

    scripts = "|".join(f"(?P<{name}>\\p{{Script={name}}})" for name in _SCRIPTS)
    first_letter = regex.compile(f"{scripts}|(?P<other_script>\\p{{L}})")
    digit, space = regex.compile(r"\p{N}"), regex.compile(r"[\s\u2581]*")
    found: Counter[str] = Counter()
    for token in tokens:
        try:
            text = token.decode()
        except UnicodeDecodeError:
            found["part of a character"] += 1
            continue
        letter = first_letter.search(text)
        if letter is not None:
            found[str(letter.lastgroup).replace("_", " ")] += 1
        elif space.fullmatch(text):
            found["space"] += 1
        else:
            found["number" if digit.search(text) else "punctuation and symbols"] += 1
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
