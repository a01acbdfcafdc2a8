"""One walk over tokens that tile their text: characters, words and cut characters of each document.

The compiled walk has a twin in numpy that is used where the core is out of reach and by the tests.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit import _core

FLAGS: Final = 6
NAMES: Final = ("chars", "multibyte", "words_ws", "single_words", "continued_words", "cut_chars")
COLUMNS: Final = len(NAMES) + FLAGS
# What Python's str.split takes for white space beyond ASCII.
_WIDE_SPACES: Final = tuple(
    map(chr, (0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
)


def fold(
    data: bytes,
    byte_ends: NDArray[np.int64],
    ids: NDArray[np.uint32],
    token_ends: NDArray[np.int64],
    tokens: bytes,
    lengths: NDArray[np.uint32],
    flags: NDArray[np.uint8],
) -> NDArray[np.int64] | None:
    """Rows of NAMES and of tokens with each flag, int64 [n_documents, COLUMNS]; None where the tokens do not tile.

    Document d is data[byte_ends[d]:byte_ends[d + 1]] and has ids[token_ends[d]:token_ends[d + 1]]. `lengths` and
    `flags` are by id, `tokens` has the bytes of all tokens in the order of ids. Each token is held against its text;
    most are then counted as a whole, by what is known of them.

    Raises:
        InputError: an id that `lengths` does not have.
    """
    columns = _core.fold_documents(
        data,
        buffer(byte_ends, "<i8"),
        buffer(ids, "<u4"),
        buffer(token_ends, "<i8"),
        tokens,
        buffer(lengths, "<u4"),
        flags.tobytes(),
    )
    return None if columns is None else np.frombuffer(columns, "<i8").reshape(COLUMNS, -1).T


def buffer(numbers: NDArray[np.integer], form: str) -> bytes:
    """The numbers as the core reads them; not copied where they are a view of such bytes already."""
    plain = np.ascontiguousarray(numbers, form)
    base: object = plain.base
    return base if isinstance(base, bytes) and len(base) == plain.nbytes else plain.tobytes()


def fold_numpy(
    data: bytes,
    byte_ends: NDArray[np.int64],
    ids: NDArray[np.uint32],
    token_ends: NDArray[np.int64],
    lengths: NDArray[np.uint32],
    flags: NDArray[np.uint8],
) -> NDArray[np.int64]:
    """The twin of `fold` on tokens that tile: the same rows, document by document, by whole-array operations."""
    rows = np.zeros((len(byte_ends) - 1, COLUMNS), np.int64)
    for index in range(len(rows)):
        text = np.frombuffer(data, np.uint8)[byte_ends[index] : byte_ends[index + 1]]
        own = ids[token_ends[index] : token_ends[index + 1]]
        rows[index, len(NAMES) :] = [np.count_nonzero(flags[own] >> bit & 1) for bit in range(FLAGS)]
        if not len(text):
            continue
        token_of_byte = np.repeat(np.arange(len(own)), lengths[own])
        leads = np.flatnonzero((text & 0xC0) != 0x80)
        tails = np.append(leads[1:], len(text))
        characters = text.tobytes().decode()
        is_word = np.array([not (c.isspace() and (c.isascii() or c in _WIDE_SPACES)) for c in characters])
        edges = np.diff(np.concatenate([[0], is_word.view(np.int8), [0]]))
        first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
        # Only tokens with bytes are met in token_of_byte; renumber them so that empty ones in between don't count.
        rank = np.cumsum(lengths[own] > 0)[token_of_byte]
        several = rank[tails[last] - 1] > rank[leads[first]]
        cut = rank[tails - 1] > rank[leads]
        rows[index, : len(NAMES)] = [
            len(leads),
            int(np.count_nonzero(tails - leads > 1)),
            len(first),
            int(np.count_nonzero(~several)),
            int(np.count_nonzero(several)),
            int(np.count_nonzero(cut)),
        ]
    return rows
