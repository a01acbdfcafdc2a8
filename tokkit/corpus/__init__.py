"""Reads corpora of any supported kind as batches of texts."""

from tokkit.corpus.batch import Batch
from tokkit.corpus.memory import Texts, texts
from tokkit.corpus.read import Corpus, Inputs, read
from tokkit.corpus.report import CorpusReport, SourceReport
from tokkit.corpus.spec import SourceOptions, SourceSpec

__all__ = [
    "Batch",
    "Corpus",
    "CorpusReport",
    "Inputs",
    "SourceOptions",
    "SourceReport",
    "SourceSpec",
    "Texts",
    "read",
    "texts",
]
