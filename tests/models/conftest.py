"""Tests of what needs torch: not even imported by `make test`, where torch may be missing."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

# The models are tiny: threads that wait for each other would take most of the time, and more on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Importing torch takes seconds; without it there is nothing to collect, and `pytest -m models` then fails."""
    is_unwanted = "not models" in config.option.markexpr or find_spec("torch") is None
    return True if is_unwanted and collection_path.suffix == ".py" else None
