"""The lock file: the recipe with every default written out, and what it was run on."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokkit import __version__
from tokkit.errors import InputError
from tokkit.recipe import toml
from tokkit.recipe.digest import FileDigest
from tokkit.recipe.schema import FORMAT, Recipe, lasting

_HEAD = """\
# Written by tokkit {version}: the recipe of this folder with all defaults, and the digests of what it read.
# `tokkit run recipe.lock.toml -o COPY` makes the same files again, and stops if an input has changed.
"""


def lock_table(
    recipe: Recipe, inputs: Sequence[FileDigest], *, counts_digest: str, pretokenizer: str
) -> dict[str, Any]:
    """The resolved recipe as a table; holds nothing of time, place or machine but the paths as given.

    `counts_digest` and `pretokenizer` are those of the table that was counted or given.
    """
    corpus: dict[str, Any] = lasting(recipe.counting)
    if recipe.counts is None:
        corpus["sources"] = [source.model_dump(mode="json") for source in recipe.sources]
    else:
        corpus["counts"] = recipe.counts
    table: dict[str, Any] = {
        "recipe": FORMAT,
        "corpus": corpus,
        "pretokenizer": {"name": pretokenizer},
        "train": {"method": recipe.method, **lasting(recipe.training)},
        "roles": dict(recipe.roles),
        "export": [step.model_dump(mode="json") for step in recipe.exports],
        "transplant": recipe.transplant.table() if recipe.transplant else {},
        "eval": [step.model_dump(mode="json") for step in recipe.evaluations],
        "lock": {
            "tokkit": __version__,
            "counts": counts_digest,
            "inputs": [{"path": file.path, "bytes": file.size_bytes, "sha256": file.sha256} for file in inputs],
        },
    }
    return {key: value for key, value in table.items() if value not in ([], {})}


def lock_text(table: Mapping[str, Any]) -> str:
    """The file's text."""
    return _HEAD.format(version=__version__) + "\n" + toml.dumps(table)


def check_inputs(lock: Mapping[str, Any], inputs: Sequence[FileDigest]) -> None:
    """Compares what is read now with what a lock file says was read; a recipe without lock passes.

    Raises:
        InputError: a file has another content, is gone, or is new; all of them are named.
    """
    if "inputs" not in lock:
        return
    then = {str(entry["path"]): str(entry["sha256"]) for entry in lock["inputs"]}
    now = {file.path: file.sha256 for file in inputs}
    wrong = [
        f"{path} " + ("is gone" if path not in now else "is new" if path not in then else "has another content")
        for path in sorted(set(then) | set(now))
        if then.get(path) != now.get(path)
    ]
    if wrong:
        raise InputError(
            f"the inputs are not those of the lock file: {', '.join(wrong)}",
            hint="restore them, or run the recipe itself instead of its lock",
        )
