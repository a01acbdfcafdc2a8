"""Metrics of tokenizers on text: definitions over integers that one pass gathers, named by convention and version."""

from tokkit.metrics.base import METRICS, Metric, Subject, Value, find
from tokkit.metrics.batch import Batch
from tokkit.metrics.evidence import Evidence

__all__ = ["METRICS", "Batch", "Evidence", "Metric", "Subject", "Value", "find"]
