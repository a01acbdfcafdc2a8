"""What an encoder is built from: the one argument of the compiled encoder and of its pure-Python twin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokenizerError
from tokkit.model.model import Model, Unit
from tokkit.model.program import exact_program, ghost_merges, is_plain
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids, token_bytes

MODES: Final = (
    "merge",
    "vocab_rank",
    "longest_prefix",
    "longest_suffix",
    "longest_token",
    "least_tokens",
    "likelihood",
)
"""The rules by which any vocabulary can read a pretoken."""

INFERENCES: Final = ("exact", *MODES, "greedy", "ghost")
"""What a model can be asked to be read by. `exact`: what its log means. `greedy`: longest prefix over the final
vocabulary. `ghost`: merges by rank, tokens that left the vocabulary keep ids. The last two are files of other programs
that are exact for themselves."""

_RULES: Final = {"greedy": "longest_prefix", "ghost": "merge"}


@dataclass(frozen=True)
class EncoderTables:
    """A vocabulary in output ids and the rule that reads it.

    `tokens[i]` has the id `ids[i]` (uint32 [n]); of equal tokens the first is what text yields. `merges` is (left,
    right, result) uint32 [k, 3] in rank order, for `inference="merge"`; `scores` float64 [n] are log probabilities for
    `"likelihood"`, not finite where a token may not be used. An atom that is no token becomes `byte_ids` (uint32
    [256], NOT_IN_VOCAB for a missing one), else `unk_id` (neighbours fused if `fuse_unk`), else it vanishes.
    `log` is a `Program` for `"exact"` (uint32, see `Program.flat`), its merges are `merges`.
    `ignore_merges`: a pretoken that is a token becomes it, whatever the merges say. `specials` are found in text only
    where a caller allows it, those in `user_defined` always; those in `found_normalized` in the normalised text.
    """

    tokens: tuple[bytes, ...]
    ids: NDArray[np.uint32]
    merges: NDArray[np.uint32] = field(default_factory=lambda: np.zeros((0, 3), np.uint32))
    pretokenizer: str = "none@1"
    unit: Unit = "byte"
    inference: str = "merge"
    unk_id: int | None = None
    fuse_unk: bool = False
    byte_ids: NDArray[np.uint32] | None = None
    prefix: str = ""
    suffix: str = ""
    ignore_merges: bool = False
    scores: NDArray[np.float64] | None = None
    specials: Mapping[str, int] = field(default_factory=dict)
    normalizer: str | None = None
    log: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    user_defined: frozenset[str] = frozenset()
    found_normalized: frozenset[str] = frozenset()

    @property
    def reserved(self) -> frozenset[int]:
        """Ids that no spelling yields except by a merge: specials, the unknown token, byte tokens."""
        bytes_ = [] if self.byte_ids is None else self.byte_ids.tolist()
        unknown = [] if self.unk_id is None else [self.unk_id]
        return frozenset([*self.specials.values(), *bytes_, *unknown])

    @classmethod
    def from_model(cls, model: Model) -> "EncoderTables":
        """The final vocabulary of a model, with its merges in the order of the log.

        Raises:
            TokenizerError: `inference` is `merge` and the log takes tokens out again.
        """
        if model.inference not in INFERENCES:
            raise TokenizerError(f"unknown inference, got `{model.inference}`", hint="one of: " + ", ".join(INFERENCES))
        rule = _RULES.get(model.inference, model.inference)
        if rule == "exact" and is_plain(model):
            rule = "merge"
        program = exact_program(model) if rule == "exact" else None
        ids = output_ids(model)
        spelled = token_bytes(model)
        # Atoms and made tokens first: a byte token `<0x61>` and the character `a` have the same bytes.
        places = [*range(model.first_atom, len(spelled)), *range(model.first_atom)]
        present = [place for place in places if ids[place] != NOT_IN_VOCAB]
        special_ids = {text: int(ids[place]) for place, text in enumerate(model.specials)}
        alphabet = model.alphabet
        has_bytes = alphabet.unknown == "byte_fallback" and model.n_byte_tokens == 256
        return cls(
            tokens=tuple(spelled[place] for place in present),
            ids=ids[present],
            merges=_merges(model, ids, rule) if program is None else program.merges,
            log=np.zeros(0, np.uint32) if program is None else program.flat(),
            pretokenizer=model.pretokenizer,
            unit=alphabet.unit,
            inference=rule,
            unk_id=None if alphabet.unk_token is None else special_ids.get(alphabet.unk_token),
            fuse_unk=alphabet.fuse_unk,
            byte_ids=ids[model.n_specials : model.first_atom] if has_bytes else None,
            prefix=alphabet.prefix,
            suffix=alphabet.suffix,
            ignore_merges=bool(model.config.get("ignore_merges", False)),
            scores=None if model.scores is None else np.asarray(model.scores, np.float64)[present],
            specials=special_ids,
            normalizer=model.normalizer,
            user_defined=model.user_defined,
            found_normalized=model.found_normalized,
        )


def _merges(model: Model, ids: NDArray[np.uint32], rule: str) -> NDArray[np.uint32]:
    if rule != "merge":
        return np.zeros((0, 3), np.uint32)
    if model.inference == "merge" and not is_plain(model):
        raise TokenizerError(
            "the log takes tokens out again: merges alone do not say how to encode",
            hint="choose another inference: " + ", ".join(name for name in INFERENCES if name != "merge"),
        )
    merges = ghost_merges(model) if model.inference == "ghost" else model.events.merges()
    rows = ids[merges].reshape(-1, 3)
    return np.ascontiguousarray(rows[(rows != NOT_IN_VOCAB).all(axis=1)])
