"""Finds recipes: files, and those that ship with tokkit by their short names (`quickstart/english`)."""

import difflib
from pathlib import Path

from tokkit import bundle
from tokkit.recipe.faults import Fault, RecipeError


def shipped_recipes() -> dict[str, Path]:
    """Short name -> file of each recipe that ships with tokkit, sorted by name."""
    root = bundle.folder("recipes")
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in sorted(root.rglob("*.toml"))}


def find_recipe(name_or_path: str, *, beside: Path | None = None) -> Path:
    """The file that a name or path means; `beside` is where a relative path is looked for first.

    Raises:
        RecipeError: there is none; the hint has the nearest.
    """
    for path in ([beside / name_or_path] if beside else []) + [Path(name_or_path)]:
        if path.is_file():
            return path
    shipped = shipped_recipes()
    short = name_or_path.removeprefix("recipes/").removesuffix(".toml")
    if short in shipped:
        return shipped[short]
    near = difflib.get_close_matches(short, shipped, n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`?" if near else "`tokkit list recipes` names those that ship with tokkit"
    raise RecipeError([Fault(name_or_path, "no such recipe", hint)])


def summary(path: Path) -> str:
    """The first comment line of a recipe."""
    with path.open(encoding="utf-8") as lines:
        first = next(lines, "")
    return first.lstrip("# ").strip() if first.startswith("#") else ""
