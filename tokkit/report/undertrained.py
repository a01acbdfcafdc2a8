"""Under-trained tokens: how often each token of a vocabulary comes out of a text, table and picture.

A token that a model hardly meets in training has an embedding that nobody taught; Picky BPE and Scaffold-BPE exist to
have fewer of them (Chizhov et al., 2024; Lian et al., 2025).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from tokkit.counts import CountTable
    from tokkit.model.tokenizer import Tokenizer

BOUNDS: Final = (1, 5, 20, 100)


@dataclass(frozen=True)
class Uses:
    """Uses of every token but the specials in one text, ascending; uint64 [tokens]. `text_bytes` is of the table."""

    name: str
    uses: NDArray[np.uint64]
    ids: NDArray[np.uint32]
    text_bytes: int

    @property
    def n_tokens(self) -> int:
        """Tokens that the text became."""
        return int(self.uses.sum())

    def below(self, bound: int) -> int:
        """Tokens of the vocabulary with fewer uses."""
        return int(np.searchsorted(self.uses, np.uint64(bound)))


def count_uses(name: str, tokenizer: "Tokenizer", counts: "CountTable") -> Uses:
    """Encodes every distinct pretoken of the table once.

    Raises:
        UsageError: the table was cut by another pre-tokenizer.
    """
    from dataclasses import replace

    from tokkit.model.tokenizer import Tokenizer

    if counts.pretokenizer != tokenizer.pretokenizer:
        raise UsageError(f"{name}: cuts by {tokenizer.pretokenizer}, the counts were cut by {counts.pretokenizer}")
    bare = Tokenizer(replace(tokenizer.tables, pretokenizer="none@1"))
    by_id = np.zeros(bare.vocab_size, np.uint64)
    size = 0
    for pretoken, count in counts:
        size += len(pretoken) * count
        for token in bare.encode_bytes(pretoken):
            by_id[token] += np.uint64(count)
    specials = set(tokenizer.specials.values())
    ids = np.array([token for token in bare.ids if token not in specials], np.uint32)
    order = np.argsort(by_id[ids], kind="stable")
    return Uses(name, by_id[ids][order], ids[order], size)


def table(rows: Sequence[Uses], bounds: Sequence[int] = BOUNDS) -> str:
    """One line a tokenizer: tokens used less often than each bound, tokens of the text, bytes per token."""
    head = [
        "tokenizer",
        "vocabulary",
        *(f"< {bound}" if bound > 1 else "unused" for bound in bounds),
        "tokens",
        "bytes/token",
    ]
    lines = [
        [row.name, f"{len(row.uses):,}", *(f"{row.below(bound):,}" for bound in bounds), f"{row.n_tokens:,}",
         f"{row.text_bytes / max(1, row.n_tokens):.4f}"]
        for row in rows
    ]  # fmt: skip
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    aligned = [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in [head, *lines]
    ]
    return "\n".join(aligned)


def to_json(rows: Sequence[Uses], bounds: Sequence[int] = BOUNDS) -> list[dict[str, object]]:
    """The same as data."""
    return [
        {
            "tokenizer": row.name,
            "vocabulary": len(row.uses),
            "below": {str(bound): row.below(bound) for bound in bounds},
            "tokens": row.n_tokens,
            "bytes_per_token": row.text_bytes / max(1, row.n_tokens),
        }
        for row in rows
    ]


def picture(rows: Sequence[Uses], path: Path, *, bound: int = 5) -> None:
    """Writes a picture: uses of each token, rarest first, with a line at `bound`; the ending of `path` says the format.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib is needed for pictures", hint="pip install 'tokkit[report]'") from error
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for row in rows:
        axes.plot(np.arange(1, len(row.uses) + 1), row.uses + np.uint64(1), label=f"{row.name}: {row.below(bound):,}")
    axes.axhline(bound, color="grey", linewidth=0.8, linestyle="--")
    axes.set(xscale="log", yscale="log", xlabel="tokens, rarest first", ylabel="uses in the text + 1")
    axes.legend(title=f"tokens with fewer than {bound} uses")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def measured(tokenizers: "Mapping[str, Tokenizer]", tables: "Mapping[str, CountTable]") -> list[Uses]:
    """`count_uses` of each tokenizer on the table of its own pre-tokenizer."""
    return [count_uses(name, tokenizer, tables[tokenizer.pretokenizer]) for name, tokenizer in tokenizers.items()]
