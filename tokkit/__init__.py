"""tokkit: train, transplant and evaluate the tokenizers of language models."""

__version__ = "0.1.0"
