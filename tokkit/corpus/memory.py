"""Reads texts from a Python iterable."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tokkit.corpus.batch import Batch, gather
from tokkit.corpus.report import CorpusReport
from tokkit.corpus.spec import SourceOptions
from tokkit.corpus.utf8 import encode
from tokkit.errors import InputError


@dataclass(frozen=True)
class Texts:
    """An iterable of texts, so that a list of them is not taken for a list of paths."""

    items: Iterable[str]
    name: str = "iterable"


def texts(items: Iterable[str], *, name: str = "iterable") -> Texts:
    """Marks `items` as texts, one sequence an item (as in Hugging Face `train_from_iterator`)."""
    return Texts(items, name)


def read_texts(source: Texts, options: SourceOptions, report: CorpusReport) -> Iterator[Batch]:
    """Batches of the items. An exception of the iterable passes as it is, with a note of the item's index.

    Raises:
        InputError: an item is not a str, or holds a lone surrogate; names its index.
    """
    return gather(_encoded(source, options, report), options.weight)


def _encoded(source: Texts, options: SourceOptions, report: CorpusReport) -> Iterator[bytes]:
    for index, item in enumerate(_noted(source)):
        if not isinstance(item, str):
            raise InputError(
                f"{source.name}: item {index} is {type(item).__name__}, expected str",
                hint="decode bytes first, leave None out; lists of texts must be flattened",
            )
        encoded = encode(item, options.invalid_utf8, f"{source.name}: item {index}", report)
        if encoded is not None:
            yield encoded


def _noted(source: Texts) -> Iterator[object]:
    items = iter(source.items)
    index = 0
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except Exception as error:
            error.add_note(f"raised by {source.name} at item {index}")
            raise
        yield item
        index += 1
