"""What a run would do: inputs, steps, memory, time, outputs; estimated before anything is read or written."""

from dataclasses import dataclass
from pathlib import Path

from tokkit.amounts import duration, human_size
from tokkit.recipe.inputs import input_files, streams
from tokkit.recipe.schema import Recipe

# Real text grows by this much when decompressed: gzip 4.1, zstd 5.2 on the text we measured.
_EXPANSION = 4.5
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00")
# Processor time and memory, measured on two server cores with 5 MB (72 thousand distinct pre-tokens) and 100 MB of
# documentation; meant to be right within a factor of two. Checking the export is the slowest part of a small run.
_COUNT_BYTES_PER_SECOND = 43e6
_TRAIN_SECONDS_PER_DISTINCT = 4e-6
_CHECK_SECONDS_PER_DISTINCT = 33e-6
_SAVE_SECONDS = 0.5
_BASE_MEMORY = 150e6
_MEMORY_PER_DISTINCT = 800


@dataclass(frozen=True)
class Plan:
    """The plan of a recipe; sizes in bytes, `seconds` and `memory` are estimates."""

    inputs: tuple[tuple[str, int], ...]
    streams: tuple[str, ...]
    text_bytes: int
    steps: tuple[str, ...]
    memory_bytes: int
    seconds: float
    outputs: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The object that `--dry-run --json` prints."""
        return {
            "schema": "tokkit.plan",
            "version": 1,
            "inputs": [{"path": path, "bytes": size} for path, size in self.inputs],
            "streams": list(self.streams),
            "text_bytes": self.text_bytes,
            "steps": list(self.steps),
            "memory_bytes": self.memory_bytes,
            "eta_s": round(self.seconds, 1),
            "outputs": list(self.outputs),
        }

    def sentence(self) -> str:
        """The plan in one line."""
        text = f"{len(self.inputs)} files, {human_size(self.text_bytes)} of text"
        if self.streams:
            text += f" and {', '.join(self.streams)} of unknown size"
        return f"{text}; about {human_size(self.memory_bytes)} of memory and {duration(self.seconds)}"

    def text(self) -> str:
        """The plan for people."""
        shown = [f"  {path}  {human_size(size)}" for path, size in self.inputs[:20]]
        if len(self.inputs) > len(shown):
            shown.append(f"  and {len(self.inputs) - len(shown)} more")
        shown += [f"  {name}  size unknown" for name in self.streams]
        lines = ["inputs:", *shown, "steps:", *(f"  {step}" for step in self.steps)]
        lines += ["outputs:", *(f"  {path}" for path in self.outputs)]
        return "\n".join([*lines, f"estimate: {self.sentence().split('; ', 1)[1]}"])


def make_plan(recipe: Recipe, output: Path, *, threads: int, is_count_only: bool = False) -> Plan:
    """The plan of a recipe for this output.

    Raises:
        InputError: a source names no file.
    """
    files = input_files(recipe)
    sizes = [(str(path), path.stat().st_size) for path in files]
    text_bytes = sum(_text_size(path, size) for path, (_, size) in zip(files, sizes, strict=True))
    distinct = _distinct(text_bytes)
    seconds = text_bytes / (_COUNT_BYTES_PER_SECOND * threads)
    if not is_count_only:
        seconds += _SAVE_SECONDS + distinct * (_TRAIN_SECONDS_PER_DISTINCT + _CHECK_SECONDS_PER_DISTINCT)
    steps = [f"count pre-tokens of `{recipe.pretokenizer}`" if recipe.counts is None else "load the counts"]
    outputs = [str(output)]
    if not is_count_only:
        steps += [f"train `{recipe.method}`, {_size_of(recipe)}"]
        steps += ["save, export " + ", ".join(dict.fromkeys(["hf", *(step.to for step in recipe.exports)]))]
        steps += [f"transplant {recipe.transplant.inputs.base}"] if recipe.transplant else []
        steps += [f"evaluate `{step.name}` on {', '.join(step.texts)}" for step in recipe.evaluations]
        outputs = [
            f"{output}/",
            *([f"{output}/model/"] if recipe.transplant else []),
            *(f"{output}/eval/{step.name}.json" for step in recipe.evaluations),
        ]
    return Plan(
        inputs=tuple(sizes),
        streams=tuple(streams(recipe)),
        text_bytes=text_bytes,
        steps=tuple(steps),
        memory_bytes=int(_BASE_MEMORY + distinct * _MEMORY_PER_DISTINCT),
        seconds=seconds,
        outputs=tuple(outputs),
    )


def _distinct(text_bytes: int) -> float:
    """Distinct pre-tokens to expect: Heaps' law, fitted to documentation and books of 1 MB to 1 GB."""
    return 6.0 * text_bytes**0.62 if text_bytes else 0.0


def _size_of(recipe: Recipe) -> str:
    size = getattr(recipe.training, "vocab_size", None)
    return f"{size:,} tokens" if isinstance(size, int) else "as configured"


def _text_size(path: Path, size: int) -> int:
    try:
        with path.open("rb") as file:
            head = file.read(6)
    except OSError:
        return size
    return int(size * _EXPANSION) if head.startswith(_COMPRESSED) else size
