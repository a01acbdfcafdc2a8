"""The questions that tests of reachability ask of a tokenizer, for our own encoder and for Hugging Face's library."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from tokkit.errors import TokkitError
from tokkit.metrics.base import Subject
from tokkit.metrics.lexicon import Lexicon

_CONTEXTS: Final = ("", " ", "\n", ".", "(", "a", "A", "1", "«", "中", "ก", "ا")
_CONTINUES: Final = "##"


@dataclass(frozen=True)
class Probe:
    """The parts of a tokenizer that the checks ask; `tokenize` is None where the model cannot be asked alone, and
    `continues`, whether some word ends in a token such as `##s`, where there are no such tokens.
    """

    encodes_to_itself: Callable[[int], bool]
    tokenize: Callable[[int], list[int]] | None
    is_split: Callable[[str], bool]
    keeps: Callable[[str], bool]
    occurs: Callable[[int, str], bool]
    continues: Callable[[int], bool] | None = None


def probe(lexicon: Lexicon) -> Probe:
    """What there is to ask of a tokenizer."""
    subject = lexicon.subject
    encode = _encoder(subject)

    def encodes_to_itself(token: int) -> bool:
        try:
            return encode(subject.decode([token])) == [token]
        except TokkitError:
            return False

    def occurs(token: int, surface: str) -> bool:
        return any(
            token in encode(before + surface + after) for before in _CONTEXTS for after in _CONTEXTS if before + after
        )

    tables = getattr(subject, "tables", None)
    if tables is not None:
        import unicodedata

        from tokkit import _core
        from tokkit.model.tokenizer import Tokenizer

        user_defined = {name: token for name, token in tables.specials.items() if name in tables.user_defined}
        alone = Tokenizer(replace(tables, pretokenizer="none@1", normalizer=None, specials=user_defined))
        form = tables.normalizer

        def is_split(surface: str) -> bool:
            rewritten = _core.rewrite(surface.encode(), tables.pretokenizer)
            return len(_core.pretokenize(rewritten, tables.pretokenizer)) > 1

        return Probe(
            encodes_to_itself=encodes_to_itself,
            # In the spelling of the model: a marker for a space is no space here.
            tokenize=lambda token: alone.encode_bytes(subject.token_bytes(token)),
            is_split=is_split,
            keeps=lambda surface: form is None or unicodedata.is_normalized(form.upper(), surface),
            occurs=occurs,
        )
    runner = getattr(subject, "_runner", None)
    if runner is None:
        return Probe(encodes_to_itself, None, lambda _: False, lambda _: True, occurs)
    library = runner(frozenset(lexicon.specials))
    is_wordpiece = subject._file.kind == "WordPiece"  # type: ignore[attr-defined]  # only our own wrapper has _runner
    marked = "Metaspace" in repr(library.pre_tokenizer) or "Metaspace" in repr(library.decoder)

    def pieces(surface: str) -> bool:
        if library.pre_tokenizer is None:
            return False
        return len(library.pre_tokenizer.pre_tokenize_str(surface.removeprefix(" ") if marked else surface)) > 1

    def keeps(surface: str) -> bool:
        if library.normalizer is None:
            return True
        after = str(library.normalizer.normalize_str(surface)).replace("▁", " ")
        # A normaliser may put a space in front of all text, or take the first away: neither destroys a token.
        return after == " " + surface or after.removeprefix(" ") == surface.removeprefix(" ")

    return Probe(
        encodes_to_itself=encodes_to_itself,
        tokenize=None if is_wordpiece else lambda token: [t.id for t in library.model.tokenize(lexicon.names[token])],
        is_split=pieces,
        keeps=keeps,
        occurs=occurs,
        continues=_continues(lexicon, pieces) if is_wordpiece else None,
    )


def _continues(lexicon: Lexicon, is_split: Callable[[str], bool]) -> Callable[[int], bool]:
    """Whether a `##` token of WordPiece is reached after some other token; True of all other tokens.

    The longest match is taken first, so `##x` follows a token q if the vocabulary has no longer match: none that is q
    and a beginning of x. Any q will do that stands in one pre-token with x.
    """
    special = frozenset(lexicon.specials.values())
    ordinary = {name for token, name in lexicon.names.items() if token not in special}
    starts = sorted(name for name in ordinary if not name.startswith(_CONTINUES))
    inner = sorted(name for name in ordinary if name.startswith(_CONTINUES) and name != _CONTINUES)

    def follows(q: str, x: str) -> bool:
        return not any(q + x[:end] in ordinary for end in range(1, len(x) + 1))

    def continues(token: int) -> bool:
        name = lexicon.names.get(token, "")
        x = name.removeprefix(_CONTINUES)
        if token in special or not x or x == name:
            return True
        if all(is_split(before + x) for before in ("a", "1", "é", x[0])):
            return False
        return any(
            follows(q, x) and not is_split(q.removeprefix(_CONTINUES) + x) for group in (starts, inner) for q in group
        )

    return continues


def _encoder(subject: Subject) -> Callable[[str], list[int]]:
    encode = getattr(subject, "encode", None)
    if encode is None:
        return lambda text: [int(token) for token in subject.encode_batch([text]).ids]

    def with_specials(text: str) -> list[int]:
        ids: list[int] = encode(text, allowed_special="all")
        return ids

    return with_specials
