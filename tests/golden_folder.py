"""Where the golden vectors lie, so that the same tests run on other vectors of the same layout."""

import os
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent


def golden_folder() -> Path:
    """The folder named by TOKKIT_GOLDEN; else `shared/golden` beside the project; else the compact copy."""
    named = os.environ.get("TOKKIT_GOLDEN")
    if named:
        folder = Path(named)
        if not folder.is_dir():
            raise FileNotFoundError(f"TOKKIT_GOLDEN={named}: no such folder")
        return folder
    beside = _PROJECT.parent / "shared" / "golden"
    return beside if beside.is_dir() else _PROJECT / "tests" / "golden" / "vectors"
