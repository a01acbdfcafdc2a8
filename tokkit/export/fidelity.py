"""How much of the training mass an exported file encodes as the model itself does: measured, not promised."""

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tokkit.errors import GateError, TokenizerError
from tokkit.model.model import Model
from tokkit.model.vocab import bytes_to_string

if TYPE_CHECKING:
    from collections.abc import Iterable

    import tokenizers

_BATCH: Final = 20_000
_EXAMPLES: Final = 10


@dataclass(frozen=True)
class Fidelity:
    """Distinct pretokens and their mass (occurrences), and how much of each gets the same ids.

    `skipped` counts pretokens that the file's program cannot be asked about (not UTF-8, character unit); they count
    as different. `examples` are the first pretokens that differ. `of_distinct` and `of_mass` are those of the whole
    table where only a part of it was checked (see `tokkit.export.sample`).
    """

    distinct: int
    mass: int
    same_distinct: int
    same_mass: int
    skipped: int = 0
    examples: tuple[bytes, ...] = field(default=())
    of_distinct: int | None = None
    of_mass: int | None = None

    @property
    def distinct_share(self) -> float:
        """Share of distinct pretokens with identical ids; 1.0 for an empty table."""
        return self.same_distinct / self.distinct if self.distinct else 1.0

    @property
    def mass_share(self) -> float:
        """Share of occurrences with identical ids; 1.0 for an empty table."""
        return self.same_mass / self.mass if self.mass else 1.0

    @property
    def is_exact(self) -> bool:
        """Whether every pretoken gets identical ids."""
        return self.same_distinct == self.distinct

    def to_json(self) -> dict[str, object]:
        """The figures for a manifest."""
        return {
            "distinct": self.distinct,
            "mass": self.mass,
            "of_distinct": self.distinct if self.of_distinct is None else self.of_distinct,
            "of_mass": self.mass if self.of_mass is None else self.of_mass,
            "same_distinct": self.same_distinct,
            "same_mass": self.same_mass,
            "skipped": self.skipped,
            "mass_share": self.mass_share,
        }


def fidelity(
    model: Model,
    exported: "Path | tokenizers.Tokenizer",
    counts: "Iterable[tuple[bytes, int]]",
    *,
    min_fidelity: float = 0.0,
) -> Fidelity:
    """Encodes every distinct pretoken with a tokenizer.json through `tokenizers` and with our exact encoder.

    `counts` yields (pretoken, count), as a CountTable does. The pre-tokenizers of both sides are left out, since the
    table holds what they make.

    Raises:
        GateError: less than `min_fidelity` of the mass is identical.
        TokenizerError: the file cannot be read by `tokenizers`.
    """
    from dataclasses import replace

    from tokkit.model.tokenizer import Tokenizer

    ours = Tokenizer.from_model(replace(model, pretokenizer="none@1"))
    theirs = _bare(exported)
    is_byte = model.alphabet.unit == "byte"
    distinct = mass = same_distinct = same_mass = skipped = 0
    examples: list[bytes] = []
    rows = iter(counts)
    while batch := list(islice(rows, _BATCH)):
        texts = [_text(pretoken, is_byte=is_byte) for pretoken, _ in batch]
        encoded = iter(theirs.encode_batch([text for text in texts if text is not None], add_special_tokens=False))
        for (pretoken, count), text in zip(batch, texts, strict=True):
            distinct += 1
            mass += count
            skipped += text is None
            if text is not None and next(encoded).ids == ours.encode_bytes(pretoken):
                same_distinct += 1
                same_mass += count
            elif len(examples) < _EXAMPLES:
                examples.append(pretoken)
    result = Fidelity(distinct, mass, same_distinct, same_mass, skipped, tuple(examples))
    if result.mass_share < min_fidelity:
        raise GateError(
            f"the exported file keeps {result.mass_share:.4%} of the training mass, {min_fidelity:.4%} is asked",
            hint=f"first difference: {examples[0]!r}; choose another export, or lower --min-fidelity",
        )
    return result


def _bare(exported: "Path | tokenizers.Tokenizer") -> "tokenizers.Tokenizer":
    import tokenizers

    if isinstance(exported, Path):
        try:
            exported = tokenizers.Tokenizer.from_file(str(exported))
        except Exception as error:  # the library raises bare Exception for every fault of a file
            raise TokenizerError(f"{exported}: `tokenizers` cannot read it: {error}") from error
    return tokenizers.Tokenizer(exported.model)


def _text(pretoken: bytes, *, is_byte: bool) -> str | None:
    if is_byte:
        return bytes_to_string(pretoken)
    try:
        return pretoken.decode()
    except UnicodeDecodeError:
        return None
