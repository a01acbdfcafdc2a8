"""Count tables: built from corpora, merged, stored."""

from tokkit.counts.count import CountConfig, count
from tokkit.counts.table import CountTable

__all__ = ["CountConfig", "CountTable", "count"]
