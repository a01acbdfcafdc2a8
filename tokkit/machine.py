"""What this process may use of its machine: cores by affinity and cgroup, memory by cgroup."""

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Cores this process may use: the smaller of its affinity mask and its cgroup quota, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_cores()
    return max(1, min(cores, quota) if quota else cores)


def available_memory() -> int | None:
    """Bytes of memory free to this process: of the machine, or what its cgroup leaves; None when unknown."""
    free = _meminfo("MemAvailable")
    limit, used = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
    if limit is None:
        limit = _number(_CGROUP / "memory" / "memory.limit_in_bytes")
        used = _number(_CGROUP / "memory" / "memory.usage_in_bytes")
    if limit is None:
        return free
    left = max(0, limit - (used or 0))
    return left if free is None else min(free, left)


def total_memory() -> int | None:
    """Bytes of memory of the machine; None when unknown."""
    return _meminfo("MemTotal")


def resident_memory() -> int:
    """Bytes of memory that this process holds now; 0 when unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _cgroup_cores() -> int | None:
    """The quota of cgroup v2, else v1, rounded up; None without one."""
    try:
        quota, period = (_CGROUP / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        quota = str(_number(_CGROUP / "cpu" / "cpu.cfs_quota_us") or "max")
        period = str(_number(_CGROUP / "cpu" / "cpu.cfs_period_us") or 100_000)
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:
        return None
    return max(1, -(-int(quota) // int(period)))


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) < 2**60 else None


def _meminfo(name: str) -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None
