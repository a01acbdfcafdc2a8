"""The one way in which long work reports progress."""

from typing import Protocol


class Progress(Protocol):
    """Called with a stage name, units done and units in total (0: unknown), at most ten times a second."""

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Takes note; must not raise, but for KeyboardInterrupt."""


def silent(stage: str, done: int, total: int, /) -> None:
    """Reports nothing."""
