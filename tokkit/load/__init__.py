"""Readers of tokenizers: our artefact, tokenizer.json, tiktoken, tekken, sentencepiece, hub ids. Strict, no pickle."""

from tokkit.load.any import AnyTokenizer, load_tokenizer

__all__ = ["AnyTokenizer", "load_tokenizer"]
