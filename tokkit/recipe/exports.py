"""How faithful the exports of a model are, measured on its training counts before they are written."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tokkit.errors import TokenizerError
from tokkit.export.fidelity import Fidelity
from tokkit.export.measure import measure
from tokkit.model.model import Model
from tokkit.progress import Progress

if TYPE_CHECKING:
    from tokkit.counts import CountTable


def measured_fidelity(
    model: Model, exports: Sequence[str], counts: "CountTable", progress: Progress
) -> dict[str, Fidelity]:
    """Export name -> fidelity over the whole table.

    Left out are exports that cannot hold the model, and those that no library at hand reads back: they are exact by
    construction.
    """
    measured = {}
    for name in exports:
        try:
            figure = measure(model, name, _reported(counts, progress))
        except TokenizerError:
            continue
        if figure is not None:
            measured[name] = figure
    return measured


def _reported(counts: "CountTable", progress: Progress) -> Iterable[tuple[bytes, int]]:
    total = len(counts)
    for index, row in enumerate(counts):
        if index % 20_000 == 0:
            progress("check export", index, total)
        yield row
