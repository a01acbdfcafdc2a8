"""Which way of making new rows is the best, before and after some training: every method on a real model.

    python evals/studies/transplants.py --model SMOLLM2 --work FOLDER [--steps 0 50] [--only NAME...]

SMOLLM2 is a folder in safetensors (smollm2.py makes it). Two targets are trained on 7/8 of the shipped novel,
of the shipped Python documentation and of the standard library's source: 16k tokens with superwords, 32k plain BPE.
Prose and code that were held out are read in snippets of 512 bytes; intervals are paired bootstraps over snippets.
`--given DONOR` is another target: a folder with a tokenizer and rows of its own (wordllama.py makes one).
Rows are appended to FOLDER/rows.jsonl as they are done, and skipped when there; `--table` prints what there is.
"""

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from tokkit.extrinsic.causal import CausalModel, load_causal  # noqa: E402 - the project's own code, not an installed one
from tokkit.extrinsic.config import Reading  # noqa: E402
from tokkit.extrinsic.measure import measure  # noqa: E402
from tokkit.extrinsic.probe import Probing, continue_training  # noqa: E402
from tokkit.extrinsic.rows import snippets  # noqa: E402
from tokkit.load import load_tokenizer  # noqa: E402
from tokkit.transplant.checkpoint import open_checkpoint  # noqa: E402
from tokkit.transplant.config import TransplantConfig  # noqa: E402
from tokkit.transplant.run import transplant  # noqa: E402
from tokkit.transplant.vectors import trained_vectors  # noqa: E402
from tokkit.transplant.vocabulary import read_vocabulary  # noqa: E402

SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TARGETS = {
    "superword-16k": ("--method", "superbpe", "--generation", "head", "--vocab-size", "16384"),
    "bpe-32k": ("--method", "bpe", "--pretokenizer", "qwen2@1", "--vocab-size", "32768"),
}
SNIPPET = 512
# name -> (method, its options, whether the matrix is untied); after the first lines in order of interest.
METHODS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "auto": ("auto", {}, False),
    "mean": ("mean", {}, False),
    "compose mean": ("compose", {"pooling_in": "mean", "pooling_out": "mean"}, False),
    "auto untied": ("auto", {}, True),
    "distill": ("distill", {"steps": 100, "batch": 4, "dtype": "bfloat16"}, False),
    "focus": ("focus", {}, False),
    "compose charlen 1": ("compose", {"power_in": 1.0}, False),
    "compose charlen 2": ("compose", {"power_in": 2.0}, False),
    "compose charlen 3": ("compose", {"power_in": 3.0}, False),
    "wechsel": ("wechsel", {}, False),
    "tokenadapt": ("tokenadapt", {}, False),
    "random": ("random", {}, False),
    "zero": ("zero", {}, False),
    "hewitt": ("hewitt", {}, False),
    "mined": ("mined", {}, False),
    "adaptivocab": ("adaptivocab", {}, False),
    "adaptivocab untied": ("adaptivocab", {}, True),
    "compose first": ("compose", {"pooling_in": "first"}, False),
    "compose last": ("compose", {"pooling_in": "last"}, False),
    "compose geometric": ("compose", {"pooling_in": "geometric"}, False),
    "compose exp_down": ("compose", {"pooling_in": "exp_down"}, False),
    "compose charlen untied": ("compose", {}, True),
    "auto with vectors": ("auto", {}, False),
    "auto with vectors untied": ("auto", {}, True),
    "interpolate": ("interpolate", {}, False),
    "interpolate cosine": ("interpolate", {"metric": "cosine"}, False),
    "omp 8": ("omp", {"k": 8}, False),
    "omp 64": ("omp", {}, False),
    "omp 8 limited": ("omp", {"k": 8, "max_l1": 1.0}, False),
    "clp": ("clp", {}, False),
    "lsq": ("lsq", {}, False),
    "procrustes pca": ("procrustes", {"widths": "pca"}, False),
    "sava": ("procrustes", {"widths": "pad"}, False),
    "stb": ("stb", {}, False),
    "mp_rope": ("mp_rope", {}, False),
    "auto with a donor": ("auto", {}, False),
    "auto with a donor untied": ("auto", {}, True),
}
AUXILIARY = {"focus", "wechsel", "tokenadapt", "auto with vectors", "auto with vectors untied"}
DONOR = {"interpolate", "interpolate cosine", "omp 8", "omp 64", "omp 8 limited", "auto with a donor"}
DONOR |= {"auto with a donor untied", "clp", "lsq", "procrustes pca", "sava", "stb", "mp_rope"}


def main(arguments: Sequence[str]) -> int:
    """Trains the targets, measures what is missing, prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--given", type=Path, help="a folder that is the target and its donor, in place of --targets")
    parser.add_argument("--steps", nargs="*", type=int, default=[0, 50])
    parser.add_argument("--only", nargs="*", default=list(METHODS))
    parser.add_argument("--damping", type=float, default=0.0, help="of the steps' training; 0 is plain Adam")
    parser.add_argument("--prose", type=int, default=4096, help="bytes of held-out prose to read")
    parser.add_argument("--code", type=int, default=2048, help="bytes of held-out code to read")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="print the table of the rows that are done, and stop")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    if options.table:
        print(table(options.work))
        return 0
    given = {} if options.given is None else {options.given.name: options.given}
    sizes = (options.prose, options.code)
    study = Study(options.model, options.work, options.device, options.threads, sizes, given, options.damping)
    study.original()
    for steps in options.steps:
        for target in given or options.targets:
            for name in options.only:
                study.row(target, name, steps)
    print(table(options.work))
    return 0


class Study:
    """The texts, and rows measured on them."""

    def __init__(
        self,
        model: Path,
        work: Path,
        device: str,
        threads: int,
        sizes: tuple[int, int],
        given: Mapping[str, Path],
        damping: float,
    ) -> None:
        self.damping = damping
        self.model, self.work, self.device, self.threads, self.given = model, work, device, threads, given
        self.path = work / "rows.jsonl"
        parts = texts()
        self.train = [text[: len(text) * 7 // 8] for text in parts.values()]
        self.read = {
            name: snippets([parts[source][len(parts[source]) * 7 // 8 :][:size]], SNIPPET)
            for (name, source), size in zip((("prose", "novel"), ("code", "library")), sizes, strict=True)
        }
        corpus = work / "train"
        corpus.mkdir(exist_ok=True)
        for name, text in zip(parts, self.train, strict=True):
            (corpus / f"{name}.txt").write_text(text, encoding="utf-8")

    def done(self) -> set[tuple[str, str, int]]:
        """What need not be measured again."""
        return {(row["target"], row["method"], row["steps"]) for row in rows(self.work)}

    def original(self) -> None:
        """The base with its own tokenizer."""
        if ("base", "original", 0) not in self.done():
            self._add("base", "original", 0, self._load(self.model), 0.0)

    def row(self, target: str, name: str, steps: int) -> None:
        """One model, read after `steps` steps."""
        if (target, name, steps) in self.done():
            return
        tokenizer = self._target(target)
        method, options, untie = METHODS[name]
        made = self.work / "model"
        start = time.process_time()
        more = {"corpus": self.work / "train", "device": self.device} if method == "distill" else {}
        transplant(
            self.model,
            tokenizer,
            made,
            method=method,
            options={**options, **more},
            config=TransplantConfig(verify=False, digit_policy="ignore", untie=untie),
            auxiliary=self._vectors(target) if name in AUXILIARY else None,
            donor=self._donor(target) if name in DONOR else None,
            threads=self.threads,
            overwrite=True,
        )
        seconds = time.process_time() - start
        model = self._load(made)
        if steps:
            pieces = snippets(self.train, SNIPPET)
            order = np.random.default_rng(0).permutation(len(pieces))
            probing = Probing(steps=steps, snippet=SNIPPET, dtype="bfloat16", damping=self.damping)
            continue_training(model, [pieces[place] for place in order], probing, seed=0)
        self._add(target, name, steps, model, seconds)
        shutil.rmtree(made)

    def _load(self, folder: Path) -> CausalModel:
        return load_causal(folder, device=self.device, dtype="bfloat16", threads=self.threads)

    def _add(self, target: str, name: str, steps: int, model: CausalModel, seconds: float) -> None:
        found: dict[str, Any] = {"target": target, "method": name, "steps": steps, "transplant_seconds": seconds}
        for text, documents in self.read.items():
            measured = measure(model, documents, Reading(lossy="penalise"))
            found[text] = [[round(d.nats, 4), d.bytes, d.tokens] for d in measured.documents]
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        shown = {text: round(float(bits(found[text])), 3) for text in self.read}
        print(target, name, steps, shown, f"{time.process_time():.0f} CPU s so far", flush=True)

    def _target(self, name: str) -> Path:
        if name in self.given:
            return self.given[name]
        folder = self.work / name
        if not folder.exists():
            specials = [part for special in SPECIALS for part in ("--special-tokens", special)]
            command = [sys.executable, "-m", "tokkit", "train", str(self.work / "train"), "-o", str(folder)]
            command += [*TARGETS[name], *specials, "--export", "hf"]
            subprocess.run(command, check=True, cwd=PROJECT)
        return folder

    def _vectors(self, name: str) -> Path:
        """What `--learn-from` learns, kept for all methods."""
        path = self.work / f"{name}.vectors.safetensors"
        if not path.exists():
            folders = (self.model, self._target(name))
            sizes = [read_vocabulary(folder).n_rows for folder in folders]
            base, target = trained_vectors([load_tokenizer(folder) for folder in folders], self.train, sizes)
            save_file({"base": base, "target": target}, path)
        return path

    def _donor(self, name: str) -> Path:
        """A folder like a model's whose embeddings are the vectors: no language model owns a tokenizer just trained."""
        if name in self.given:
            return self.given[name]
        folder = self.work / f"{name}.donor"
        if not folder.exists():
            rows = load_file(self._vectors(name))["target"]
            has = np.isfinite(rows[:, 0])
            rows[~has] = rows[has].mean(axis=0)
            # Rotations keep lengths, and those of the vectors mean nothing to the model.
            base = open_checkpoint(self.model).read("model.embed_tokens.weight").astype(np.float32)
            rows *= np.linalg.norm(base, axis=1).mean() / np.linalg.norm(rows, axis=1).mean()
            shutil.copytree(self._target(name), folder)
            config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "tie_word_embeddings": True}
            config |= {"vocab_size": len(rows), "hidden_size": rows.shape[1], "num_attention_heads": 2}
            (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
            save_file({"model.embed_tokens.weight": rows}, folder / "model.safetensors", metadata={"format": "pt"})
        return folder


def texts() -> dict[str, str]:
    """A novel and documentation that ship with tokkit, and up to 6 MB of the standard library's source."""
    found = {
        name: gzip.decompress((PROJECT / "data" / path).read_bytes()).decode()
        for name, path in (("novel", "books/pride_and_prejudice.txt.gz"), ("manual", "pydocs/en.txt.gz"))
    }
    source, size = [], 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = path.read_text(encoding="utf-8", errors="ignore")
        size += len(text)
        if size <= 6_000_000:
            source.append(text)
    return {**found, "library": "\n".join(source)}


def rows(work: Path) -> list[dict[str, Any]]:
    """All rows that are done."""
    path = work / "rows.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def bits(documents: Sequence[Sequence[float]]) -> float:
    """Bits per byte of [nats, bytes, tokens] of each document."""
    return sum(d[0] for d in documents) / np.log(2) / sum(d[1] for d in documents)


def table(work: Path) -> str:
    """Markdown: bits per byte by method, and how much more than `auto`, with paired 95 % intervals."""
    found = {(row["target"], row["method"], row["steps"]): row for row in rows(work)}
    lines = []
    base = found.get(("base", "original", 0))
    if base:
        lines += [
            f"The base with its own tokenizer: prose {bits(base['prose']):.3f}, code {bits(base['code']):.3f}.",
            "",
        ]
    head = "| target | method | steps | prose | code | prose, more than auto | code, more than auto | CPU s |"
    lines += [head, "|---|---|---:|---:|---:|---:|---:|---:|"]
    order = {name: place for place, name in enumerate(METHODS)}
    for (target, name, steps), row in sorted(
        found.items(), key=lambda item: (item[0][0], item[0][2], bits(item[1]["prose"]))
    ):
        if target == "base" or name not in order:
            continue
        auto = found.get((target, "auto", steps))
        more = [difference(row[text], auto[text]) if auto and name != "auto" else "" for text in ("prose", "code")]
        shown = [f"{bits(row[text]):.3f}" for text in ("prose", "code")]
        lines.append(
            f"| {target} | {name} | {steps} | {' | '.join([*shown, *more])} | {row['transplant_seconds']:.0f} |"
        )
    return "\n".join(lines)


def difference(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]], draws: int = 10_000) -> str:
    """Difference in bits per byte on the same snippets, with its 95 % bootstrap interval."""
    gap = np.array([(a[0] - b[0]) / np.log(2) for a, b in zip(ours, theirs, strict=True)])
    size = np.array([a[1] for a in ours], float)
    drawn = np.random.default_rng(0).integers(0, len(gap), (draws, len(gap)))
    low, high = np.percentile(gap[drawn].sum(axis=1) / size[drawn].sum(axis=1), [2.5, 97.5])
    return f"{gap.sum() / size.sum():+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
