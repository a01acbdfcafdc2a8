"""Runs a command in a process of its own and says what it cost; describes the machine it ran on."""

import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one process used: user and system CPU seconds together, seconds of wall clock, peak memory in bytes."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


class BenchError(RuntimeError):
    """A benchmarked process failed; the message holds the end of what it printed."""


def run(command: list[str], *, log: Path) -> Cost:
    """Runs the command to its end; its output goes to `log`. All threads and children of it count.

    Raises:
        BenchError: it could not start or did not end well.
    """
    with log.open("wb") as output:
        started = time.perf_counter()
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise BenchError(f"{command[0]}: {error}") from error
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise BenchError(f"exit code {process.returncode}: {' '.join(tail)[:200]}")
    # Linux counts kibibytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * unit)


def machine_line() -> str:
    """Processor, cores that this process may use, memory, system, load: one line to print beside every figure."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    return (
        f"{model}, {cores} cores, {memory:.0f} GB, {platform.system()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )
