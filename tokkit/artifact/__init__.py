"""The folder of a trained tokenizer: save it, load it, check it."""

from tokkit.artifact.folder import FORMAT, MANIFEST, load, read_manifest, save

__all__ = ["FORMAT", "MANIFEST", "load", "read_manifest", "save"]
