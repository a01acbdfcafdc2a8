"""Vocabularies of one size side by side: BPE, BPE read as WordPiece, ByteSpan, LZW, on held-out text.

    python -m evals.bench spans --train TEXT --test TEXT [--morphs eng.word.dev.tsv.gz] [-o FILE.md]
    python -m evals.bench spans --train en.txt --train tr.txt --test en.txt --test tr.txt [-o FILE.md]

Fertility: tokens a word between white space. Rényi efficiency (alpha 2.5) over the tokens used (as published), and over
the whole vocabulary. Boundary F1: cuts inside words against those of a morph segmentation
(`word<TAB>morph @@morph...`), words with a space in front; segmentations that do not spell their word are left out. Its
figures are not the published MorphScore, and the texts are others: only directions can be compared. With several texts
each is a language, and fertility is also given for each.
"""

import argparse
import gzip
import io
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evals.bench.measure import machine_line
from tokkit.bytespan.vocabulary import MARK
from tokkit.counts import CountConfig, count
from tokkit.model.model import Model
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers import TRAINERS
from tokkit.trainers.bytespan import ByteSpan

SPANS: dict[str, dict[str, Any]] = {
    "WordPiece by BPE (typed, p = 0)": {"typed": True, "proportion": 0.0},
    "ByteSpan entropy combined seeding": {},
    "ByteSpan surprisal combined seeding": {"signal": "surprisal"},
    "ByteSpan entropy monotonic seeding": {"constraint": "monotonic"},
    "ByteSpan entropy combined frequency": {"build": "frequency"},
    "ByteSpan surprisal combined frequency": {"build": "frequency", "signal": "surprisal"},
    "ByteSpan entropy monotonic frequency": {"build": "frequency", "constraint": "monotonic"},
    "ByteSpan entropy increment": {"build": "increment"},
    "ByteSpan entropy combined seeding, typed": {"typed": True},
    "ByteSpan entropy combined seeding, compat": {"compat": True},
    "ByteSpan entropy increment, compat": {"build": "increment", "compat": True},
}
BALANCED = {"ByteSpan entropy combined balanced": {"build": "balanced"}}

PUBLISHED = {
    "BPE": (1.209, 0.468, 0.226),
    "WordPiece by BPE (typed, p = 0)": (1.190, 0.472, 0.563),
    "ByteSpan entropy combined seeding, compat": (1.208, 0.474, 0.577),
    "ByteSpan surprisal combined seeding": (1.210, 0.474, 0.564),
    "ByteSpan entropy monotonic seeding": (1.217, 0.476, 0.554),
    "ByteSpan entropy combined frequency": (1.271, 0.476, 0.680),
    "ByteSpan surprisal combined frequency": (1.285, 0.477, 0.660),
    "ByteSpan entropy monotonic frequency": (1.375, 0.482, 0.651),
    "ByteSpan entropy increment, compat": (1.902, 0.470, 0.459),
}
"""English, 16k, of the tables in codebyzeb/infotokenization: fertility, Rényi over used tokens, MorphScore."""

DIRECTIONS = (
    ("reading by longest prefix finds more morphs than BPE", "f1", "WordPiece by BPE (typed, p = 0)", "BPE"),
    (
        "seeds cost length",
        "fertility",
        "ByteSpan entropy combined seeding, typed",
        "WordPiece by BPE (typed, p = 0)",
    ),
    ("spans alone cost more", "fertility", "ByteSpan entropy combined frequency", "ByteSpan entropy combined seeding"),
    ("spans alone find more morphs", "f1", "ByteSpan entropy combined frequency", "ByteSpan entropy combined seeding"),
    (
        "monotonic is longer than combined",
        "fertility",
        "ByteSpan entropy monotonic frequency",
        "ByteSpan entropy combined frequency",
    ),
    (
        "increment is the longest",
        "fertility",
        "ByteSpan entropy increment, compat",
        "ByteSpan entropy monotonic frequency",
    ),
    ("spans use tokens more evenly", "used", "ByteSpan entropy combined seeding, typed", "BPE"),
)
"""(what the published table shows, the figure that is larger, of which, than of which)."""


@dataclass(frozen=True)
class Row:
    """The figures of one vocabulary."""

    size: int
    fertility: float
    by_language: list[float]
    used: float
    whole: float
    f1: float | None
    seconds: float


@dataclass(frozen=True)
class Task:
    """One vocabulary to train and measure."""

    name: str
    method: str
    options: dict[str, Any]
    inference: str | None
    train: tuple[str, ...]
    test: tuple[Path, ...]
    morphs: Path | None


def tasks(options: argparse.Namespace) -> list[Task]:
    """All vocabularies in the order of the table."""
    spans = SPANS | BALANCED if len(options.train) > 1 else SPANS
    rows: list[tuple[str, str, dict[str, Any], str | None]] = [
        ("BPE", "bpe", {}, None),
        ("BPE read by longest prefix", "bpe", {}, "longest_prefix"),
        *((name, "bytespan", more, None) for name, more in spans.items()),
        *((f"LZW {how}", "lzw", {"segmentation": how}, None) for how in ("greedy", "shortest")),
    ]
    return [
        Task(
            name,
            method,
            {"vocab_size": options.vocab_size, **more},
            how,
            tuple(options.train),
            tuple(options.test),
            options.morphs,
        )
        for name, method, more, how in rows
    ]


def row_of(task: Task) -> Row:
    """Trains and measures; the seconds are those of training."""
    paths = list(task.train)
    words = count(paths, pretokenizer="llama-bpe@1", config=CountConfig(track_first=True))
    begin = time.process_time()
    trainer = TRAINERS.get(task.method)
    made = trainer(trainer.Config.model_validate(task.options))
    model = made.train(words, again=made.count_again(paths)) if isinstance(made, ByteSpan) else made.train(words)
    seconds = time.process_time() - begin
    model = replace(model, inference=task.inference) if task.inference else model
    texts = [path.read_text(encoding="utf-8") for path in task.test]
    return measured(model, texts, None if task.morphs is None else morphs(task.morphs), seconds)


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
    mark = MARK.encode() if tokenizer.tables.prefix else b""
    for (_, gold), ids in zip(words, tokenizer.encode_batch([" " + word for word, _ in words]), strict=True):
        lengths = [len(tokenizer.token_bytes(int(token)).removeprefix(mark)) for token in ids[:-1]]
        cuts = set((np.cumsum(lengths, dtype=np.int64) - 1).tolist()) - {0}
        right, ours, theirs = right + len(cuts & gold), ours + len(cuts), theirs + len(gold)
    return 2 * right / (ours + theirs) if ours + theirs else 0.0


def measured(model: Model, texts: list[str], words: list[tuple[str, set[int]]] | None, seconds: float) -> Row:
    """The figures of a model on the texts."""
    tokenizer = Tokenizer.from_model(model)
    encoded = [tokenizer.encode_batch(text.splitlines(keepends=True)).ids for text in texts]
    n_words = [len(re.findall(r"\S+", text)) for text in texts]
    uses = np.bincount(np.concatenate(encoded), minlength=tokenizer.vocab_size).astype(np.float64)
    share = uses[uses > 0] / uses.sum()
    entropy = np.log((share**2.5).sum()) / (1 - 2.5)
    return Row(
        size=len(model.tokens),
        fertility=sum(map(len, encoded)) / sum(n_words),
        by_language=[len(ids) / n for ids, n in zip(encoded, n_words, strict=True)],
        used=float(entropy / np.log(len(share))),
        whole=float(entropy / np.log(tokenizer.vocab_size)),
        f1=None if words is None else boundary_f1(tokenizer, words),
        seconds=seconds,
    )


def main() -> int:
    """Prints the table, or writes it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="append", required=True)
    parser.add_argument("--test", type=Path, action="append", required=True)
    parser.add_argument("--morphs", type=Path)
    parser.add_argument("--vocab-size", type=int, default=16_000)
    parser.add_argument("--jobs", type=int, default=1, help="vocabularies trained at a time")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    texts = [path.read_text(encoding="utf-8") for path in options.test]
    words = None if options.morphs is None else morphs(options.morphs)
    out = io.StringIO()

    def say(line: str = "") -> None:
        out.write(line + "\n")
        print(line, flush=True)

    sizes = [f"{Path(path).name} ({Path(path).stat().st_size / 1e6:.1f} MB)" for path in map(str, options.train)]
    say(f"# ByteSpan and LZW beside BPE, {options.vocab_size:,} tokens")
    names = " ".join(f"--train {Path(path).name}" for path in options.train)
    names += " " + " ".join(f"--test {path.name}" for path in options.test)
    names += f" --morphs {options.morphs.name}" if options.morphs else ""
    say(f"\nMade by `python -m evals.bench spans {names} --vocab-size {options.vocab_size}`; {machine_line()}.")
    tested = ", ".join(
        f"{path.name} ({len(text.encode()) / 1e6:.1f} MB)" for path, text in zip(options.test, texts, strict=True)
    )
    say(f"Trained on {', '.join(sizes)}, tested on {tested}.")
    if words is not None:
        say(f"Boundary F1 on {len(words):,} words of {options.morphs.name}.")
    say("Seconds are CPU seconds of training, the byte language model included.\n")
    languages = [path.stem for path in options.test] if len(texts) > 1 else []
    head = ["", "size", "fertility", *languages, "Rényi, used", "Rényi, all", "F1", "s", "published"]
    say("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    rows: dict[str, Row] = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        todo = tasks(options)
        for name, row in zip((task.name for task in todo), pool.map(row_of, todo), strict=True):
            rows[name] = row
            f1 = "" if row.f1 is None else f"{row.f1:.3f}"
            more = [f"{value:.3f}" for value in row.by_language] if languages else []
            published = " / ".join(f"{value:.3f}" for value in PUBLISHED.get(name, ())) if words is not None else ""
            figures = [f"{row.size:,}", f"{row.fertility:.3f}", *more, f"{row.used:.3f}", f"{row.whole:.3f}", f1]
            say("| " + " | ".join([name, *figures, f"{row.seconds:.0f}", published]) + " |")
    if words is not None:
        say("\n`published`: fertility / Rényi over used tokens / MorphScore, English FineWeb-Edu, 16,000 tokens.")
        say("\n| what the published table shows | here | |\n|---|---|---|")
        for what, figure, larger, smaller in DIRECTIONS:
            pair = getattr(rows[larger], figure), getattr(rows[smaller], figure)
            say(f"| {what} | {pair[0]:.3f} against {pair[1]:.3f} | {'yes' if pair[0] > pair[1] else 'no'} |")
    if options.output is not None:
        options.output.write_text(out.getvalue(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
