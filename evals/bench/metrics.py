"""What an evaluation costs beside encoding alone, with other packages in the same table.

    python -m evals.bench metrics TOKENIZER TEXT [--first 21000000] [--repeat 3] [--peer-python PEERS/bin/python]

Every figure is CPU seconds (user and system, all threads): of tokkit the median of the repeats after one warm-up on
the first megabyte, of each peer one run in a process of its own, cut off at `--peer-cpu` seconds. `encode_batch` is one
call with all lines of the text; an evaluation encodes too.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from evals.bench import metric_peers
from evals.bench.measure import machine_line
from tokkit.evaluate import evaluate
from tokkit.evaluate.suite import load_suite
from tokkit.load import load_tokenizer

_WARM_UP = 1_000_000


def cpu_seconds(work: Callable[[], object], repeat: int) -> float:
    """Median CPU seconds of a call."""
    found = []
    for _ in range(repeat):
        before = os.times()
        work()
        after = os.times()
        found.append(after.user + after.system - before.user - before.system)
    return statistics.median(found)


def peer(name: str, options: argparse.Namespace, file: Path) -> tuple[str, float | None, str]:
    """(what it computed, its CPU seconds or None, why there are none) of one package on the same text."""
    command = [options.peer_python, "-W", "ignore", metric_peers.__file__, name, str(file), str(options.text)]
    command += ["--cpu", str(options.peer_cpu), "--memory", str(options.peer_memory * 2**30)]
    command += [] if options.first is None else ["--first", str(options.first)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        said = json.loads(done.stdout.splitlines()[-1])
        return said["name"], said["cpu_seconds"], ""
    if -done.returncode in (signal.SIGXCPU, signal.SIGKILL):
        return name, None, f"not done within {options.peer_cpu} CPU s"
    if "MemoryError" in done.stderr or -done.returncode == signal.SIGABRT:
        return name, None, f"not done within {options.peer_memory} GiB"
    return name, None, (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:120]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("tokenizer", help="a tokenizer.json, or its folder")
    parser.add_argument("text", type=Path)
    parser.add_argument("--first", type=int, metavar="BYTES", help="only the whole lines of the first BYTES")
    parser.add_argument("--suite", default="core@1")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peer-python", help="the Python that has the other packages; none: leave them out")
    parser.add_argument("--peer-cpu", type=int, default=300, metavar="SECONDS")
    parser.add_argument("--peer-memory", type=int, default=12, metavar="GIB")
    options = parser.parse_args(arguments)
    tokenizer = load_tokenizer(options.tokenizer)
    lines = metric_peers.first_lines(options.text, options.first)
    names = load_suite(options.suite).spec.metrics
    megabytes = sum(len(line.encode()) for line in lines) / 1e6
    few = metric_peers.first_lines(options.text, _WARM_UP)
    tokenizer.encode_batch(few)
    evaluate({"warm": tokenizer}, {"warm": few}, names)
    work: dict[str, Callable[[], object]] = {
        "encode_batch alone": lambda: tokenizer.encode_batch(lines),
        f"{options.suite}: {len(names)} metrics": lambda: evaluate({"t": tokenizer}, {"t": lines}, names),
        "encode_batch alone, again": lambda: tokenizer.encode_batch(lines),
        f"{options.suite}, again": lambda: evaluate({"t": tokenizer}, {"t": lines}, names),
    }
    print(f"{options.text.name}, {megabytes:.1f} MB, {len(lines):,} lines, {Path(options.tokenizer).name}")
    print(machine_line(), time.strftime("%Y-%m-%d"), sep="; ", end="\n\n")
    print("| what | CPU s | CPU s/MB | times encode |\n| --- | ---: | ---: | ---: |", flush=True)
    base = 0.0
    for name, call in work.items():
        seconds = cpu_seconds(call, options.repeat)
        base = seconds if name.startswith("encode_batch") else base
        print(f"| tokkit: {name} | {seconds:.3f} | {seconds / megabytes:.4f} | {seconds / base:.2f} |", flush=True)
    if options.peer_python is not None:
        file = Path(options.tokenizer)
        for name in metric_peers.PEERS:
            what, spent, why = peer(name, options, file / "tokenizer.json" if file.is_dir() else file)
            shown = f"{why} | | |" if spent is None else f"{spent:.2f} | {spent / megabytes:.4f} | {spent / base:.1f} |"
            print(f"| {what} | {shown}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
