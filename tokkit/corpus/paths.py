"""Turns what the user named (files, folders, globs, @lists, data set ids) into single sources in a fixed order."""

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from tokkit.corpus.report import CorpusReport
from tokkit.corpus.spec import Format, SourceOptions, SourceSpec
from tokkit.errors import InputError

FORMATS: dict[str, Format] = {
    ".txt": "text", ".text": "text", ".md": "text", ".raw": "text",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv",
    ".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
}  # fmt: skip
COMPRESSED_SUFFIXES = {".gz", ".zst", ".zstd", ".bz2", ".xz"}
HUB = "hf://datasets/"


def resolve(spec: SourceSpec, report: CorpusReport) -> Iterator[SourceSpec]:
    """The single sources that `spec.path` names, sorted, each with its format set.

    A folder is read recursively; files in it of an unknown kind are left out and reported. Paths in an `@list` (one a
    line, `#` starts a comment line) count from the list's folder.

    Raises:
        InputError: nothing is there.
    """
    path = spec.path
    if path.startswith(HUB):
        yield _with(spec, path, spec.format or "dataset")
    elif path == "-" or "://" in path:
        yield _with(spec, path, spec.format or format_of(path) or "text")
    elif path.startswith("@") and not os.path.exists(path):
        yield from _from_list(spec, report)
    elif os.path.isdir(path):  # of `os`, which take a whole text for a path that is not there
        yield from _from_folder(spec, report)
    elif os.path.exists(path):
        yield _with(spec, path, spec.format or format_of(path) or "text")
    elif glob.has_magic(path):
        yield from _from_glob(spec)
    else:
        raise InputError(
            f"{path[:200]}: no such file or folder",
            hint="a list of str is a list of paths; wrap texts in tokkit.corpus.texts(...)",
        )


def format_of(path: str) -> Format | None:
    """The format that a file's name tells, compression suffix or not."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes[-2:]]
    if suffixes and suffixes[-1] in COMPRESSED_SUFFIXES:
        suffixes.pop()
    return FORMATS.get(suffixes[-1]) if suffixes else None


def is_dataset_folder(path: str) -> bool:
    """Whether `datasets.save_to_disk` wrote this folder."""
    names = ("dataset_dict.json", "state.json")
    return any((Path(path) / name).is_file() for name in names)


def _with(spec: SourceSpec, path: str, kind: Format) -> SourceSpec:
    return spec.model_copy(update={"path": path, "format": kind})


def _from_list(spec: SourceSpec, report: CorpusReport) -> Iterator[SourceSpec]:
    file = Path(spec.path[1:])
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"{file}: no such file list") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot read the file list: {error}") from error
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not names:
        raise InputError(f"{file}: the file list is empty")
    for name in names:
        if name.startswith("@"):
            raise InputError(f"{file}: a file list cannot name another list, got {name}")
        path = name if "://" in name else os.path.normpath(file.parent / name)
        yield from resolve(spec.model_copy(update={"path": path}), report)


def _from_folder(spec: SourceSpec, report: CorpusReport) -> Iterator[SourceSpec]:
    if is_dataset_folder(spec.path):
        yield _with(spec, spec.path, "dataset")
        return
    found = 0
    for folder, folders, files in os.walk(spec.path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = str(Path(folder, name))
            kind = spec.format or format_of(path)
            if name.startswith(".") or kind is None:
                report.skipped["file of an unknown kind in a folder"] += 1
                report.warn(f"{path}: left out, its kind is not known by its name")
                continue
            found += 1
            yield _with(spec, path, kind)
    if not found:
        raise InputError(f"{spec.path}: no file of a known kind in this folder", hint="known: " + " ".join(FORMATS))


def _from_glob(spec: SourceSpec) -> Iterator[SourceSpec]:
    paths = sorted(path for path in glob.glob(spec.path, recursive=True) if not Path(path).is_dir())
    if not paths:
        raise InputError(f"{spec.path[:200]}: no file matches")
    for path in paths:
        yield _with(spec, path, spec.format or format_of(path) or "text")


def as_spec(path: str | os.PathLike[str], options: SourceOptions) -> SourceSpec:
    """A spec for a path that was given without one."""
    return SourceSpec(path=os.fspath(path), **options.model_dump(include=set(SourceOptions.model_fields)))
