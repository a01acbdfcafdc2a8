"""From a checked tokenizer.json to a model of ours, where our encoder says exactly the same."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from tokkit.errors import TokenizerError, UsageError
from tokkit.load.hf_file import HfFile
from tokkit.model.events import Event, Events, Kind
from tokkit.model.model import Alphabet, Model, Unit
from tokkit.model.normal_form import NormalForm
from tokkit.model.vocab import ATOM_BYTE_ORDER, byte_token_string, bytes_to_string, string_to_bytes
from tokkit.pretokenizers import space_runs_of_hf

_MARKER: Final = "\u2581"
_CROSSING: Final = re.compile("[^\u2581]\u2581")
_NORMALIZERS: Final = {"NFC": "nfc", "NFD": "nfd", "NFKC": "nfkc", "NFKD": "nfkd"}


class NotExpressibleError(Exception):
    """Our encoder cannot promise the same ids for this file; the text says why. Never leaves `tokkit.load`."""


def model_of_hf(file: HfFile) -> Model:
    """The model of a BPE tokenizer.json.

    Raises:
        NotExpressibleError: the file uses what our encoder does not do; the `tokenizers` library must run it.
    """
    if file.kind != "BPE":
        raise NotExpressibleError(f"a {file.kind} model")
    if file.option("continuing_subword_prefix") or file.option("end_of_word_suffix"):
        raise NotExpressibleError("subword prefix or suffix")
    unit: Unit = "byte" if _has(file.part("pre_tokenizer"), "ByteLevel") else "char"
    scheme = space_runs_of_hf(file.part("normalizer"), file.part("pre_tokenizer")) if unit == "char" else None
    if scheme is None:
        scheme, normalizer = _scheme(file), _normalizer(file)
    else:
        normalizer = None
        _check_space_runs(file)
    _check_decoder(file, scheme, unit)
    specials = _specials(file, normalizer)
    alphabet = _alphabet(file, unit, [text for text, _ in specials])
    model = _build(file, alphabet, scheme, normalizer, specials)
    known = set(model.specials)
    return replace(
        model,
        user_defined=frozenset(token.content for token in file.added if not token.is_special) & known,
        found_normalized=frozenset(token.content for token in file.added if normalizer and token.is_normalized) & known,
    )


def _scheme(file: HfFile) -> str:
    from tokkit.pretokenizers import from_hf

    part = file.part("pre_tokenizer")
    try:
        scheme = from_hf(part)
    except UsageError as error:  # a regex that our engines do not take
        raise NotExpressibleError(error.message) from error
    if scheme is None:
        raise NotExpressibleError(f"pre-tokenizer {part.get('type') if part else None}")
    return scheme


def _check_space_runs(file: HfFile) -> None:
    added = {token.content for token in file.added}
    crossing = next((token for token in file.vocab if _CROSSING.search(token) and token not in added), None)
    if crossing is not None:
        raise NotExpressibleError(f"a token with a space inside: {crossing!r}")
    if _MARKER not in file.vocab:
        raise NotExpressibleError("no token of the space")


def _normalizer(file: HfFile) -> str | None:
    part = file.part("normalizer")
    while part is not None and part.get("type") == "Sequence":
        steps = part.get("normalizers")
        if not isinstance(steps, list) or len(steps) > 1 or not all(isinstance(step, dict) for step in steps):
            raise NotExpressibleError("a sequence of normalizers")
        part = steps[0] if steps else None
    if part is None:
        return None
    name = _NORMALIZERS.get(str(part.get("type")))
    if name is None:
        raise NotExpressibleError(f"normalizer {part.get('type')}")
    return name


def _check_decoder(file: HfFile, scheme: str, unit: Unit) -> None:
    from tokkit.pretokenizers import hf_decoder

    found = file.part("decoder")
    if unit == "byte":
        if found is None or found.get("type") != "ByteLevel":
            raise NotExpressibleError(f"decoder {found.get('type') if found else None} of a byte-level model")
        return
    wanted = hf_decoder(scheme, unit)
    if _core_of(found) != _core_of(wanted):
        raise NotExpressibleError(f"decoder {found.get('type') if found else None}")


def _core_of(decoder: dict[str, object] | None) -> object:
    """The decoder without fields whose absence means the usual."""
    if decoder is None:
        return None
    steps = decoder.get("decoders")
    if isinstance(steps, list):
        return [_core_of(step) if isinstance(step, dict) else step for step in steps]
    return {key: value for key, value in decoder.items() if key not in {"split", "add_prefix_space"}}


def _specials(file: HfFile, normalizer: str | None) -> list[tuple[str, int]]:
    if not all(token.is_plain for token in file.added):
        raise NotExpressibleError("added tokens that eat spaces or want word bounds")
    late = [token.content for token in file.added if token.is_normalized and normalizer is not None]
    early = [token.content for token in file.added if token.content not in set(late)]
    for content in late:
        if normalizer is not None and not NormalForm(normalizer).holds(content):
            raise NotExpressibleError(f"an added token that the normalizer changes: {content!r}")
    # The library looks for the early ones in the whole text first, we for all at once.
    for one in late:
        rival = next((other for other in early if _reaches_into(one, other)), None)
        if rival is not None:
            raise NotExpressibleError(f"added tokens that overlap: {one!r} and {rival!r}")
    return sorted(((token.content, token.id) for token in file.added), key=lambda pair: pair[1])


def _reaches_into(one: str, other: str) -> bool:
    """Whether in some text `one` begins before an `other` that it overlaps."""
    return other in one[1:] or any(other.startswith(one[place:]) for place in range(1, len(one)))


def _alphabet(file: HfFile, unit: Unit, specials: list[str]) -> Alphabet:
    unk = file.option("unk_token")
    if unit == "byte":
        missing = [byte for byte in range(256) if bytes_to_string(bytes([byte])) not in file.vocab]
        if missing and unk is not None:
            raise NotExpressibleError(f"a byte-level vocabulary with an unknown token, without byte 0x{missing[0]:02X}")
        return Alphabet()
    if unk is not None and unk not in specials:
        raise NotExpressibleError("an unknown token that is not special")
    fallback = file.option("byte_fallback") is True
    if fallback and any(byte_token_string(byte) not in file.vocab for byte in range(256)):
        raise NotExpressibleError("byte fallback without all 256 byte tokens")
    return Alphabet(
        unit="char",
        unknown="byte_fallback" if fallback else "drop" if unk is None else "unk",
        unk_token=None if unk is None else str(unk),
        fuse_unk=file.option("fuse_unk") is True,
    )


def _build(
    file: HfFile, alphabet: Alphabet, scheme: str, normalizer: str | None, specials: list[tuple[str, int]]
) -> Model:
    ids = {**file.vocab, **dict(specials)}
    internal: dict[str, int] = {}
    byte_tokens = [byte_token_string(byte) for byte in range(256)] if alphabet.unknown == "byte_fallback" else []
    specials = [(text, number) for text, number in specials if text not in set(byte_tokens)]
    if alphabet.unit == "byte":
        atoms = [text for byte in ATOM_BYTE_ORDER if (text := bytes_to_string(bytes([byte]))) in file.vocab]
    else:
        atoms = sorted(token for token in file.vocab if len(token) == 1)
    for token in (*(text for text, _ in specials), *byte_tokens, *atoms):
        internal.setdefault(token, len(internal))
    n_atoms = len(internal) - len(specials) - len(byte_tokens)
    log = list(_log(file, internal))
    return Model(
        method="bpe",
        pretokenizer=scheme,
        alphabet=alphabet,
        specials=tuple(text for text, _ in specials),
        n_byte_tokens=len(byte_tokens),
        n_atoms=n_atoms,
        tokens=tuple(_bytes(internal, len(specials), len(byte_tokens), alphabet.unit)),
        events=Events.from_list(log),
        layout="hf",
        normalizer=normalizer,
        config={"ignore_merges": True} if file.option("ignore_merges") is True else {},
        ids=np.array([ids[token] for token in internal], np.uint32),
    )


def _log(file: HfFile, internal: dict[str, int]) -> Iterator[Event]:
    """Merges by rank, giving internal ids to what they make; then what no merge makes, by id."""
    for left, right in file.merges:
        # A parent that only a later merge makes still needs its number now.
        for token in (left, right, left + right):
            internal.setdefault(token, len(internal))
        yield Event(Kind.MERGE, internal[left + right], internal[left], internal[right], 0, ())
    for token in sorted(file.vocab, key=file.vocab.__getitem__):
        if token not in internal:
            internal[token] = len(internal)
            yield Event(Kind.ADMIT, internal[token], 0, 0, 0, ())


def _bytes(internal: dict[str, int], n_specials: int, n_byte_tokens: int, unit: Unit) -> Iterator[bytes]:
    for place, token in enumerate(internal):
        if n_specials <= place < n_specials + n_byte_tokens:
            yield bytes([place - n_specials])
        else:
            try:
                yield string_to_bytes(token) if unit == "byte" and place >= n_specials else token.encode()
            except TokenizerError as error:
                raise NotExpressibleError(error.message) from error


def _has(part: dict[str, object] | None, kind: str) -> bool:
    if part is None:
        return False
    steps = part.get("pretokenizers")
    if isinstance(steps, list):
        return any(_has(step, kind) for step in steps if isinstance(step, dict))
    return part.get("type") == kind
