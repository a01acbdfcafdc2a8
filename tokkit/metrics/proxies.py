"""Offline stand-ins for what tasks on characters measure."""

from tokkit.metrics import columns  # noqa: F401 - registers the columns that the ratios name
from tokkit.metrics.base import ratio

ratio(
    "containing_token_length",
    "squared_token_bytes",
    "token_bytes",
    undefined="no tokens",
    unit="bytes",
    better="neither",
    summary="length of the token around a byte drawn at random",
    formula="sum over tokens of length^2 / sum of lengths",
    caveat="tasks on positions of characters get harder with it, counting hardly does",
    source="CharBench, arXiv 2508.02591",
)
