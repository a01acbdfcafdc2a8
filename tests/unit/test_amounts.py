"""Sizes and durations as people write and read them; what the machine allows."""

import pytest

from tokkit.amounts import duration, human_size, parse_size
from tokkit.errors import UsageError
from tokkit.machine import available_cores, resident_memory


@pytest.mark.parametrize(
    ("text", "size"), [("4G", 4 << 30), ("512M", 512 << 20), ("1.5 GiB", 3 << 29), ("1000", 1000), ("2kb", 2048)]
)
def test_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1G", "lots", "1e9", "4X", "99999999T", "nan", "G"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_size(text)


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(17, "17 B"), (2_410_000, "2.41 MB"), (999_600, "1 MB"), (3e15, "3e+03 TB")]
)
def test_size_is_shown(n_bytes: float, text: str) -> None:
    assert human_size(n_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.42 s"), (38, "38 s"), (250, "4 min 10 s"), (7500, "2 h 05 min")]
)
def test_duration_is_shown(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_machine_has_a_core_and_memory() -> None:
    assert available_cores() >= 1
    assert resident_memory() > 1_000_000
