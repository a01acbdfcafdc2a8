"""The same text as several tokenizers cut it, what differs ringed; and the words that cost most."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.metrics.base import Subject
from tokkit.metrics.batch import Batch, byte_positions
from tokkit.metrics.evidence import Evidence
from tokkit.metrics.lexicon import Lexicon
from tokkit.report.svg import safe, short

_SAMPLES: Final = 8
_OPEN: Final = 2
_SAMPLE_CHARACTERS: Final = 400
_WORDS: Final = 60
_LONG_WORD: Final = 15
_PIECES_SHOWN: Final = 4
_CODE_POINTS: Final = 0x110000


def is_trained(subject: Subject) -> bool:
    """Whether the vocabulary is more than all bytes or all characters, whose cuts everybody knows."""
    return 256 < subject.vocab_size < _CODE_POINTS


def boundaries(tokenizers: Mapping[str, Subject], samples: Mapping[str, str]) -> list[str]:
    """Samples cut by each tokenizer; a ring is around each stretch that the first tokenizer cuts otherwise."""
    tokenizers = {name: subject for name, subject in tokenizers.items() if is_trained(subject)} or tokenizers
    if not tokenizers or not samples:
        return []
    parts = []
    if len(tokenizers) > 1:
        first = safe(next(iter(tokenizers)))
        parts.append(f"<p class=soft>Ringed: what is cut otherwise than by {first}. A dot is a space.</p>")
    shown = {name: text[:_SAMPLE_CHARACTERS] for name, text in list(samples.items())[:_SAMPLES]}
    batches = {name: Batch.of(subject, list(shown.values())) for name, subject in tokenizers.items()}
    for place, (name, text) in enumerate(shown.items()):
        parts.append(f"<details class=text{' open' if place < _OPEN else ''}><summary>{safe(name)}</summary>")
        own: list[int] | None = None
        for tokenizer, batch in batches.items():
            cuts = _cuts(batch, place)
            own = cuts if own is None else own
            parts.append(
                f"<div><b>{safe(tokenizer)}</b> <span class=soft>{batch.n_tokens[place]} tokens</span></div>"
                f'<p class=tokens dir="auto">{_marked(text, cuts, own)}</p>'
            )
        parts.append("</details>")
    if len(samples) > _SAMPLES:
        parts.append(f"<p class=soft>{len(samples) - _SAMPLES} more texts are not shown.</p>")
    return parts


def worst_words(evidence: Mapping[tuple[str, str], Evidence]) -> list[str]:
    """A table of the words that cost most, by (tokens - 1) x occurrences, the mean over the tokenizers."""
    all_of_them = list(dict.fromkeys(name for name, _ in evidence))
    trained = {name for (name, _), seen in evidence.items() if is_trained(seen.lexicon.subject)}
    tokenizers = [name for name in all_of_them if name in trained] or all_of_them
    texts = list(dict.fromkeys(text for _, text in evidence))
    counted = [text for text in texts if _has_words(evidence[tokenizers[0], text])] if tokenizers else []
    if not counted:
        return []
    each, is_few = max(_WORDS // len(counted), 3), len(tokenizers) <= _PIECES_SHOWN
    heads = ["text", "word", "occurrences", *tokenizers]
    out = [
        "<p class=soft>Tokens of each word between white space, without the punctuation around it, encoded alone, "
        "after a space where the tokenizer sets none itself. Dearest first, by (tokens - 1) x occurrences, the mean "
        "over the tokenizers. Texts that write no spaces are left out.</p>",
        "<div class='scroll tall'><table class=sort><thead><tr>",
        *(
            f'<th class="{"l" if n < 2 or (is_few and n > 2) else ""}" scope="col"><button>{safe(head)}</button></th>'
            for n, head in enumerate(heads)
        ),
        "</tr></thead><tbody>",
    ]
    for text in counted:
        lexicons = [evidence[name, text].lexicon for name in tokenizers]
        fronts = [" " * needs_space(lexicon.subject) for lexicon in lexicons]
        tally = _bare(evidence[tokenizers[0], text].tallies["words"])
        types = sorted(tally)
        occurrences = np.array([tally[word] for word in types], np.int64)
        counts = [
            _tokens(lexicon.subject, [front + word for word in types])
            for lexicon, front in zip(lexicons, fronts, strict=True)
        ]
        cost = (np.mean(counts, axis=0) - 1) * occurrences
        chosen = sorted(range(len(types)), key=lambda i: (-cost[i], types[i]))[:each]
        columns = [
            _word_cells(lexicon, [front + types[place] for place in chosen], is_few=is_few)
            for lexicon, front in zip(lexicons, fronts, strict=True)
        ]
        for place, *cells in zip(chosen, *columns, strict=True):
            out.append(
                f'<tr><td class="l">{safe(text)}</td><td class="l wrap">{safe(short(types[place], 60))}</td>'
                f'<td data-v="{occurrences[place]}">{occurrences[place]:,}</td>{"".join(cells)}</tr>'
            )
    return [*out, "</tbody></table></div>"]


def needs_space(subject: Subject) -> bool:
    """Whether a word alone needs a space in front to be cut as in the middle of a text: not if one is set anyway."""
    bare, spaced = (np.asarray(subject.encode_batch([text]).ids).tolist() for text in ("x", " x"))
    return bool(spaced != bare and spaced[1:] != bare)


def _bare(tally: Counter[object]) -> Counter[str]:
    """Words without what is no letter, number or mark at their ends."""
    import regex

    edges = regex.compile(r"^[^\p{L}\p{N}\p{M}]+|[^\p{L}\p{N}\p{M}]+$")
    found: Counter[str] = Counter()
    for word, n in tally.items():
        found[edges.sub("", str(word)) or str(word)] += n
    return found


def _tokens(subject: Subject, words: Sequence[str]) -> NDArray[np.int64]:
    """How many tokens each word has."""
    offsets = np.asarray(subject.encode_batch(words).offsets, np.int64)
    return offsets[1:] - offsets[:-1]


def _has_words(seen: Evidence) -> bool:
    tally = seen.tallies.get("words")
    if not tally:
        return False
    return sum(len(str(word)) * n for word, n in tally.items()) <= _LONG_WORD * tally.total()


def _word_cells(lexicon: Lexicon, words: Sequence[str], *, is_few: bool) -> list[str]:
    """For each word the number of its tokens, and how it is cut."""
    batch = Batch.of(lexicon, words)
    cells = []
    for index, (word, n_tokens) in enumerate(zip(words, batch.n_tokens.tolist(), strict=True)):
        pieces = [_visible(word[start:end]) for start, end in pairwise(_cuts(batch, index))]
        if is_few:
            joined = "<span class=cut>|</span>".join(pieces)
            cells.append(f'<td data-v="{n_tokens}" class="l wrap">{n_tokens} &ensp; {joined}</td>')
        else:
            cells.append(f'<td data-v="{n_tokens}" title="{" | ".join(pieces)}">{n_tokens}</td>')
    return cells


def _cuts(batch: Batch, index: int) -> list[int]:
    """Where tokens end in a document, in characters; 0 and the end of the text are among them.

    Tokens within one character make no cut.
    """
    text = batch.texts[index]
    place = byte_positions(text.encode())
    ends = np.unique(np.searchsorted(place, batch.spans(index)[1], "left"))
    return [0, *(int(end) for end in ends if 0 < end < len(text)), len(text)]


def _marked(text: str, cuts: Sequence[int], others: Sequence[int]) -> str:
    """Tokens as elements in two colours; those between common cuts in a ring where the cuts between differ."""
    out = []
    common = sorted(set(cuts) & set(others))
    place, other, n = 0, 0, 0
    for end in common[1:]:
        stretch, theirs = [], []
        while place + 1 < len(cuts) and cuts[place + 1] <= end:
            stretch.append((cuts[place], cuts[place + 1]))
            place += 1
        while other + 1 < len(others) and others[other + 1] <= end:
            theirs.append((others[other], others[other + 1]))
            other += 1
        marks = []
        for piece in stretch:
            marks.append(f'<span class="{"ab"[n % 2]}">{_visible(text[slice(*piece)])}</span>')
            n += 1
        joined = "".join(marks)
        out.append(joined if stretch == theirs else f'<span class="ring">{joined}</span>')
    return "".join(out)


def _visible(piece: str) -> str:
    """A token as HTML: a dot for a space, an arrow for the end of a line, what cannot be seen spelled."""
    return safe(piece).replace(" ", "\u00b7").replace("\\n", "\u21b5\u200b")
