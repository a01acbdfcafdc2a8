"""PEP 517 backend: lays recipes, suites and sample data into the package, then lets maturin build it.

A wheel must hold what `tokkit run` and the quickstart need, but in the repository these files live at the top, where
people look for them. An editable install needs no copy: `tokkit.bundle` finds them beside the package.
"""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import maturin
from maturin import (
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

ROOT = Path(__file__).resolve().parent.parent
# folder at the top -> which of its files go into the wheel
BUNDLED = {"recipes": "**/*", "evals": "*.toml", "data": "**/*"}


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, object] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Builds the wheel with the bundle inside; the name of the file."""
    with bundle(ROOT):
        return str(maturin.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Mapping[str, object] | None = None) -> str:
    """Builds the source archive, which holds the bundled files at their own places; the name of the file."""
    return str(maturin.build_sdist(sdist_directory, config_settings))


@contextlib.contextmanager
def bundle(root: Path) -> Iterator[Path]:
    """`tokkit/_bundle` filled for as long as the block runs: a copy left behind would hide later edits."""
    target = root / "tokkit" / "_bundle"
    shutil.rmtree(target, ignore_errors=True)
    try:
        for folder, pattern in BUNDLED.items():
            for source in sorted((root / folder).glob(pattern)):
                if source.is_file():
                    copy = target / source.relative_to(root)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, copy)
        yield target
    finally:
        shutil.rmtree(target, ignore_errors=True)
