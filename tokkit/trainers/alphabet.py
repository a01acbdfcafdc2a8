"""The atoms that a vocabulary starts from: which they are and which ids they get."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokkit import _core
from tokkit.counts import CountTable
from tokkit.errors import InputError, UsageError
from tokkit.model.model import Unit
from tokkit.model.vocab import ATOM_BYTE_ORDER, byte_token_string, bytes_to_string, string_to_bytes


@dataclass(frozen=True)
class Ground:
    """Everything that exists before the first merge, by internal id: specials, byte tokens, atoms.

    tokens: what each stands for. keys: the bytes that a merge must spell to be this token, empty where no merge may.
    atom_ids: the ids that pretokens are spelled in (a one-character special can be one).
    """

    tokens: tuple[bytes, ...]
    keys: tuple[bytes, ...]
    atom_ids: tuple[int, ...]
    n_byte_tokens: int
    n_atoms: int


def byte_atoms(order: str) -> list[bytes]:
    """The 256 bytes: "codepoint" as HF's byte alphabet sorts them, "byte" by value."""
    values = ATOM_BYTE_ORDER if order == "codepoint" else bytes(range(256))
    return [bytes([value]) for value in values]


def frequent_characters(counts: CountTable, *, limit: int | None, initial: Sequence[str]) -> list[str]:
    """Characters by falling count, ties by code point, cut to `limit`.

    Characters of `initial` count as more frequent than any other, as in HF's trainer, also where they never occur.
    """
    for text in initial:
        if len(text) != 1:
            raise UsageError(f"initial_alphabet: entries are single characters, got {text!r}")
    seen = {text: count for text, count, _ in _core.character_counts(counts.raw)}
    first = set(initial)
    ranked = sorted(first | set(seen), key=lambda text: (text not in first, -seen.get(text, 0), text))
    return ranked if limit is None else ranked[:limit]


def characters_in_order(counts: CountTable) -> list[tuple[str, int]]:
    """Every character of the table with its count, by first appearance in the corpus.

    Raises:
        UsageError: the table does not know in which order its pretokens came.
    """
    first = counts.raw.first()
    if first is None:
        raise UsageError(
            "atom_order: `first` needs a table that knows the order of its pretokens",
            hint="count again with track_first, or use atom_order `codepoint`",
        )
    totals = {text: count for text, count, _ in _core.character_counts(counts.raw)}
    blob, offsets = counts.raw.blob(), np.frombuffer(counts.raw.offsets(), "<u8")
    seen: dict[str, int] = {}
    for index in np.argsort(np.frombuffer(first, "<u8"), kind="stable").tolist():
        for character in blob[offsets[index] : offsets[index + 1]].decode(errors="ignore"):
            if character not in seen and character in totals:
                seen[character] = totals[character]
        if len(seen) == len(totals):
            break
    return list(seen.items())


def cut_to_coverage(characters: Sequence[tuple[str, int]], coverage: float) -> list[str]:
    """The characters without the rarest ones, whose counts together stay below the share left uncovered.

    The budget is N - round(coverage x N); of equally frequent characters the later goes first. Where not even one
    character fits in the budget none is removed (the authors' code of Picky BPE then removes all).
    """
    total = sum(count for _, count in characters)
    budget = total - round(coverage * total)
    removed: set[str] = set()
    taken = 0
    later_first = list(reversed(characters))
    for text, count in sorted(later_first, key=lambda item: item[1]):
        taken += count
        if taken >= budget:
            break
        removed.add(text)
    return [text for text, _ in characters if text not in removed]


def lay_ground(unit: Unit, specials: Sequence[str], byte_tokens: bool, atoms: Sequence[bytes]) -> Ground:
    """Gives ids to specials, byte tokens and atoms; an atom that a special spells already gets the special's id.

    A merge that spells a special or `<0xNN>` becomes that token, as in HF's trainer, whose vocabulary knows strings
    only; in the byte unit that string is read in the byte alphabet.

    Raises:
        UsageError: an empty or repeated special token.
    """
    _check_specials(specials)
    strings = [*specials, *(byte_token_string(byte) for byte in range(256) if byte_tokens)]
    tokens = [special.encode() for special in specials] + [bytes([byte]) for byte in range(256) if byte_tokens]
    keys = [_key(string, unit) for string in strings]
    by_key = {key: token for token, key in reversed(list(enumerate(keys))) if key}
    atom_ids: list[int] = []
    n_before = len(tokens)
    for atom in atoms:
        if atom in by_key:
            atom_ids.append(by_key[atom])
            continue
        by_key[atom] = len(tokens)
        atom_ids.append(len(tokens))
        tokens.append(atom)
        keys.append(atom)
    return Ground(tuple(tokens), tuple(keys), tuple(atom_ids), 256 if byte_tokens else 0, len(tokens) - n_before)


def _key(string: str, unit: Unit) -> bytes:
    if unit == "char":
        return string.encode()
    try:
        return string_to_bytes(string)
    except ValueError:
        return b""  # holds a character outside the byte alphabet: no merge can spell it


def _check_specials(specials: Sequence[str]) -> None:
    for place, special in enumerate(specials):
        if not special:
            raise UsageError(f"special_tokens: entry {place} is empty")
        try:
            special.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"special_tokens: {special!r} holds a lone surrogate at index {error.start}") from None
        if special in specials[:place]:
            raise UsageError(f"special_tokens: {special!r} is given twice")


def affixed(counts: CountTable, unit: Unit, atoms: Sequence[bytes], prefix: str, suffix: str) -> list[bytes]:
    """Plain atoms, then the forms with prefix or suffix that occur in the table, sorted by bytes.

    HF adds these in the hash order of the words, so that every process gives other ids; sorted is our rule.
    """
    if unit == "byte":
        for name, text in (("continuing_subword_prefix", prefix), ("end_of_word_suffix", suffix)):
            if bytes_to_string(text.encode()) != text:
                raise UsageError(f"{name}: in a byte-level vocabulary it is printable ASCII, got {text!r}")
    forms = _core.affixed_atoms(counts.raw, list(atoms), unit=unit, prefix=prefix.encode(), suffix=suffix.encode())
    plain = set(atoms)
    return [*atoms, *(form for form in forms if form not in plain)]
