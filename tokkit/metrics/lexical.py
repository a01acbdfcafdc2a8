"""Whether tokens are words: lexical validity (%TR) and morphemes: purity (%Pure), against a named word list.

The number moves by more than 20 points with the list, so a list has a name and a version that are printed with it;
compare tokenizers under one list only. Shattering is rewarded when single letters count as words: the headline weighs
by characters and takes words of two letters or more.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokkit.errors import InputError
from tokkit.metrics.base import METRICS, Metric, Value
from tokkit.metrics.evidence import Evidence
from tokkit.metrics.lexicon import Lexicon


@dataclass(frozen=True)
class WordList:
    """A list of words of a language; forms are compared after NFC and lower-casing by the language's rules."""

    name: str
    language: str
    words: frozenset[str]

    @classmethod
    def of(cls, name: str, language: str, words: Iterable[str]) -> "WordList":
        """Brings the words into the form that tokens are compared in."""
        return cls(name, language, frozenset(filter(None, (fold_case(word, language) for word in words))))

    @classmethod
    def load(cls, path: Path, *, name: str | None = None, language: str = "") -> "WordList":
        """Reads a file of one word a line, plain or compressed; lines that start with `#` are notes.

        Raises:
            InputError: no such file, or no words in it.
        """
        from tokkit.corpus import SourceSpec, read

        batches = read(SourceSpec(path=str(path), format="text"))
        lines = [document.decode() for batch in batches for document in batch.texts()]
        found = cls.of(name or path.name, language, (line for line in lines if not line.startswith("#")))
        if not found.words:
            raise InputError(f"{path}: holds no words")
        return found

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the words in order."""
        return hashlib.sha256("\n".join(sorted(self.words)).encode()).hexdigest()


def fold_case(text: str, language: str) -> str:
    """Stripped, NFC, lower case; Turkish and Azeri have two letters i.

    >>> fold_case(" ILIK ", "tur")
    'ılık'
    """
    text = unicodedata.normalize("NFC", text.strip())
    if language.partition("_")[0] in ("tur", "tr", "aze", "az", "azj"):
        text = text.replace("İ", "i").replace("I", "ı")
    return text.lower()


@dataclass(frozen=True)
class Validity:
    """How many of the forms that tokens stand for are in the list.

    A form is a token's text, case folded; special tokens, parts of characters and white space are none. `alpha` forms
    hold a letter.
    """

    unique_forms: int
    unique_in_list: int
    alpha_unique_forms: int
    types: float | None
    types_alpha_only: float | None
    occurrences: float | None
    occurrences_alpha_only: float | None
    characters: float | None
    single_letter_share: float | None
    excluded_partial: int
    excluded_special: int


def validity(lexicon: Lexicon, counts: Iterable[tuple[int, int]], words: WordList) -> Validity:
    """Looks up the forms of tokens; `counts` are (id, occurrences)."""
    forms: Counter[str] = Counter()
    partial = special = 0
    specials = set(lexicon.specials.values())
    for token, count in counts:
        if token in specials:
            special += count
            continue
        try:
            form = fold_case(lexicon.token_bytes(token).decode(), words.language)
        except UnicodeDecodeError:
            partial += count
            continue
        if form:
            forms[form] += count
    alpha = {form: count for form, count in forms.items() if any(letter.isalpha() for letter in form)}
    valid = [form for form in forms if form in words.words]
    valid_alpha = [form for form in valid if form in alpha]
    n_alpha = sum(alpha.values())
    return Validity(
        unique_forms=len(forms),
        unique_in_list=len(valid),
        alpha_unique_forms=len(alpha),
        types=_share(len(valid), len(forms)),
        types_alpha_only=_share(len(valid_alpha), len(alpha)),
        occurrences=_share(sum(forms[form] for form in valid), sum(forms.values())),
        occurrences_alpha_only=_share(sum(alpha[form] for form in valid_alpha), n_alpha),
        characters=_share(
            sum(alpha[form] * len(form) for form in valid_alpha if len(form) >= 2),
            sum(count * len(form) for form, count in alpha.items()),
        ),
        single_letter_share=_share(sum(count for form, count in alpha.items() if len(form) == 1), n_alpha),
        excluded_partial=partial,
        excluded_special=special,
    )


@dataclass(frozen=True)
class OfflinePercent:
    """%TR by the published procedure, the word list in the place of its web service."""

    unique: int
    valid: int
    percent: float | None


def bayram2025_offline(decoded: Iterable[str], words: frozenset[str]) -> OfflinePercent:
    """The rule of malibayram/tokenizer_benchmark, offline: no folding of case, unique strings, not occurrences.

    `decoded` are the tokens of a text, each decoded alone. A string that is a line of the list counts as it stands; the
    others are joined, split at white space and cut at the first colon, as its parser of the service's answer does.
    """
    unique = set(decoded)
    known = {text for text in unique if text in words}
    rest = {piece.split(":")[0] for text in unique - known for piece in text.split()} - {""}
    everything = known | rest
    valid = sum(text in words for text in everything)
    return OfflinePercent(len(everything), valid, _share(valid, len(everything)))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _value(evidence: Evidence, what: str, *, morphemes: bool) -> Value:
    words = evidence.morpheme_list if morphemes else evidence.word_list
    if words is None:
        return Value(None, f"no {'morpheme' if morphemes else 'word'} list is given for this text")
    used = evidence.counts.nonzero()[0]
    pairs = zip(used.tolist(), evidence.counts[used].tolist(), strict=True)
    found: float | None = getattr(validity(evidence.lexicon, pairs, words), what)
    return Value(found, None if found is not None else "no token of this text is a whole form")


for _what, _field, _formula in (
    ("types", "types_alpha_only", "distinct forms with a letter that are in the list / such forms"),
    ("occurrences", "occurrences_alpha_only", "tokens with a letter whose form is in the list / such tokens"),
    ("characters", "characters", "characters of listed forms of >= 2 letters / characters of tokens with a letter"),
):
    for _family, _morphemes, _summary in (
        ("lexical_validity", False, "tokens that are words of the language by a named word list (%TR for Turkish)"),
        ("purity", True, "tokens that are one morpheme, root or affix, by a named list (%Pure for Turkish)"),
    ):
        METRICS.register(f"{_family}.{_what}")(
            Metric(
                name=f"{_family}.{_what}",
                unit=f"share of {_what}",
                better="higher",
                summary=_summary,
                formula=_formula,
                caveat="moves by more than 20 points with the list; types and occurrences reward single letters",
                compute=lambda evidence, field=_field, morphemes=_morphemes: _value(  # type: ignore[misc]  # defaults bind
                    evidence, field, morphemes=morphemes
                ),
                counters=("ids",),
                source="after Bayram et al., 2025; its web service is replaced by a list that can be named",
                aggregation="set_union",
            )
        )
