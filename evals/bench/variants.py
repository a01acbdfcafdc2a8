"""Picky BPE and Scaffold-BPE beside plain BPE: CPU of training, what a threshold does, how faithful every export is.

python -m evals.bench variants --file corpus.txt
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evals.bench.measure import machine_line
from tokkit.counts import CountTable, count
from tokkit.model.model import Model

SHIPPED = sorted((Path(__file__).parents[2] / "data" / "pydocs").glob("*.txt.gz"))
THRESHOLDS = (0.6, 0.7, 0.8, 0.9, 1.0)
METHODS = ("bpe", "scaffold", "picky")
EXPORTS = ("hf", "hf-greedy", "hf-ghost")


def main() -> int:
    """Prints the tables that are asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, action="append", help="text (default: the documentation in data/)")
    parser.add_argument("--vocab-size", type=int, default=32_000)
    parser.add_argument("--rounds", type=int, default=3, help="the fastest of so many counts")
    parser.add_argument("--only", choices=("speed", "thresholds", "fidelity"), action="append")
    arguments = parser.parse_args()
    wanted = arguments.only or ["speed", "thresholds", "fidelity"]
    files = arguments.file or SHIPPED
    table = count([str(path) for path in files])
    size = sum(len(word) * number for word, number in table)
    print(machine_line())
    print(f"{', '.join(path.name for path in files)}: {size:,} bytes, {len(table):,} distinct pretokens\n")
    if "speed" in wanted:
        speed(table, arguments.vocab_size, arguments.rounds)
    if "thresholds" in wanted:
        thresholds(table, arguments.vocab_size)
    if "fidelity" in wanted:
        fidelity(files, table, arguments.vocab_size)
    return 0


def speed(table: CountTable, vocab_size: int, rounds: int) -> None:
    """CPU seconds of training from the table (laying it out and merging), rounds interleaved."""
    from tokkit.trainers import TRAINERS
    from tokkit.trainers.bpe import MergeTrainer

    best: dict[str, float] = {}
    events: dict[str, int] = {}
    for _ in range(rounds):
        for method in METHODS:
            trainer = TRAINERS.get(method)
            made = trainer(trainer.Config(vocab_size=vocab_size))
            assert isinstance(made, MergeTrainer)
            ground = made.lay_ground(table)
            started = time.process_time()
            session = made.open_session(table, ground, progress=quiet)
            made.run(session, progress=quiet)
            best[method] = min(best.get(method, 1e9), time.process_time() - started)
            events[method] = session.n_events
            del session
    print(f"{'method':<10}{'CPU s':>8}{'ratio':>8}{'events':>10}")
    for method in METHODS:
        print(f"{method:<10}{best[method]:>8.2f}{best[method] / best['bpe']:>8.2f}{events[method]:>10,}")
    print()


def thresholds(table: CountTable, vocab_size: int) -> None:
    """Removed tokens, rare tokens and compression for each threshold; T = 1 is plain BPE."""
    from tokkit.model.tokenizer import Tokenizer
    from tokkit.report.undertrained import count_uses
    from tokkit.trainers.base import Trainer
    from tokkit.trainers.picky import Picky
    from tokkit.trainers.scaffold import Scaffold

    runs: dict[str, Trainer] = {
        f"T = {t}": Picky(Picky.Config(vocab_size=vocab_size, threshold=t)) for t in reversed(THRESHOLDS)
    }
    runs["scaffold"] = Scaffold(Scaffold.Config(vocab_size=vocab_size))
    print(f"{'':<10}{'removed':>9}{'unused':>8}{'< 5':>8}{'< 20':>8}{'< 100':>8}{'tokens':>13}{'relative':>10}")
    first = 0
    for name, trainer in runs.items():
        model = trainer.train(table)
        uses = count_uses(name, Tokenizer.from_model(model), table)
        first = first or uses.n_tokens
        rare = "".join(f"{uses.below(bound):>8,}" for bound in (1, 5, 20, 100))
        print(f"{name:<10}{(~model.present).sum():>9,}{rare}{uses.n_tokens:>13,}{uses.n_tokens / first:>10.4f}")
    print()


def fidelity(files: list[Path], table: CountTable, vocab_size: int) -> None:
    """Share of words and of their mass that each export encodes as the model, and its tokens relative to it."""
    from tokkit.export.measure import measure

    print(f"{'model':<16}{'export':<15}{'same words':>11}{'same mass':>11}{'tokens':>9}   skipped")
    for name, model, counts, exports in models(files, table, vocab_size):
        exact = n_tokens(model, counts)
        for export in exports:
            figure = measure(model, export, counts)
            assert figure is not None, export
            reading = {"hf-greedy": "greedy", "hf-ghost": "ghost"}.get(export, "exact")
            ratio = n_tokens(replace(model, inference=reading), counts) / exact
            print(
                f"{name:<16}{export:<15}{figure.distinct_share:>11.4%}{figure.mass_share:>11.4%}{ratio:>9.4f}"
                f"   {figure.skipped:,}"
            )


def models(
    files: list[Path], table: CountTable, vocab_size: int
) -> Iterator[tuple[str, Model, CountTable, tuple[str, ...]]]:
    """The models whose exports are measured: both methods on bytes, Scaffold on characters for sentencepiece."""
    from tokkit.trainers import TRAINERS

    for method in ("picky", "scaffold"):
        trainer = TRAINERS.get(method)
        yield method, trainer(trainer.Config(vocab_size=vocab_size)).train(table), table, EXPORTS
    words = count([str(path) for path in files], pretokenizer="sentencepiece@1")
    trainer = TRAINERS.get("scaffold")
    pieces = {"unit": "char", "unknown": "unk", "unk_token": "<unk>", "special_tokens": ("<unk>",)}
    config = trainer.Config.model_validate({"vocab_size": vocab_size, **pieces})
    yield "scaffold, char", trainer(config).train(words), words, ("hf", "sentencepiece", *EXPORTS[1:])


def n_tokens(model: Model, table: CountTable) -> int:
    """Tokens of the table under the model's inference."""
    from tokkit.model.tokenizer import Tokenizer

    tokenizer = Tokenizer.from_model(replace(model, pretokenizer="none@1"))
    return sum(len(tokenizer.encode_bytes(word)) * number for word, number in table)


def quiet(stage: str, done: int, total: int) -> None:
    """Shows nothing."""


if __name__ == "__main__":
    raise SystemExit(main())
