"""Orthogonal matching pursuit side by side: ours, the plain per-token form, and the batched residual form of mergekit.

`python -m evals.bench.omp --anchors 5000 --tokens 1000 --width 384 -k 16` prints one JSON object: CPU seconds of each
and the share of rows with the same atoms. Two peers are written anew from the paper's algorithm (arXiv 2506.06607);
with `--peer-python VENV/bin/python` mergekit itself runs too, which that environment must have (`pip install --no-deps
mergekit` and torch are enough: only its pursuit is loaded).
"""

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit.transplant.omp import pursue

Floats = NDArray[np.float32]


def plain(atoms: Floats, signals: Floats, k: int) -> NDArray[np.int64]:
    """One token at a time: score all atoms, refit all coefficients by least squares. Returns atoms [n, k]."""
    chosen = np.full((len(signals), k), -1, np.int64)
    for row, signal in enumerate(signals):
        residual = signal
        for step in range(k):
            scores = np.abs(atoms @ residual)
            scores[chosen[row, :step]] = -1
            chosen[row, step] = scores.argmax()
            basis = atoms[chosen[row, : step + 1]]
            residual = signal - np.linalg.lstsq(basis.T, signal, rcond=None)[0] @ basis
    return chosen


def batched(atoms: Floats, signals: Floats, k: int, batch: int = 512) -> NDArray[np.int64]:
    """Batches of tokens: one product of all residuals with all atoms per step, one Gram-Schmidt pass."""
    chosen = np.full((len(signals), k), -1, np.int64)
    for start in range(0, len(signals), batch):
        y = signals[start : start + batch]
        rows = np.arange(len(y))
        q = np.zeros((len(y), k, atoms.shape[1]), np.float32)
        mask = np.zeros((len(y), len(atoms)), bool)
        residual = y
        for step in range(k):
            scores = np.abs(residual @ atoms.T)
            scores[mask] = -1
            best = scores.argmax(axis=1)
            mask[rows, best] = True
            chosen[start : start + batch, step] = best
            atom = atoms[best]
            atom = atom - np.einsum("bs,bsd->bd", np.einsum("bsd,bd->bs", q[:, :step], atom), q[:, :step])
            q[:, step] = atom / np.maximum(np.linalg.norm(atom, axis=1, keepdims=True), 1e-8)
            along = np.einsum("bsd,bd->bs", q[:, : step + 1], y)
            residual = y - np.einsum("bs,bsd->bd", along, q[:, : step + 1])
    return chosen


MERGEKIT = """
import importlib.metadata, importlib.util, json, pathlib, sys, time, types
import numpy as np, torch
root = pathlib.Path(importlib.util.find_spec("mergekit").origin).parent / "tokensurgeon"
package = types.ModuleType("surgeon")  # its __init__ asks for all of mergekit
package.__path__ = [str(root)]
sys.modules["surgeon"] = package
from surgeon.omp import batch_omp
torch.set_num_threads(1)
atoms, signals = (torch.from_numpy(np.load(path)) for path in sys.argv[1:3])
k = int(sys.argv[3])
batch_omp(signals[:8], atoms[:64], 4)
start = time.process_time()
with torch.no_grad():
    found = [batch_omp(signals[at : at + 512], atoms, k)[0] for at in range(0, len(signals), 512)]
spent = time.process_time() - start
np.save(sys.argv[4], torch.cat(found).numpy())
print(json.dumps({"cpu_s": spent, "version": importlib.metadata.version("mergekit")}))
"""


def mergekit(python: str, atoms: Floats, signals: Floats, k: int) -> tuple[dict[str, float | str], NDArray[np.int64]]:
    """(CPU seconds and version, atoms [n, k]) of its own pursuit, by its default batches of 512, on one thread."""
    with tempfile.TemporaryDirectory() as name:
        paths = [str(Path(name) / part) for part in ("atoms.npy", "signals.npy", "found.npy")]
        np.save(paths[0], atoms)
        np.save(paths[1], signals)
        command = [python, "-c", MERGEKIT, *paths[:2], str(k), paths[2]]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
        return found, np.load(paths[2])


def rows_like_embeddings(n: int, width: int, seed: int) -> Floats:
    """Normal rows with a falling spectrum, as embeddings have."""
    draw = np.random.default_rng([seed, width])
    turn = np.random.default_rng(width).standard_normal((width, width)) * np.exp(-np.arange(width) / 100)[:, None]
    return (draw.standard_normal((n, width)) @ turn).astype(np.float32)


def timed(run: Callable[[], NDArray[np.int64]]) -> tuple[float, NDArray[np.int64]]:
    """(CPU seconds of this process, result)."""
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anchors", type=int, default=5000)
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("-k", type=int, default=16)
    parser.add_argument("--plain-tokens", type=int, default=50, help="tokens for the plain form, scaled up afterwards")
    parser.add_argument("--peer-python", metavar="PYTHON", help="a Python that has mergekit and torch")
    args = parser.parse_args()
    atoms = rows_like_embeddings(args.anchors, args.width, 1)
    signals = rows_like_embeddings(args.tokens, args.width, 2)
    pursue(atoms[:64], signals[:8], k=4)
    own, found = timed(lambda: pursue(atoms, signals, k=args.k).atoms)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    many, theirs = timed(lambda: batched(atoms, signals, args.k))
    few = min(args.plain_tokens, args.tokens)
    one, slow = timed(lambda: plain(atoms, signals[:few], args.k))
    facts: dict[str, float | str] = {
        "anchors": args.anchors,
        "tokens": args.tokens,
        "width": args.width,
        "k": args.k,
        "tokkit_cpu_s": round(own, 3),
        "tokkit_peak_bytes": memory,
        "batched_cpu_s": round(many, 3),
        "plain_cpu_s_scaled": round(one * args.tokens / few, 3),
        "rows_equal_to_batched": float((found == theirs).all(axis=1).mean()),
        "rows_equal_to_plain": float((found[:few] == slow).all(axis=1).mean()),
    }
    if args.peer_python:
        peer, other = mergekit(args.peer_python, atoms, signals, args.k)
        facts["mergekit"] = peer["version"]
        facts["mergekit_cpu_s"] = round(float(peer["cpu_s"]), 3)
        facts["rows_equal_to_mergekit"] = float((found == other).all(axis=1).mean())
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
