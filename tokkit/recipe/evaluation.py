"""The evaluations of a recipe: a trained folder and others beside it, on named texts."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.progress import Progress
from tokkit.recipe.inputs import resolve
from tokkit.recipe.schema import EvalStep

if TYPE_CHECKING:
    from tokkit.evaluate import Results
    from tokkit.metrics.base import Subject


def evaluation_files(step: EvalStep) -> list[Path]:
    """The files that the step reads, in order."""
    return [Path(resolve(name)) for names in step.texts.values() for name in _several(names)]


def evaluate_step(step: EvalStep, output: Path, progress: Progress) -> "Results":
    """Measures the tokenizer in `output`, called "trained", and those to compare."""
    from tokkit.evaluate import DEFAULT_METRICS, evaluate

    tokenizers: dict[str, Subject] = {"trained": subject(str(output))}
    tokenizers |= {label: subject(name) for label, name in step.compare.items()}
    texts = {label: read_texts(_several(names)) for label, names in step.texts.items()}
    return evaluate(tokenizers, texts, step.metrics or DEFAULT_METRICS, progress=progress)


def subject(name: str) -> "Subject":
    """A tokenizer to measure: a baseline by name (`bytes`, `characters`), or whatever `tokkit.load` reads."""
    from tokkit.evaluate import BASELINES
    from tokkit.load import load_tokenizer

    if name in BASELINES and not Path(name).exists():
        return BASELINES[name]()
    return load_tokenizer(name)


def read_texts(names: Iterable[str]) -> list[str]:
    """The documents of the files, as text.

    Raises:
        InputError: a file is missing, unreadable or not UTF-8.
    """
    from tokkit.corpus import SourceSpec, read

    texts: list[str] = []
    for name in names:
        # The default policy of reading stops at what is not UTF-8, with file, line and byte.
        batches = read(SourceSpec(path=resolve(name)))
        texts += [document.decode("utf-8") for batch in batches for document in batch.texts()]
    return texts


def _several(names: "str | tuple[str, ...]") -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
