"""How much shorter hypertokens make sequences: by source, document length, codebook size and phrase length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tokkit import _core
from tokkit.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Policy = Literal["freeze", "reset", "lru"]
_DASHES: Final = ("solid", "dashed", "dotted", "dashdot")


@dataclass(frozen=True)
class Reduction:
    """One measurement; `n_ids` base ids became `n_codes` codes in `n_rows` rows, each with a book of its own."""

    source: str
    length: int | None
    codebook_size: int
    max_subtokens: int
    policy: Policy
    n_rows: int
    n_ids: int
    n_codes: int

    @property
    def share(self) -> float:
        """Share of the sequence that is saved; 0 for no ids."""
        return 1 - self.n_codes / self.n_ids if self.n_ids else 0.0

    def to_json(self) -> dict[str, object]:
        """The figures by name."""
        return {**self.__dict__, "reduction": self.share}


def reduction(
    sources: Mapping[str, Sequence[NDArray[np.uint32]]],
    *,
    initial_vocab_size: int,
    lengths: Sequence[int | None] = (1024, 4096, 16384),
    codebook_sizes: Sequence[int] = (2048,),
    max_subtokens: Sequence[int] = (4,),
    policy: Policy = "freeze",
    disabled_ids: Sequence[int] = (),
    threads: int = 0,
) -> list[Reduction]:
    """Encodes the documents of each source, base ids below `initial_vocab_size`, in every combination.

    `lengths`: a source's documents are put end to end and cut in rows of that many ids, shorter rests are left out
    unless there is nothing else; None takes the documents as they are.

    Raises:
        InputError: an id that is none. UsageError: sizes that cannot work.
    """
    found = []
    for (source, documents), length in product(sources.items(), lengths):
        flat = np.concatenate(documents) if documents else np.zeros(0, np.uint32)
        offsets = _offsets(documents, len(flat), length)
        used = flat[: int(offsets[-1])]
        rows = _core.HyperRows(used.tobytes(), offsets.tobytes())
        for size, longest in product(codebook_sizes, max_subtokens):
            codec = _core.HyperCodec(initial_vocab_size, size, longest, list(disabled_ids), policy)
            codes, _ = codec.encode_batch(rows, with_books=False, threads=threads)
            n_codes = len(codes.ids()) // 4
            found.append(Reduction(source, length, size, longest, policy, len(rows), len(used), n_codes))
    return found


def _offsets(documents: Sequence[NDArray[np.uint32]], n: int, length: int | None) -> NDArray[np.uint64]:
    if length is None:
        ends = np.zeros(len(documents) + 1, np.uint64)
        np.cumsum([len(document) for document in documents], out=ends[1:])
        return ends
    return np.arange(0, n + 1, length, dtype=np.uint64) if n >= length else np.array([0, n], np.uint64)


def table(rows: Sequence[Reduction]) -> str:
    """The measurements as aligned text."""
    head = ("source", "length", "codebook", "subtokens", "rows", "ids", "codes", "reduction")
    cells = [
        (
            row.source,
            "document" if row.length is None else str(row.length),
            str(row.codebook_size),
            str(row.max_subtokens),
            str(row.n_rows),
            str(row.n_ids),
            str(row.n_codes),
            f"{row.share:.1%}",
        )
        for row in rows
    ]
    widths = [max(len(line[place]) for line in [head, *cells]) for place in range(len(head))]
    lines = []
    for line in [head, *cells]:
        first, *others = (
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)


def markdown(rows: Sequence[Reduction]) -> str:
    """The measurements as tables in Markdown, one a codebook size, with a column a source."""
    sources = list(dict.fromkeys(row.source for row in rows))
    shares = {(row.codebook_size, row.length, row.max_subtokens, row.source): row.share for row in rows}
    parts = []
    for size in dict.fromkeys(row.codebook_size for row in rows):
        head = ["ids in a row", "most ids in a hypertoken", *_names(sources)]
        lines = [f"## Codebook of {size:,}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        for length, longest in dict.fromkeys((row.length, row.max_subtokens) for row in rows):
            cells = ["document" if length is None else f"{length:,}", str(longest)]
            cells += [f"{shares[size, length, longest, source]:.1%}" for source in sources]
            lines.append("| " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _names(sources: Sequence[str]) -> list[str]:
    """Files without folder and ending, unless two would be the same."""
    stems = [Path(source).stem for source in sources]
    return stems if len(set(stems)) == len(stems) else list(sources)


def draw(rows: Sequence[Reduction], path: Path) -> None:
    """Draws reduction over row length: a panel a codebook size, a colour a source, a dash a phrase length.

    Raises:
        MissingExtraError: without matplotlib. ResourceError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            "matplotlib is needed to draw", hint="pip install 'tokkit[report]', or leave --picture out"
        ) from None
    from tokkit.atomic import atomic_file

    sizes = sorted({row.codebook_size for row in rows})
    sources = list(dict.fromkeys(row.source for row in rows))
    names_of = dict(zip(sources, _names(sources), strict=True))
    phrases = sorted({row.max_subtokens for row in rows})
    figure = Figure(figsize=(4.5 * max(1, len(sizes)), 3.6), layout="constrained")
    axes: list[Axes] = list(figure.subplots(1, max(1, len(sizes)), sharey=True, squeeze=False)[0])
    for axis, size in zip(axes, sizes, strict=False):
        chosen = [row for row in rows if row.codebook_size == size]
        for source, longest in dict.fromkeys((row.source, row.max_subtokens) for row in chosen):
            points = [row for row in chosen if (row.source, row.max_subtokens) == (source, longest)]
            names = ["document" if row.length is None else str(row.length) for row in points]
            axis.plot(
                names,
                [100 * row.share for row in points],
                marker="o",
                markersize=3,
                color=f"C{sources.index(source) % 10}",
                linestyle=_DASHES[phrases.index(longest) % len(_DASHES)],
                label=f"{names_of[source]}, {longest} subtokens",
            )
        axis.set_title(f"codebook of {size}")
        axis.set_xlabel("base ids in a row")
    axes[0].set_ylabel("shorter by, %")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize="x-small", loc="outside right center")
    with atomic_file(path, overwrite=True) as temporary:
        figure.savefig(
            temporary,
            format=path.suffix.lstrip(".") or "png",
            metadata={"Date": None} if path.suffix == ".svg" else None,
        )
