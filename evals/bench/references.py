"""Picky BPE beside the programs of its authors: cost, and how far the vocabularies are the same.

    python -m evals.bench references --file 10MB.txt --picky-code picky_bpe --peer-python peers/bin/python

`picky_bpe` is the authors' repository (pchizhov/picky_bpe; no package), `pickybpe_bauwenst` a fork of it on PyPI; what
is not there is left out. Each run is a process of its own, from the text to the written model, interleaved; the table
has the least CPU time of the runs. Of Scaffold-BPE the authors published no code, and no package follows the paper.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from evals.bench.measure import BenchError, Cost, machine_line, run

PEERS = ("tokkit", "picky_bpe", "pickybpe_bauwenst")
SPECIALS = ("<PAD>", "<UNK>", "<BOS>", "<EOS>")
WORKER = Path(__file__)


def main() -> int:
    """Prints the table."""
    if len(sys.argv) == 3 and sys.argv[1] in PEERS:
        return work(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True, help="text, UTF-8")
    parser.add_argument("--vocab-size", type=int, default=1_000)
    parser.add_argument("--threshold", type=float, default=0.9)
    parser.add_argument("--coverage", type=float, default=0.995, help="of the characters; rarer ones are unknown")
    parser.add_argument("--runs", type=int, default=1, help="runs of each, interleaved")
    parser.add_argument("--picky-code", type=Path, help="folder with bpe_trainer.py of pchizhov/picky_bpe")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers")
    given = parser.parse_args()
    print(machine_line())
    size = given.file.stat().st_size
    print(f"{given.file.name}: {size:,} bytes, {given.vocab_size:,} tokens, T = {given.threshold}\n")
    costs: dict[str, list[Cost]] = {}
    models: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="tokkit-bench-") as scratch:
        for number in range(given.runs):
            for peer in PEERS:
                if peer == "picky_bpe" and given.picky_code is None:
                    continue
                output = Path(scratch) / f"{peer}-{number}.json"
                job = output.with_suffix(".job")
                code = None if given.picky_code is None else str(given.picky_code.resolve())
                options = {"file": str(given.file.resolve()), "output": str(output), "code": code}
                options |= {name: getattr(given, name) for name in ("vocab_size", "threshold", "coverage")}
                job.write_text(json.dumps(options), encoding="utf-8")
                python = sys.executable if peer == "tokkit" else given.peer_python
                try:
                    cost = run([python, str(WORKER), peer, str(job)], log=output.with_suffix(".log"))
                except BenchError as error:
                    print(f"{peer}: failed: {error}")
                    continue
                costs.setdefault(peer, []).append(cost)
                models[peer] = output
        if "tokkit" not in costs:
            return 1
        table(costs, {peer: facts(path) for peer, path in models.items()})
    return 0


def table(costs: dict[str, list[Cost]], found: dict[str, tuple[set[str], list[tuple[str, str]], int]]) -> None:
    """One line a program; tokens and merges against ours."""
    print(
        "| program | CPU s | times ours | peak MB | tokens | removals | tokens shared with ours | same first merges |"
    )
    print("|---|---|---|---|---|---|---|---|")
    ours = min(cost.cpu_seconds for cost in costs["tokkit"])
    tokens_here, merges_here, _ = found["tokkit"]
    for peer, runs in costs.items():
        cpu, peak = min(cost.cpu_seconds for cost in runs), max(cost.peak_bytes for cost in runs)
        tokens, merges, removals = found[peer]
        both = zip(merges, merges_here, strict=False)
        same = next(
            (place for place, (one, other) in enumerate(both) if one != other), min(len(merges), len(merges_here))
        )
        print(
            f"| {peer} | {cpu:.2f} | {cpu / ours:.1f} | {peak / 1e6:.0f} | {len(tokens):,} | {removals:,} "
            f"| {len(tokens & tokens_here):,} | {same:,} of {len(merges):,} |"
        )


def facts(path: Path) -> tuple[set[str], list[tuple[str, str]], int]:
    """Tokens of the vocabulary without specials, merges in order, number of removals; of the authors' file format."""
    data = json.loads(path.read_text(encoding="utf-8"))
    tokens = {token["str"] for token in data["tokens"] if token["present"] and not token["special"]}
    merges = [(merge["pair"][0]["str"], merge["pair"][1]["str"]) for merge in data["merges"]]
    return tokens, merges, len(data["splits"])


def work(peer: str, job: dict[str, str]) -> int:
    """One run in this process."""
    size, threshold, coverage = int(job["vocab_size"]), float(job["threshold"]), float(job["coverage"])
    if peer == "tokkit":
        tokkit(job["file"], job["output"], size, threshold, coverage)
    elif peer == "picky_bpe":
        sys.path.insert(0, job["code"])
        from bpe_trainer import BPE  # type: ignore[import-not-found]  # the authors' file, no package

        BPE(size, threshold=threshold, coverage=coverage).fit(job["file"], job["output"])
    else:
        from pickybpe.vocabularisation import PickyBPETrainer  # type: ignore[import-not-found]  # only the peers have it

        trainer = PickyBPETrainer(size, picky_threshold=threshold, character_coverage=coverage)
        trainer.fit_from_file(job["file"], Path(job["output"]))
    return 0


def tokkit(file: str, output: str, vocab_size: int, threshold: float, coverage: float) -> None:
    """The same task: white-space words, characters, the same special tokens; what `facts` reads is written."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tokkit.counts import count
    from tokkit.model.events import Kind
    from tokkit.model.vocab import token_strings
    from tokkit.trainers.picky import Picky

    config = Picky.Config(
        vocab_size=vocab_size,
        threshold=threshold,
        coverage=coverage,
        special_tokens=SPECIALS,
        unit="char",
        unknown="unk",
        unk_token="<UNK>",
        layout="hf",
    )
    model = Picky(config).train(count([file], pretokenizer="picky-words@1"))
    strings = token_strings(model)
    tokens = [
        {"str": string, "present": bool(present), "special": place < model.n_specials}
        for place, (string, present) in enumerate(zip(strings, model.present.tolist(), strict=True))
    ]
    pairs = [(strings[left], strings[right]) for left, right, _ in model.events.merges().tolist()]
    merges = [{"pair": [{"str": left}, {"str": right}]} for left, right in pairs]
    splits: list[dict[str, str]] = [{}] * int((model.events.kind == Kind.SPLIT).sum())
    Path(output).write_text(json.dumps({"tokens": tokens, "merges": merges, "splits": splits}), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
