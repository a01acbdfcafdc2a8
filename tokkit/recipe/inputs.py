"""The files that a recipe reads; `data:` means the data that ship with tokkit."""

import os
from pathlib import Path

from tokkit import bundle
from tokkit.corpus import SourceSpec, read
from tokkit.corpus.read import Source
from tokkit.recipe.schema import Recipe

SHIPPED = "data:"


def resolve(path: str) -> str:
    """The path itself, or of `data:books/x.txt` the file that ships with tokkit, wherever it is installed."""
    return str(bundle.folder("data") / path.removeprefix(SHIPPED)) if path.startswith(SHIPPED) else path


def spelled(path: str) -> str:
    """`resolve` undone, so that what is recorded doesn't tell where tokkit is installed."""
    root = f"{bundle.folder('data')}{os.sep}"
    return SHIPPED + Path(path.removeprefix(root)).as_posix() if path.startswith(root) else path


def resolved_sources(recipe: Recipe) -> list[Source]:
    """The sources with paths that can be opened."""
    return [source.model_copy(update={"path": resolve(source.path)}) for source in recipe.sources]


def input_files(recipe: Recipe) -> list[Path]:
    """All local files that will be counted, or the table of counts, in the order of the sources.

    Raises:
        InputError: a source names no file.
    """
    if recipe.counts is not None:
        return [Path(resolve(recipe.counts))]
    return [file for path in _single_paths(recipe) if not is_stream(path) for file in local_files(path)]


def streams(recipe: Recipe) -> list[str]:
    """The sources that can be read only once, or only from afar, in `@list` files too."""
    return [] if recipe.counts is not None else [path for path in _single_paths(recipe) if is_stream(path)]


def _single_paths(recipe: Recipe) -> list[str]:
    """Every file or stream that the sources name: folders, globs and lists taken apart."""
    return [source.path for source in read(resolved_sources(recipe)).sources if isinstance(source, SourceSpec)]


def local_files(name: str) -> list[Path]:
    """The file itself; of a folder (`datasets` keeps data sets in folders) all files."""
    path = Path(name)
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def is_stream(path: str) -> bool:
    """Whether this can be read only once, or only from afar."""
    return path == "-" or "://" in path
