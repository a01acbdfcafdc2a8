"""Trains with tokkit and its peers on the same file, one process a run, interleaved, and compares cost and output.

    python -m evals.bench train --file bench-corpora/100MB.txt --vocab-size 32000 --runs 3

Cost is that of the whole process: start-up, reading, training and writing. The table has the median of the runs; the
ratio is HF tokenizers' CPU time over the peer's. Output is compared merge by merge with HF's.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from evals.bench.measure import BenchError, Cost, machine_line, run

REFERENCE = "tokenizers"
OURS = ("tokkit", "tokkit_library")
PEERS = (*OURS, "tokenizers", "gigabpe", "gigatoken", "rustbpe", "bpeasy", "ffbpe")
WORKER = Path(__file__).parent / "train_peers.py"
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Line:
    """One peer's line of the table: medians over its runs; `same` says how its output compares."""

    peer: str
    version: str
    runs: int
    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    cpu_ratio: float | None
    wall_ratio: float | None
    same: str


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark, prints the table and writes it beside this script; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--file", type=Path, required=True, help="text to train on, UTF-8")
    parser.add_argument("--vocab-size", type=int, default=32_000)
    parser.add_argument("--pretokenizer", default="gpt2@1", help="gigabpe and gigatoken know gpt2@1 only")
    parser.add_argument("--runs", type=int, default=3, help="runs of each peer, interleaved")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the table")
    given = parser.parse_args(arguments)
    machine = machine_line()

    pythons = {peer: sys.executable if peer in OURS else given.peer_python for peer in given.peers}
    versions = {peer: _version(python, peer) for peer, python in pythons.items()}
    for peer in [peer for peer, found in versions.items() if found is None]:
        print(f"{peer}: not installed, left out", file=sys.stderr)
    peers = [peer for peer in given.peers if versions[peer] is not None]

    shared = _job(given)
    costs: dict[str, list[Cost]] = {peer: [] for peer in peers}
    failures: dict[str, str] = {}
    outputs: dict[str, list[str] | set[str] | None] = {}
    with tempfile.TemporaryDirectory(prefix="tokkit-bench-") as scratch:
        for number in range(given.runs):
            for peer in [peer for peer in peers if peer not in failures]:
                folder = Path(scratch) / f"{peer}-{number}"
                folder.mkdir()
                job = folder / "job.json"
                job.write_text(json.dumps(shared | {"output": str(folder)}), encoding="utf-8")
                try:
                    cost = run([pythons[peer], str(WORKER), peer, str(job)], log=folder / "log.txt")
                except BenchError as error:
                    failures[peer] = str(error)
                    print(f"{peer}: failed: {error}", file=sys.stderr)
                    continue
                costs[peer].append(cost)
                outputs.setdefault(peer, _output(folder))
                print(
                    f"{peer} run {number + 1}: {cost.cpu_seconds:.2f} CPU s, {cost.wall_seconds:.2f} s, "
                    f"{cost.peak_bytes / 1e6:.0f} MB",
                    file=sys.stderr,
                )

    lines = _lines(costs, {peer: found for peer, found in versions.items() if found is not None}, outputs)
    words = sys.argv[1:] if arguments is None else arguments
    # Names without folders: where files lie differs from machine to machine.
    command = "python -m evals.bench train " + shlex.join([Path(word).name if "/" in word else word for word in words])
    report = _report(lines, failures, given, command, machine)
    print(report)
    given.results.mkdir(parents=True, exist_ok=True)
    stem = f"train-{given.file.stem}-{given.vocab_size}-{given.pretokenizer.partition('@')[0]}"
    (given.results / f"{stem}.md").write_text(report, encoding="utf-8")
    document = {
        "command": command,
        "machine": machine,
        "when": time.strftime("%Y-%m-%d", time.gmtime()),
        "file_bytes": given.file.stat().st_size,
        "lines": [asdict(line) for line in lines],
        "runs": {peer: [asdict(cost) for cost in all_of_it] for peer, all_of_it in costs.items()},
        "failures": failures,
    }
    (given.results / f"{stem}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if failures.keys() & set(OURS) else 0


def _job(given: argparse.Namespace) -> dict[str, object]:
    from tokkit import pretokenizers

    occurring: set[int] = set()
    with given.file.open("rb") as file:
        while block := file.read(1 << 16):
            occurring.update(block)
    return {
        "file": str(given.file.resolve()),
        "vocab_size": given.vocab_size,
        "pretokenizer": given.pretokenizer,
        "hf": pretokenizers.hf_pretokenizer(given.pretokenizer),
        "pattern": pretokenizers.pattern(given.pretokenizer),
        "distinct_bytes": len(occurring),
    }


def _version(python: str, peer: str) -> str | None:
    if peer in OURS:
        from tokkit import __version__

        return __version__
    asked = subprocess.run([python, str(WORKER), "version", peer], capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


def _output(folder: Path) -> list[str] | set[str] | None:
    """What a run made: a list of merges in order, a set of tokens, or None where the peer does not tell."""
    for file in (folder / "tokenizer.json", folder / "artefact" / "tokenizer.json"):
        if file.exists():
            merges = json.loads(file.read_text(encoding="utf-8"))["model"]["merges"]
            return [_hex_merge(merge if isinstance(merge, list) else merge.split(" ")) for merge in merges]
    if (folder / "merges.txt").exists():
        return (folder / "merges.txt").read_text(encoding="ascii").splitlines()
    if (folder / "tokens.txt").exists():
        return set((folder / "tokens.txt").read_text(encoding="ascii").split())
    return None


def _hex_merge(merge: list[str]) -> str:
    return " ".join(bytes(_BYTE_OF[character] for character in part).hex() for part in merge)


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-ins for bytes, backwards."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    stand_ins = {chr(256 + index): byte for index, byte in enumerate(others)}
    return {chr(byte): byte for byte in printable} | stand_ins


_BYTE_OF = _byte_alphabet()


def _same(reference: list[str] | set[str] | None, found: list[str] | set[str] | None) -> str:
    """How `found` compares with the merges of HF."""
    if not isinstance(reference, list) or found is None:
        return "not compared"
    tokens = {merge.replace(" ", "") for merge in reference}
    if isinstance(found, list):
        if found == reference:
            return f"yes, all {len(found):,} merges"
        pairs = enumerate(zip(reference, found, strict=False))
        first = next((index for index, (one, other) in pairs if one != other), min(len(reference), len(found)))
        made = {merge.replace(" ", "") for merge in found}
        where = f"first differs at merge {first:,}, "
    else:
        made = {token for token in found if len(token) > 2}
        where = ""
    return f"no: {where}{len(tokens & made) / len(tokens | made):.2%} of tokens shared"


def _lines(
    costs: dict[str, list[Cost]], versions: dict[str, str], outputs: dict[str, list[str] | set[str] | None]
) -> list[Line]:
    def median(peer: str, of: str) -> float:
        return float(statistics.median(getattr(cost, of) for cost in costs[peer]))

    has_reference = bool(costs.get(REFERENCE))
    lines = []
    for peer in [peer for peer, runs in costs.items() if runs]:
        cpu, wall = median(peer, "cpu_seconds"), median(peer, "wall_seconds")
        lines.append(
            Line(
                peer=peer,
                version=versions[peer],
                runs=len(costs[peer]),
                cpu_seconds=cpu,
                wall_seconds=wall,
                peak_mb=median(peer, "peak_bytes") / 1e6,
                cpu_ratio=median(REFERENCE, "cpu_seconds") / cpu if has_reference else None,
                wall_ratio=median(REFERENCE, "wall_seconds") / wall if has_reference else None,
                same="reference" if peer == REFERENCE else _same(outputs.get(REFERENCE), outputs.get(peer)),
            )
        )
    return sorted(lines, key=lambda line: line.cpu_seconds)


def _report(lines: list[Line], failures: dict[str, str], given: argparse.Namespace, command: str, machine: str) -> str:
    size = given.file.stat().st_size / 1e6
    text = [
        f"# Training: {given.file.name} ({size:.1f} MB), vocabulary {given.vocab_size:,}, {given.pretokenizer}",
        "",
        f"`{command}`  ",
        f"{machine}; {given.runs} interleaved runs, medians",
        "",
        "| peer | CPU s | wall s | peak MB | HF CPU / peer CPU | HF wall / peer wall | merges identical to HF |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        cpu_ratio = "-" if line.cpu_ratio is None else f"{line.cpu_ratio:.1f}"
        wall_ratio = "-" if line.wall_ratio is None else f"{line.wall_ratio:.1f}"
        text.append(
            f"| {line.peer} {line.version} | {line.cpu_seconds:.2f} | {line.wall_seconds:.2f} | {line.peak_mb:.0f} "
            f"| {cpu_ratio} | {wall_ratio} | {line.same} |"
        )
    text += [f"| {peer} | failed: {why} | | | | | |" for peer, why in failures.items()]
    return "\n".join(text) + "\n"


if __name__ == "__main__":
    sys.exit(main())
