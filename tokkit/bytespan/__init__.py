"""ByteSpan: vocabularies from spans of bytes that a byte language model finds easy to predict."""
