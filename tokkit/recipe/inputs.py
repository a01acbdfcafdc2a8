"""The files that a recipe reads; `data:` means the data that ship with tokkit."""

from pathlib import Path

from tokkit import bundle
from tokkit.corpus import SourceSpec, expand
from tokkit.recipe.schema import Recipe

SHIPPED = "data:"


def resolve(path: str) -> str:
    """The path itself, or of `data:books/x.txt` the file that ships with tokkit, wherever it is installed."""
    return str(bundle.folder("data") / path.removeprefix(SHIPPED)) if path.startswith(SHIPPED) else path


def resolved_sources(recipe: Recipe) -> list[SourceSpec]:
    """The sources with paths that can be opened."""
    return [source.model_copy(update={"path": resolve(source.path)}) for source in recipe.sources]


def input_files(recipe: Recipe) -> list[Path]:
    """All files that will be counted, or the table of counts, in the order of the sources.

    Raises:
        InputError: a source names no file.
    """
    if recipe.counts is not None:
        return [Path(resolve(recipe.counts))]
    return [path for source in resolved_sources(recipe) if not _is_stream(source.path) for path in expand(source.path)]


def streams(recipe: Recipe) -> list[str]:
    """The sources that can be read only once, or only from afar."""
    return [source.path for source in recipe.sources if _is_stream(source.path)]


def _is_stream(path: str) -> bool:
    return path == "-" or "://" in path
