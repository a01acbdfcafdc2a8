"""How faithful the exports of a model are, measured on its training counts before they are written."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tokkit.errors import TokenizerError
from tokkit.export.fidelity import Fidelity
from tokkit.export.measure import measure
from tokkit.export.sample import N_CHECKED, Sample, checkable
from tokkit.model.model import Model
from tokkit.progress import Progress

if TYPE_CHECKING:
    from tokkit.counts import CountTable

N_ASKED = 2_000
"""Runs of words that the carried loader of a whole-word superword model is asked about: in Python, 500 a second."""


def measured_fidelity(
    model: Model, exports: Sequence[str], counts: "CountTable", progress: Progress, *, whole: bool = False
) -> dict[str, Fidelity]:
    """Export name -> fidelity over the table, pretokens too long for other programs left out (`export.sample`).

    A plain merge list in HF's format is exact by construction: it is checked on a sample, whose size `Fidelity` tells,
    unless `whole`.
    Left out are exports that cannot hold the model, and those that no library at hand reads back: they are exact by
    construction.
    """
    measured = {}
    for name in exports:
        is_exact = name == "hf" and model.inference == "merge"
        at_most = N_CHECKED if is_exact else None
        if model.inference == "boundless":
            at_most = N_ASKED
        sample = checkable(counts, at_most=None if whole else at_most)
        try:
            figure = measure(model, name, _reported(sample, progress))
        except TokenizerError:
            continue
        if figure is not None:
            measured[name] = replace(figure, of_distinct=sample.of_distinct, of_mass=sample.of_mass)
    return measured


def _reported(sample: Sample, progress: Progress) -> Iterable[tuple[bytes, int]]:
    total = len(sample)
    for index, row in enumerate(sample):
        if index % 20_000 == 0:
            progress("check export", index, total)
        yield row
