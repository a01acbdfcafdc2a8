"""Hypertoken codec beside `zip2zip_compression`: ids a second of both in one run.

    python -m evals.bench.hyper --file TEXT --peer-python PEERS/bin/python

The ids are those of a BPE tokenizer trained on the text itself; rows are of 4,096 ids. Every figure is the best of
`--repeat` runs on one thread, measured in CPU seconds. Like for like, that is lists in, lists out and a codebook object
a row, are `tokkit, lists` and `zip2zip_compression`; `all dicts` makes a dict of every codebook too, on both sides. The
peer's codes are compared with ours.
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
rows = json.load(open(sys.argv[1])); first, size, longest, pad, repeat = map(int, sys.argv[2:7])
codec = LZWCompressor(first, size, longest, pad, [])
def best(run):
    found = []
    for _ in range(repeat):
        begin = time.process_time(); result = run(); found.append(time.process_time() - begin)
    return min(found), result
encode, codes = best(lambda: [codec.encode(row, False, False, None)[0] for row in rows])
decode, _ = best(lambda: [codec.decode(row)[0] for row in codes])
dicts = [best(lambda: [codec.encode(row, False, False, None)[2].to_dict() for row in rows])[0],
         best(lambda: [codec.decode(row)[1].to_dict() for row in codes])[0]]
print(json.dumps({"plain": [encode, decode], "dicts": dicts, "codes": codes}))
"""


def best(run: Callable[[], object], repeat: int) -> float:
    """Least CPU seconds of `repeat` runs."""
    seconds = []
    for _ in range(repeat):
        begin = time.process_time()
        run()
        seconds.append(time.process_time() - begin)
    return min(seconds)


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

    figures = {
        "tokkit, numpy": (
            best(lambda: codec.encode_batch(rows, threads=1), options.repeat),
            best(lambda: codec.decode_batch(coded_rows, threads=1), options.repeat),
        ),
        "tokkit, lists": (
            best(lambda: codec.encode_batch(lists, threads=1).lists(), options.repeat),
            best(lambda: codec.decode_batch(codes, threads=1).lists(), options.repeat),
        ),
        "tokkit, lists, all dicts": (
            best(lambda: dicts(lambda: codec.encode_batch(lists, threads=1)), options.repeat),
            best(lambda: dicts(lambda: codec.decode_batch(codes, threads=1)), options.repeat),
        ),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(lists, file)
        file.flush()
        numbers = map(str, (first, SIZE, SUBTOKENS, first - 1, options.repeat))
        command = [options.peer_python, "-c", PEER, file.name, *numbers]
        peer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    peers = {"zip2zip_compression": peer["plain"], "zip2zip_compression, all dicts": peer["dicts"]}
    print(f"{len(ids)} ids in {len(rows)} rows, {len(encoded.ids)} codes")
    print(f"{'':32}{'encode M ids/s':>16}{'decode M ids/s':>16}{'times':>8}{'times':>8}")
    for name, (encode, decode) in {**figures, **peers}.items():
        than = peer["dicts" if "dicts" in name else "plain"]
        fast = f"{than[0] / encode:>8.1f}{than[1] / decode:>8.1f}"
        print(f"{name:32}{len(ids) / encode / 1e6:>16.2f}{len(ids) / decode / 1e6:>16.2f}{fast}")
    is_same = peer["codes"] == codes
    print(f"codes are {'the same' if is_same else 'DIFFERENT'}")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
