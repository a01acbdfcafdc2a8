"""Superword training: CPU and memory of the second stage, the peer without pre-tokenizer, and bytes a token.

    python evals/bench/superword.py --file corpus.txt stage2 --sizes 4,16,64
    python evals/bench/superword.py --file corpus.txt peer --size 1
    python evals/bench/superword.py --file corpus.txt quality --size 95 --vocab-size 64000

Every figure comes from a process of its own: CPU is user + system of all threads, memory the peak of resident pages
during the step, and above what the process held before it. Sizes are leading MB of the file, one text a line.
"""

import argparse
import ctypes
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from tokkit.model.model import Model

Result = TypeVar("Result")

MB = 1_000_000
INHERITED, NEW = 12_000, 4_000


def cpu_seconds() -> float:
    """User and system time of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """The most resident memory since `forget_peak`; where the system cannot forget, since the start."""
    return resident_mb("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_mb(field: str) -> float:
    """A field of /proc/self/status in MiB; 0 where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:")), 0.0)


def forget_peak() -> float:
    """Gives free pages back and begins the peak anew; the resident memory now."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return resident_mb("VmRSS") or peak_mb()


def documents_of(path: str, size: float) -> list[str]:
    """Whole documents of the first `size` MB: of a .rec file (u32 length, then bytes), else 200 lines each."""
    with Path(path).open("rb") as file:
        data = file.read(int(size * MB))
    if not path.endswith(".rec"):
        lines = data[: data.rfind(b"\n") + 1].decode("utf-8", "ignore").splitlines(keepends=True)
        return ["".join(lines[start : start + 200]) for start in range(0, len(lines), 200)]
    found, at = [], 0
    while at + 4 <= len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        found.append(data[at + 4 : end].decode("utf-8", "ignore"))
        at = end
    return found


def part(path: str, start: float, end: float) -> str:
    """A file with the whole lines from `start` to `end` MB."""
    with Path(path).open("rb") as file:
        file.seek(int(start * MB))
        data = file.read(int((end - start) * MB))
    first = 0 if start == 0 else data.find(b"\n") + 1
    with tempfile.NamedTemporaryFile(suffix=".txt", delete=False) as made:
        made.write(data[first : data.rfind(b"\n") + 1])
    return made.name


def measured(step: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """The step's result and what it cost."""
    before, started = cpu_seconds(), time.monotonic()
    held = forget_peak()
    result = step()
    figures = {
        "cpu_s": round(cpu_seconds() - before, 2),
        "wall_s": round(time.monotonic() - started, 2),
        "peak_mb": round(peak_mb()),
        "above_mb": round(peak_mb() - held),
    }
    return result, figures


def stage2(path: str, size: float, threads: int) -> dict[str, object]:
    """12,000 inherited merges and 4,000 new ones, the published scripts' regexes of before 10/2025."""
    from tokkit.counts import CountConfig, count
    from tokkit.trainers.superbpe import SuperBpe

    config = CountConfig(threads=threads)
    with tempfile.TemporaryDirectory() as folder:
        # The first stage is trained by another process, so that its memory is not in the peak here.
        kept = str(Path(folder) / "stage1")
        options = {"vocab_size": 256 + INHERITED + NEW, "inherit_merges": INHERITED, "threads": threads, "stage1": kept}
        trainer = SuperBpe(SuperBpe.Config.model_validate(options))
        text = part(path, 0, size)
        words, counting = measured(lambda: count(text, pretokenizer=trainer.default_pretokenizer(), config=config))
        stage1 = alone("--file", text, "case", "--case", json.dumps(["first", kept, options]))
        inherited = trainer.first_stage(words)
    again, chunking = measured(lambda: trainer.count_again(text, config=config))
    (_, n_inherited, n_tokens), second = measured(lambda: trainer._second_stage(inherited, again, lambda *_: None))
    Path(text).unlink()
    n_symbols = trainer.last_stats["n_symbols"]
    return {
        "size_mb": size,
        "count_words": counting,
        "stage1": stage1,
        "count_chunks": chunking,
        "stage2": second,
        "bytes_per_symbol": round(second["above_mb"] * 1024 * 1024 / n_symbols, 1),
        "n_inherited": n_inherited,
        "n_tokens": n_tokens,
        **trainer.last_stats,
    }


def first(path: str, folder: str, options: dict[str, object]) -> dict[str, float]:
    """The first stage alone, left in `folder`."""
    from tokkit.counts import CountConfig, count
    from tokkit.trainers.superbpe import SuperBpe

    trainer = SuperBpe(SuperBpe.Config.model_validate({**options, "stage1": folder}))
    words = count(path, pretokenizer=trainer.default_pretokenizer(), config=CountConfig(threads=1))
    return measured(lambda: trainer.first_stage(words))[1]


def peer(path: str, size: float, vocab_size: int) -> dict[str, object]:
    """HF tokenizers and tokkit on whole texts without pre-tokenizer; the merges must be equal."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    from tokkit.corpus import texts
    from tokkit.counts import CountConfig, count
    from tokkit.model.vocab import token_strings
    from tokkit.trainers import TRAINERS

    documents = documents_of(path, size)
    trainer_class = TRAINERS.get("bpe")
    trainer = trainer_class(trainer_class.Config(vocab_size=vocab_size, layout="hf"))
    table = count(texts(documents), pretokenizer="none@1", config=CountConfig(threads=1))
    model, ours = measured(lambda: trainer.train(table))

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    theirs_trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
    _, theirs = measured(lambda: tokenizer.train_from_iterator(documents, theirs_trainer))
    strings = token_strings(model)
    merges = [(strings[left], strings[right]) for left, right, _ in model.events.merges().tolist()]
    peer_merges = [tuple(merge) for merge in json.loads(tokenizer.to_str())["model"]["merges"]]
    return {
        "size_mb": size,
        "documents": len(documents),
        "tokkit": ours,
        "tokenizers": theirs,
        "ratio_cpu": round(theirs["cpu_s"] / max(ours["cpu_s"], 0.01), 1),
        "merges_equal": merges == peer_merges,
    }


def quality(path: str, size: float, vocab_size: int, method: str, options: dict[str, object]) -> dict[str, object]:
    """Trains on the first `size` MB and encodes the 5 MB after them."""
    from tokkit.counts import count
    from tokkit.model.tokenizer import Tokenizer
    from tokkit.trainers import TRAINERS
    from tokkit.trainers.superword import SuperwordTrainer

    text, held = part(path, 0, size), part(path, size, size + 5)
    trainer_class = TRAINERS.get(method)
    trainer = trainer_class(trainer_class.Config(vocab_size=vocab_size, **options))

    def train() -> "Model":
        if isinstance(trainer, SuperwordTrainer):
            return trainer.train(trainer.count_words(text), again=trainer.count_again(text))
        return trainer.train(count(text, pretokenizer="superbpe-paper-words@1"))

    model, figures = measured(train)
    tokenizer = Tokenizer.from_model(model)
    held_lines = Path(held).read_text(encoding="utf-8").splitlines(keepends=True)
    encodings = tokenizer.encode_batch(held_lines)
    n_bytes = Path(held).stat().st_size
    for made in (text, held):
        Path(made).unlink()
    return {
        "method": method,
        "options": options,
        "bytes_per_token": round(n_bytes / len(encodings.ids), 3),
        "tokens_used": len(set(encodings.ids.tolist())),
        **figures,
    }


QUALITY: tuple[tuple[str, dict[str, object]], ...] = (
    ("bpe", {}),
    ("superbpe", {"transition": 0.6}),
    ("superbpe", {"transition": 0.8}),
    ("boundless", {}),
    ("superbpe-pretoken", {"transition": 0.8}),
)


CASES: dict[str, Callable[..., object]] = {"stage2": stage2, "first": first, "peer": peer, "quality": quality}


def alone(*arguments: object) -> dict[str, object]:
    """Runs one case of this script in a process of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return cast("dict[str, object]", json.loads(printed))


def main() -> None:
    """Runs the cases of one measurement, one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", required=True, help="a text file")
    parser.add_argument("what", choices=["stage2", "peer", "quality", "case"])
    parser.add_argument("--sizes", default="4,16,64", help="MB, for stage2")
    parser.add_argument("--size", type=float, default=1, help="MB, for peer and quality")
    parser.add_argument("--vocab-size", type=int, default=8_000)
    parser.add_argument("--threads", type=int, default=1, help="for stage2")
    parser.add_argument("--case", default="", help="used by the script itself")
    given = parser.parse_args()
    if given.what == "case":
        kind, *rest = json.loads(given.case)
        print(json.dumps(CASES[kind](given.file, *rest)))
        return
    if given.what == "stage2":
        cases = [["stage2", float(size), given.threads] for size in given.sizes.split(",")]
    elif given.what == "peer":
        cases = [["peer", given.size, given.vocab_size]]
    else:
        cases = [["quality", given.size, given.vocab_size, method, options] for method, options in QUALITY]
    for case in cases:
        print(json.dumps(alone("--file", given.file, "case", "--case", json.dumps(case))), flush=True)


if __name__ == "__main__":
    main()
