"""One training run in a process of its own: `python train_peers.py PEER JOB.json`.

Uses nothing but the standard library and the peer, so that what is measured is the peer. The job names text, vocabulary
size, pre-tokenizer and output folder. All peers get the same sequences where their interface allows it: the lines of
the file with their line ends, as `Tokenizer.train(files)` reads them. Afterwards the output folder holds `merges.txt`,
one merge a line as two hex strings, or a file of the peer's own that `train.py` can read.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any


def tokkit(job: dict[str, Any]) -> None:
    """`tokkit train` as it is typed: the whole artefact is checked and saved. Counts of earlier runs are not used."""
    os.environ["TOKKIT_CACHE"] = "off"
    from tokkit.cli import main

    sys.argv = ["tokkit", "train", job["file"], "--vocab-size", str(job["vocab_size"])]
    sys.argv += ["--pretokenizer", job["pretokenizer"], "--output", str(Path(job["output"]) / "artefact")]
    main()


def tokkit_library(job: dict[str, Any]) -> None:
    """Counting and training by the library, the merges written: what the peers below do."""
    from tokkit.counts import count
    from tokkit.trainers import TRAINERS

    trainer = TRAINERS.get("bpe")
    counts = count([job["file"]], pretokenizer=job["pretokenizer"])
    model = trainer(trainer.Config(vocab_size=job["vocab_size"])).train(counts)
    tokens = model.tokens
    _write(job, ((tokens[left], tokens[right]) for left, right, _ in model.events.merges().tolist()))


def tokenizers(job: dict[str, Any]) -> None:
    """HF tokenizers, training from the file."""
    from tokenizers import Tokenizer
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.trainers import BpeTrainer

    model = {"type": "BPE", "vocab": {}, "merges": []}
    empty = Tokenizer.from_str(json.dumps({"version": "1.0", "pre_tokenizer": job["hf"], "model": model}))
    trainer = BpeTrainer(
        vocab_size=job["vocab_size"], initial_alphabet=ByteLevel.alphabet(), special_tokens=[], show_progress=False
    )
    empty.train([job["file"]], trainer)
    empty.save(str(Path(job["output"]) / "tokenizer.json"))


def gigabpe(job: dict[str, Any]) -> None:
    """Reads the file by lines; knows GPT-2's pattern only, and learns only the bytes that occur."""
    import gigabpe as peer

    peer.train_tokenizer(
        [job["file"]],
        vocab_size=job["vocab_size"] - 256 + job["distinct_bytes"],
        output=str(Path(job["output"]) / "tokenizer.json"),
        pretokenizer="bytelevel",
    )


def gigatoken(job: dict[str, Any]) -> None:
    """Takes the file as one document; knows GPT-2's pattern only."""
    import gigatoken as peer

    _, merges = peer.train_bpe(Path(job["file"]), job["vocab_size"], [])
    _write(job, merges)


def rustbpe(job: dict[str, Any]) -> None:
    """Gets the lines from a generator."""
    import rustbpe as peer

    trained = peer.Tokenizer()
    trained.train_from_iterator(_lines(job), job["vocab_size"], pattern=job["pattern"])
    _write_tokens(job, [token for token, _ in sorted(trained.get_mergeable_ranks(), key=lambda pair: pair[1])])


def bpeasy(job: dict[str, Any]) -> None:
    """Gets the lines from a generator; tokens of at most 128 bytes."""
    import bpeasy as peer

    ranks = peer.train_bpe_stream(_lines(job), job["pattern"], 128, job["vocab_size"], 1000)
    _write_tokens(job, sorted(ranks, key=lambda token: ranks[token]))


def ffbpe(job: dict[str, Any]) -> None:
    """Gets the lines from a generator; has a pattern of its own."""
    import ffbpe as peer

    peer.train_bpe(_lines(job), vocab_size=job["vocab_size"])


PEERS = {
    function.__name__: function
    for function in (tokkit, tokkit_library, tokenizers, gigabpe, gigatoken, rustbpe, bpeasy, ffbpe)
}


def _lines(job: dict[str, Any]) -> Iterator[str]:
    with Path(job["file"]).open(encoding="utf-8", newline="\n") as file:
        yield from file


def _write(job: dict[str, Any], merges: Iterable[tuple[bytes, bytes]]) -> None:
    lines = [f"{left.hex()} {right.hex()}\n" for left, right in merges]
    (Path(job["output"]) / "merges.txt").write_text("".join(lines), encoding="ascii")


def _write_tokens(job: dict[str, Any], tokens: Iterable[bytes]) -> None:
    lines = [f"{token.hex()}\n" for token in tokens]
    (Path(job["output"]) / "tokens.txt").write_text("".join(lines), encoding="ascii")


if __name__ == "__main__":
    if sys.argv[1] == "version":
        print(version(sys.argv[2]))
    else:
        PEERS[sys.argv[1]](json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
