"""Bytes of tokens as text that is safe and readable on a terminal."""

from typing import Final

# Explicit ranges instead of unicodedata: the same bytes out under every Python, and nothing here moves with Unicode.
_HIDDEN: Final = (
    *range(0x20),
    *range(0x7F, 0xA0),
    0xAD,  # soft hyphen
    0x061C,
    0x180E,
    *range(0x200B, 0x2010),  # zero width, bidi marks
    *range(0x2028, 0x202F),  # line and paragraph separators, bidi embeddings
    *range(0x2060, 0x2070),  # word joiner, bidi isolates
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),  # tag characters
)
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_ESCAPES: Final = {
    **{code: f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" for code in _HIDDEN if code <= 0xFFFF},
    **{code: f"\\U{code:08x}" for code in _HIDDEN if code > 0xFFFF},
    **{ord(character): escape for character, escape in _NAMED.items()},
}


def escape(text: str) -> str:
    r"""The text with controls, ESC, zero-width and bidi characters and backslashes as escapes; the rest as it is.

    >>> escape("a\x1b[31m\u202eb\n")
    'a\\x1b[31m\\u202eb\\n'
    """
    return text.translate(_ESCAPES)


def visible(token: bytes) -> str:
    r"""Token bytes as text: decoded where they are UTF-8, `\xNN` where they are not; controls escaped.

    Never byte-alphabet spelling: people take that for corruption.

    >>> visible(" caf".encode() + b"\xc3")
    ' caf\\xc3'
    """
    shown = escape(token.decode("utf-8", "surrogateescape"))
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in shown)


def quoted(token: bytes) -> str:
    """`visible` in double quotes, so that spaces at the ends are seen."""
    return '"' + visible(token).replace('"', '\\"') + '"'
