"""The integers per document that ratios are made of."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.metrics.batch import Batch
from tokkit.metrics.edits import edit_distance
from tokkit.metrics.evidence import COLUMNS, COUNTERS, MISSING, Column, column
from tokkit.metrics.fold import NAMES
from tokkit.metrics.lexicon import FLAG_COLUMNS, UNKNOWN, Lexicon

EDITED_DOCUMENTS: Final = 256
EDITED_CHARACTERS: Final = 2048
_SPACES: Final = re.compile(r"\s+")


@column("documents")
def documents(batch: Batch) -> Column:
    """One for each document."""
    return np.ones(len(batch.texts), np.int64)


@column("tokens")
def tokens(batch: Batch) -> Column:
    """Tokens."""
    return batch.n_tokens


@column("bytes")
def bytes_(batch: Batch) -> Column:
    """UTF-8 bytes of the text as given."""
    return np.diff(batch.byte_ends)


@column("graphemes")
def graphemes(batch: Batch) -> Column:
    r"""Extended grapheme clusters, `\X` of the `regex` package."""
    import regex

    cluster = regex.compile(r"\X")
    return np.array([len(cluster.findall(text)) for text in batch.texts], np.int64)


@column("words_uax29")
def words_uax29(batch: Batch) -> Column:
    """Segments between the word boundaries of Unicode Standard Annex 29 that hold a letter or a number."""
    # A boundary never depends on what lies beyond a space or a line end, so chunks between them are counted once each.
    known: dict[str, int] = {}
    counts = []
    for text in batch.texts:
        chunks = text.replace("\n", " ").replace("\t", " ").replace("\r", " ").split(" ")
        total = 0
        for chunk in chunks:
            n_words = known.get(chunk)
            if n_words is None:
                n_words = known[chunk] = count_uax29(chunk)
            total += n_words
        counts.append(total)
    return np.array(counts, np.int64)


@column("words_char")
def words_char(batch: Batch) -> Column:
    """Grapheme clusters that hold a letter or a number."""
    import regex

    cluster = regex.compile(r"\X")
    letter = regex.compile(r"[\p{L}\p{N}]")
    return np.array(
        [sum(letter.search(found) is not None for found in cluster.findall(text)) for text in batch.texts], np.int64
    )


@column("words_icu")
def words_icu(batch: Batch) -> Column:
    """Words of the International Components for Unicode: by its dictionaries where a script writes no spaces."""
    import icu  # type: ignore[import-not-found,unused-ignore]  # an extra that few have

    iterator = icu.BreakIterator.createWordInstance(icu.Locale.getRoot())
    found = np.zeros(len(batch.texts), np.int64)
    for index, text in enumerate(batch.texts):
        iterator.setText(text)
        # Rule statuses below 100 are spaces and punctuation.
        found[index] = sum(iterator.getRuleStatus() >= 100 for _ in iterator)
    return found


@column("specials_in_text")
def specials_in_text(batch: Batch) -> Column:
    """Names of special tokens that stand in the text, where they are read as text."""
    pattern = batch.lexicon.specials_pattern(batch.data)
    if pattern is None:
        return np.zeros(len(batch.texts), np.int64)
    places = np.array([match.start() for match in pattern.finditer(batch.data)], np.int64)
    # Past empty documents, which end where they start.
    index = np.searchsorted(batch.byte_ends, places, "right") - 1
    return np.bincount(index, minlength=len(batch.texts)).astype(np.int64)


@column("unk_chars")
def unk_chars(batch: Batch) -> Column:
    """Characters that unknown tokens stand for."""
    batch.lexicon.learn(np.flatnonzero(batch.counts))
    found = np.zeros(len(batch.texts), np.int64)
    for index in range(len(found)):
        is_unknown = batch.lexicon.flags[batch.document_ids(index)] & UNKNOWN > 0
        if is_unknown.any():
            starts, ends = batch.spans(index)
            data = batch.texts[index].encode()
            for low, high in zip(starts[is_unknown].tolist(), ends[is_unknown].tolist(), strict=True):
                found[index] += len(data[low:high].decode(errors="ignore"))
    return found


@column("fallback_beyond_ascii_tokens")
def fallback_beyond_ascii(batch: Batch) -> Column:
    """Byte tokens of characters beyond ASCII: newlines and tabs spelled as bytes are often meant to be."""
    bad = np.array([token for byte, token in batch.lexicon.byte_ids.items() if byte >= 0x80], np.int64)
    return _per_document(np.isin(batch.ids, bad), batch)


@column("returned")
def returned(batch: Batch) -> Column:
    """1 for each document d with decode(encode(d)) == d."""
    return _alike(batch, lambda text: text)


@column("returned_normalised")
def returned_normalised(batch: Batch) -> Column:
    """1 for each document that comes back up to NFKC, case and runs of white space."""
    return _alike(batch, lambda text: " ".join(unicodedata.normalize("NFKC", text).casefold().split()))


@column("returned_whitespace")
def returned_whitespace(batch: Batch) -> Column:
    """1 for each document whose runs of white space come back, in order."""
    return _alike(batch, _SPACES.findall)


@column("wrong_characters")
def wrong_characters(batch: Batch) -> Column:
    """Edits between a document and what comes back of it, in its first characters."""
    found = np.zeros(len(batch.texts), np.int64)
    for index, decoded in enumerate(batch.decoded[: _first(batch)]):
        if decoded != batch.texts[index]:
            pair = (text[:EDITED_CHARACTERS] for text in (batch.texts[index], decoded))
            found[index] = edit_distance(*(list(map(ord, text)) for text in pair))
    return found


@column("compared_characters")
def compared_characters(batch: Batch) -> Column:
    """Characters of a document that `wrong_characters` looks at."""
    first = _first(batch)
    return np.array(
        [min(len(text), EDITED_CHARACTERS) * (index < first) for index, text in enumerate(batch.texts)], np.int64
    )


def _first(batch: Batch) -> int:
    """How many of the batch's documents are among the first of the text."""
    return max(0, EDITED_DOCUMENTS - batch.first)


def _alike(batch: Batch, view: Callable[[str], object]) -> Column:
    if batch.decoded is batch.texts:
        return np.ones(len(batch.texts), np.int64)
    pairs = zip(batch.decoded, batch.texts, strict=True)
    return np.array([decoded == text or view(decoded) == view(text) for decoded, text in pairs], np.int64)


@column("squared_token_bytes")
def squared_token_bytes(batch: Batch) -> Column:
    """Sum over tokens of their length in bytes, squared."""
    batch.lexicon.learn(np.flatnonzero(batch.counts))
    lengths = batch.lexicon.lengths.astype(np.int64)[batch.ids]
    return _per_document(lengths * lengths, batch)


@column("token_bytes")
def token_bytes(batch: Batch) -> Column:
    """Sum over tokens of their length in bytes."""
    batch.lexicon.learn(np.flatnonzero(batch.counts))
    return _per_document(batch.lexicon.lengths.astype(np.int64)[batch.ids], batch)


def _per_document(values: NDArray[np.generic], batch: Batch) -> Column:
    sums = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.diff(sums[batch.offsets])


def count_uax29(text: str) -> int:
    """Number of words of `text` by Unicode Standard Annex 29, as the `regex` package implements it."""
    import regex

    if text.isascii() and text.isalnum():
        return 1
    boundaries = [match.start() for match in regex.finditer(r"\b", text, flags=regex.V1 | regex.WORD)]
    cuts = [0, *(cut for cut in boundaries if 0 < cut < len(text)), len(text)]
    word = regex.compile(r"[\p{L}\p{N}]")
    return sum(word.search(text, low, high) is not None for low, high in pairwise(cuts))


def _folded(name: str) -> None:
    COLUMNS[name] = lambda batch: batch.folded[name]


for _name in (*NAMES, *filter(None, FLAG_COLUMNS)):
    _folded(_name)


def _words(batch: Batch) -> Counter[object]:
    """How often each word `ws` occurs."""
    found: Counter[object] = Counter()
    for text in batch.texts:
        found.update(text.split())
    return found


def _pairs(batch: Batch) -> Counter[object]:
    """How often each token follows each other within a document, keyed first << 32 | second."""
    inside = np.ones(len(batch.ids), bool)
    inside[batch.offsets[:-1][batch.n_tokens > 0]] = False
    second = np.flatnonzero(inside)
    keys = batch.ids[second - 1].astype(np.uint64) << np.uint64(32) | batch.ids[second]
    unique, counts = np.unique(keys, return_counts=True)
    return Counter(dict(zip(unique.tolist(), counts.tolist(), strict=True)))


COUNTERS["words"] = _words
COUNTERS["pairs"] = _pairs


def _without(what: str) -> str:
    return f"this tokenizer has no {what}"


def _no_unknown(lexicon: Lexicon) -> str | None:
    return None if lexicon.unknown_id is not None else _without("unknown token")


def _no_icu(lexicon: Lexicon) -> str | None:
    from importlib.util import find_spec

    del lexicon
    return None if find_spec("icu") is not None else "PyICU is not installed: pip install 'tokkit[icu]'"


def _no_fallback(lexicon: Lexicon) -> str | None:
    return None if lexicon.byte_ids else _without("byte fallback")


MISSING.update(
    {
        "unk_tokens": _no_unknown,
        "unk_chars": _no_unknown,
        "words_icu": _no_icu,
        "fallback_tokens": _no_fallback,
        "fallback_beyond_ascii_tokens": _no_fallback,
    }
)
