"""The command line: a click group whose verbs are imported when they are used."""

from tokkit.cli.app import main

__all__ = ["main"]
