"""Where small real models lie for tests that need one."""

import os
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent


def models_folder() -> Path:
    """The folder named by TOKKIT_MODELS, else `shared/data/models` beside the project; it may not exist."""
    named = os.environ.get("TOKKIT_MODELS")
    return Path(named) if named else _PROJECT.parent / "shared" / "data" / "models"
