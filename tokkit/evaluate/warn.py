"""What a reader of numbers must know of them: each warning once, with its figure."""

from collections.abc import Sequence
from typing import Final

from tokkit.evaluate.lists import MOST_UNKNOWN
from tokkit.metrics.base import Metric
from tokkit.metrics.evidence import Evidence

_LONG_WORD: Final = 15
_FEW_DOCUMENTS: Final = 30


def unknown_share(seen: Evidence) -> float:
    """Characters that the tokenizer has no token for, over all; 0 for tokenizers without an unknown token."""
    if seen.lexicon.unknown_id is None or not seen.total("unk_chars"):
        return 0.0
    return seen.total("unk_chars") / max(seen.n_characters, 1)


def lost_share(seen: Evidence) -> float:
    """The greater of the shares of characters that are unknown and of letters that are lost, if those were counted."""
    lost = seen.total("lost_letters") / max(seen.total("letters"), 1) if seen.has_column("lost_letters") else 0.0
    return max(unknown_share(seen), lost)


def warnings_of(tokenizer: str, text: str, seen: Evidence, metrics: Sequence[Metric], *, intervals: bool) -> list[str]:
    """On words that are none, unknown text, special names in text, text that is lost, empty and few documents."""
    names = {metric.name for metric in metrics}
    columns = {name for metric in metrics for name in metric.columns}
    found = []
    if "words_ws" in columns and names & {"fertility.ws", "pcw.in_context", "strr.in_context"}:
        chars, words = seen.n_characters, seen.total("words_ws")
        if words and chars / words > _LONG_WORD:
            found.append(
                f"{text}: {chars / words:.0f} characters between spaces: words `ws` mean nothing in this script; "
                "read fertility.icu or fertility.char"
            )
    share = unknown_share(seen)
    if share > MOST_UNKNOWN:
        found.append(f"{tokenizer} on {text}: {share:.0%} of the characters are unknown to it: no number counts")
    elif share >= 0.001:
        found.append(
            f"{tokenizer} on {text}: {share:.2%} of the characters are unknown to it: low token counts are partly faked"
        )
    specials = seen.total("specials_in_text")
    if specials:
        found.append(f"{tokenizer} on {text}: {specials} names of special tokens stand in the text, read as text")
    if "returned" in columns:
        lost = seen.n_documents - seen.total("returned")
        if lost:
            found.append(f"{tokenizer} on {text}: {lost} of {seen.n_documents} documents do not decode to themselves")
    if seen.reference is not None and names & {"premium", "premium.document_mean", "premium.document_geometric"}:
        empty = int(((seen.column("tokens") == 0) | (seen.reference.column("tokens") == 0)).sum())
        if empty:
            found.append(f"{text}: {empty} documents are empty here or in the reference and left out of premiums")
    if seen.n_documents < _FEW_DOCUMENTS and (intervals or "premium" in names):
        found.append(f"{text}: {seen.n_documents} documents are few: its intervals are too narrow")
    return found
