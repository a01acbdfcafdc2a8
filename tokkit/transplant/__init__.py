"""Another vocabulary for a pretrained model: matching, sparse operators over its rows, checkpoints. No torch."""

from tokkit.transplant.base import METHODS, Method

__all__ = ["METHODS", "Method"]
