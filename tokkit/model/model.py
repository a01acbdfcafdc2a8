"""A trained vocabulary: alphabet, specials, tokens and the events that made them."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tokkit.model.events import Events, Kind

Unit = Literal["byte", "char"]
Unknown = Literal["byte_fallback", "unk", "drop"]
Layout = Literal["tokkit", "hf", "sentencepiece"]


@dataclass(frozen=True)
class Alphabet:
    """What a pretoken is made of before the first merge.

    unit "byte": the 256 bytes. unit "char": Unicode characters (UTF-8); those outside the alphabet are spelled in
    byte tokens `<0xNN>` ("byte_fallback"), become `unk_token` ("unk"), or vanish ("drop", as HF does without unk).
    `prefix` marks every atom but a pretoken's first, `suffix` its last (HF continuing_subword_prefix and
    end_of_word_suffix); both are part of a token's bytes.
    """

    unit: Unit = "byte"
    unknown: Unknown = "drop"
    unk_token: str | None = None
    fuse_unk: bool = False
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True)
class Model:
    """A vocabulary and the log that made it; ids here are internal ids.

    Internal ids: special tokens in the order given, then (char unit with byte fallback) the 256 byte tokens,
    then atoms (byte unit: in the order of HF's byte-to-unicode code points; char unit: by code point), then tokens
    in the order in which events made them. Ids that a user sees come from `tokkit.model.vocab.output_ids`; `ids`
    (uint32 [len(tokens)]) gives them outright where a file brought its own, and then `layout` does not count.

    Of the special tokens, those in `user_defined` count in every text (HF: added tokens that are not special;
    sentencepiece: user-defined symbols), the others where a caller allows them. Those in `found_normalized` are found
    in the text as the normalizer leaves it, the others in the text as it is given.
    """

    method: str
    pretokenizer: str
    alphabet: Alphabet
    specials: tuple[str, ...]
    n_byte_tokens: int
    n_atoms: int
    tokens: tuple[bytes, ...]
    events: Events
    layout: Layout = "tokkit"
    inference: str = "merge"
    normalizer: str | None = None
    scores: NDArray[np.float64] | None = None
    ids: NDArray[np.uint32] | None = None
    exhausted: bool = False
    config: dict[str, object] = field(default_factory=dict)
    user_defined: frozenset[str] = frozenset()
    found_normalized: frozenset[str] = frozenset()

    @property
    def n_specials(self) -> int:
        """Number of special tokens; they have the internal ids 0 .. n_specials - 1."""
        return len(self.specials)

    @property
    def first_atom(self) -> int:
        """Internal id of the first atom."""
        return self.n_specials + self.n_byte_tokens

    @property
    def first_made(self) -> int:
        """Internal id of the first token that an event made."""
        return self.first_atom + self.n_atoms

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Which tokens are in the vocabulary at the end of the log; bool [len(tokens)]."""
        alive = np.ones(len(self.tokens), np.bool_)
        # A token that occurs again is assigned again, in order: its last event decides.
        alive[self.events.token] = np.isin(self.events.kind, (Kind.MERGE, Kind.ADMIT, Kind.UNFLAG))
        return alive
