"""Vocabularies of one size side by side: BPE, BPE read as WordPiece, ByteSpan, LZW, on held-out text.

    python -m evals.bench.spans --train TEXT --test TEXT --morphs eng.word.dev.tsv[.gz] --vocab-size 16000

Fertility: tokens a word between white space. Rényi efficiency (alpha 2.5) over the tokens used, and over the whole
vocabulary. Boundary F1: cuts inside words against those of a morph segmentation (`word<TAB>morph @@morph...`), words
with a space in front; segmentations that do not spell their word are left out.
"""

import argparse
import gzip
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tokkit.counts import CountConfig, count
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers import TRAINERS
from tokkit.trainers.bytespan import ByteSpan

SPANS = {
    "ByteSpan entropy combined seeding": {},
    "ByteSpan surprisal combined seeding": {"signal": "surprisal"},
    "ByteSpan entropy monotonic seeding": {"constraint": "monotonic"},
    "ByteSpan entropy combined frequency": {"build": "frequency"},
    "ByteSpan entropy monotonic frequency": {"build": "frequency", "constraint": "monotonic"},
}


def models(path: str, vocab_size: int) -> Iterator[tuple[str, Model, float]]:
    """Name, model and seconds of training."""
    words = count([path], pretokenizer="llama-bpe@1", config=CountConfig(track_first=True))
    begin = time.perf_counter()
    trainer = TRAINERS.get("bpe")
    model = trainer(trainer.Config(vocab_size=vocab_size)).train(words)
    yield "BPE", model, time.perf_counter() - begin
    yield "BPE read by longest prefix", replace(model, inference="longest_prefix"), 0.0
    for name, options in SPANS.items():
        begin = time.perf_counter()
        spans = ByteSpan(ByteSpan.Config.model_validate({"vocab_size": vocab_size, **options}))
        yield name, spans.train(words, again=spans.count_again([path])), time.perf_counter() - begin
    trainer = TRAINERS.get("lzw")
    for segmentation in ("greedy", "shortest"):
        begin = time.perf_counter()
        config = trainer.Config.model_validate({"vocab_size": vocab_size, "segmentation": segmentation})
        yield f"LZW {segmentation}", trainer(config).train(words), time.perf_counter() - begin


def morphs(path: Path) -> list[tuple[str, set[int]]]:
    """Words of more than one morph with the places of their boundaries."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found = []
    for line in data.decode().splitlines():
        word, segmented = line.split("\t")[:2]
        parts = [part.removeprefix("@@") for part in segmented.split(" ")]
        if len(parts) > 1 and "".join(parts) == word:
            found.append((word, set(np.cumsum([len(part.encode()) for part in parts[:-1]]).tolist())))
    return found


def boundary_f1(tokenizer: Tokenizer, words: list[tuple[str, set[int]]]) -> float:
    """F1 of cuts over all words; the space in front is not part of the word."""
    right = ours = theirs = 0
    for (_, gold), ids in zip(words, tokenizer.encode_batch([" " + word for word, _ in words]), strict=True):
        cuts = set((np.cumsum([len(tokenizer.token_bytes(int(token))) for token in ids[:-1]]) - 1).tolist()) - {0}
        right, ours, theirs = right + len(cuts & gold), ours + len(cuts), theirs + len(gold)
    return 2 * right / (ours + theirs) if ours + theirs else 0.0


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--morphs", type=Path, required=True)
    parser.add_argument("--vocab-size", type=int, default=16_000)
    options = parser.parse_args()
    text, words = options.test.read_text(encoding="utf-8"), morphs(options.morphs)
    n_words = len(re.findall(r"\S+", text))
    print(f"{len(text.encode())} bytes of test text, {n_words} words; {len(words)} segmented words")
    print(f"{'':38}{'size':>7}{'fertility':>10}{'Rényi used':>11}{'Rényi |V|':>11}{'F1':>7}{'train s':>9}")
    for name, model, seconds in models(options.train, options.vocab_size):
        tokenizer = Tokenizer.from_model(model)
        lines = text.splitlines(keepends=True)
        ids = tokenizer.encode_batch(lines).ids
        uses = np.bincount(ids, minlength=tokenizer.vocab_size).astype(np.float64)
        share = uses[uses > 0] / uses.sum()
        entropy = np.log((share**2.5).sum()) / (1 - 2.5)
        renyi = entropy / np.log(len(share)), entropy / np.log(tokenizer.vocab_size)
        figures = f"{len(ids) / n_words:>10.3f}{renyi[0]:>11.3f}{renyi[1]:>11.3f}{boundary_f1(tokenizer, words):>7.3f}"
        print(f"{name:38}{len(model.tokens):>7}{figures}{seconds:>9.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
