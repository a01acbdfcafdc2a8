"""How faithful the exports of a model are, measured on its training counts before they are written."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.fidelity import Fidelity, fidelity
from tokkit.model.model import Model
from tokkit.progress import Progress

if TYPE_CHECKING:
    from tokkit.counts import CountTable

# Exports that a program at hand can read back; the others are exact by construction or refused.
_MEASURABLE = {"hf": "tokenizer.json"}


def measured_fidelity(
    model: Model, exports: Sequence[str], counts: "CountTable", progress: Progress
) -> dict[str, Fidelity]:
    """Export name -> fidelity over the whole table; exports that cannot hold the model are left out."""
    measured = {}
    for name in exports:
        if name not in _MEASURABLE:
            continue
        with tempfile.TemporaryDirectory(prefix="tokkit-") as folder:
            try:
                EXPORTERS.get(name)(model, Path(folder))
            except TokenizerError:
                continue
            measured[name] = fidelity(model, Path(folder) / _MEASURABLE[name], _reported(counts, progress))
    return measured


def _reported(counts: "CountTable", progress: Progress) -> Iterable[tuple[bytes, int]]:
    total = len(counts)
    for index, row in enumerate(counts):
        if index % 20_000 == 0:
            progress("check export", index, total)
        yield row
