"""Amounts as people write and read them: sizes and durations."""

import re

from tokkit.errors import UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_size(text: str) -> int:
    """Bytes of "4G", "512M", "1.5 GiB", "1000"; the letters mean powers of 1024.

    Raises:
        UsageError: `text` is no size, is zero, or is more than 2^60 bytes.
    """
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * 1024 ** _POWER[match[2].lower()]) if match else 0
    if not 0 < size <= 2**60:
        raise UsageError(f"not a size, got `{text}`", hint="write it as 4G, 512M or a number of bytes")
    return size


def human_size(n_bytes: float) -> str:
    """Bytes for people: "17 B", "3.2 MB" (powers of 1000, as file managers show)."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(n_bytes) < 999.5 or unit == "TB":
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    raise AssertionError("unreachable")


def duration(seconds: float) -> str:
    """Seconds for people: "0.42 s", "38 s", "4 min 10 s", "2 h 05 min"."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
