"""Metrics of tokenizers on text: mergeable accumulators of integers, named by convention."""

from tokkit.metrics.base import METRICS, Batch, Metric, Subject, Value

__all__ = ["METRICS", "Batch", "Metric", "Subject", "Value"]
