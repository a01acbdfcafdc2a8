"""Runs a command in a process of its own and says what it cost; describes the machine it ran on."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Linux counts the pages of the process that starts another into the other's peak, so a small one of its own has to
# start it: argv is the file for the figures, then the command.
STARTER = """
import json, os, sys, time
started = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - started
code = os.waitstatus_to_exitcode(status)
with open(sys.argv[1], "w") as file:
    json.dump([code, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss], file)
"""


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
    if shutil.which(command[0]) is None:
        raise BenchError(f"{command[0]}: no such command")
    with log.open("wb") as output, tempfile.NamedTemporaryFile(suffix=".json") as figures:
        starter = [sys.executable, "-I", "-S", "-c", STARTER, figures.name, *command]
        subprocess.run(starter, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=True)
        code, cpu, wall, peak = json.loads(Path(figures.name).read_bytes())
    if code != 0:
        tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise BenchError(f"exit code {code}: {' '.join(tail)[:200]}")
    # Linux counts kibibytes, macOS bytes.
    return Cost(cpu, wall, peak if sys.platform == "darwin" else peak * 1024)


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
