"""Hypertoken codec beside `zip2zip_compression`: ids a second of both in one run.

    python -m evals.bench.hyper --file TEXT --peer-python PEERS/bin/python

The ids are those of a BPE tokenizer trained on the text itself; rows are of 4,096 ids. Every figure is the best of
`--repeat` runs on one thread, in turn with the peer's, measured in CPU seconds. Like for like, that is lists in, lists
out and a codebook object a row, are `tokkit, lists` and `zip2zip_compression`; `all dicts` makes a dict of every
codebook too, on both sides. The peer's codes are compared with ours.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tokkit
from tokkit.hyper import HyperDecodings, HyperEncodings, HypertokenCodec, HypertokenConfig

LENGTH, SIZE, SUBTOKENS = 4096, 2048, 4
PEER = """
import json, sys, time
from zip2zip_compression import LZWCompressor
rows = json.load(open(sys.argv[1])); first, size, longest, pad = map(int, sys.argv[2:6])
codec = LZWCompressor(first, size, longest, pad, [])
codes = [codec.encode(row, False, False, None)[0] for row in rows]
print(json.dumps(codes), flush=True)
tasks = {
    "encode": lambda: [codec.encode(row, False, False, None)[0] for row in rows],
    "decode": lambda: [codec.decode(row)[0] for row in codes],
    "encode, all dicts": lambda: [codec.encode(row, False, False, None)[2].to_dict() for row in rows],
    "decode, all dicts": lambda: [codec.decode(row)[1].to_dict() for row in codes],
}
for line in sys.stdin:
    begin = time.process_time(); result = tasks[line.strip()](); print(time.process_time() - begin, flush=True)
"""


def cpu_seconds(run: Callable[[], object]) -> float:
    """Of one run; what it gave is freed within that time, as the peer's is."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def main() -> int:
    """Prints the table; 1 when the codes differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--vocab-size", type=int, default=16_000)
    options = parser.parse_args()
    text = options.file.read_text(encoding="utf-8")
    tokenizer = tokkit.Tokenizer.from_model(tokkit.train(str(options.file), vocab_size=options.vocab_size))
    ids = np.array(tokenizer.encode(text), np.uint32)
    rows = [ids[start : start + LENGTH] for start in range(0, len(ids), LENGTH)]
    first = tokenizer.vocab_size + 1
    codec = HypertokenCodec(
        HypertokenConfig(
            initial_vocab_size=first, max_codebook_size=SIZE, max_subtokens=SUBTOKENS, pad_token_id=first - 1
        )
    )
    lists = [row.tolist() for row in rows]
    encoded = codec.encode_batch(rows, threads=1)
    codes, coded_rows = encoded.lists(), [encoded[row] for row in range(len(encoded))]

    def dicts(made: Callable[[], HyperEncodings | HyperDecodings]) -> None:
        found = made()
        found.lists()
        for book in found.codebooks:
            book.to_dict()

    encode, decode = codec.encode_batch, codec.decode_batch
    ours: dict[tuple[str, str], Callable[[], object]] = {
        ("tokkit, numpy", "encode"): lambda: encode(rows, threads=1),
        ("tokkit, numpy", "decode"): lambda: decode(coded_rows, threads=1),
        ("tokkit, lists", "encode"): lambda: encode(lists, threads=1).lists(),
        ("tokkit, lists", "decode"): lambda: decode(codes, threads=1).lists(),
        ("tokkit, lists, all dicts", "encode"): lambda: dicts(lambda: encode(lists, threads=1)),
        ("tokkit, lists, all dicts", "decode"): lambda: dicts(lambda: decode(codes, threads=1)),
    }
    seconds: dict[tuple[str, str], float] = {}

    def note(name: str, what: str, found: float) -> None:
        seconds[name, what] = min(found, seconds.get((name, what), found))

    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(lists, file)
        file.flush()
        numbers = map(str, (first, SIZE, SUBTOKENS, first - 1))
        command = [options.peer_python, "-c", PEER, file.name, *numbers]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
            if peer.stdin is None or peer.stdout is None:
                return 1
            is_same = json.loads(peer.stdout.readline()) == codes
            # In turn, so that a busy moment of the machine meets both sides.
            for _ in range(options.repeat):
                for what in ("encode", "decode"):
                    for name in (name for name, task in ours if task == what):
                        note(name, what, cpu_seconds(ours[name, what]))
                    for name, more in (("zip2zip_compression", ""), ("zip2zip_compression, all dicts", ", all dicts")):
                        peer.stdin.write(what + more + "\n")
                        peer.stdin.flush()
                        note(name, what, float(peer.stdout.readline()))
            peer.stdin.close()
    print(f"{len(ids)} ids in {len(rows)} rows, {len(encoded.ids)} codes")
    print(f"{'':32}{'encode M ids/s':>16}{'decode M ids/s':>16}{'times':>8}{'times':>8}")
    for name in dict.fromkeys(name for name, _ in seconds):
        than = "zip2zip_compression" + (", all dicts" if "dicts" in name else "")
        rates = [len(ids) / seconds[name, what] / 1e6 for what in ("encode", "decode")]
        times = [seconds[than, what] / seconds[name, what] for what in ("encode", "decode")]
        print(f"{name:32}{rates[0]:>16.2f}{rates[1]:>16.2f}{times[0]:>8.1f}{times[1]:>8.1f}")
    print(f"codes are {'the same' if is_same else 'DIFFERENT'}")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
