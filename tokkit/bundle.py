"""Where the files that ship with tokkit lie: recipes, evaluation suites, sample data."""

from pathlib import Path
from typing import Literal

from tokkit.errors import InternalError

Part = Literal["recipes", "evals", "data"]


def folder(part: Part) -> Path:
    """The folder of that part: inside the installed package, or beside it in a checkout.

    Raises:
        InternalError: the installation lacks it.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "_bundle" / part, package.parent / part):
        if candidate.is_dir():
            return candidate
    raise InternalError(f"{package / '_bundle' / part}: not in this installation", hint="install tokkit again")
