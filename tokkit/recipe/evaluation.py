"""The evaluations of a recipe: a trained folder and others beside it, on named texts."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.recipe.inputs import resolve
from tokkit.recipe.schema import EvalStep

if TYPE_CHECKING:
    from tokkit.evaluate import Results
    from tokkit.metrics.base import Subject


_CONVERT = "convert the file to UTF-8: iconv -f latin1 -t utf-8"


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
    """A tokenizer to measure: a baseline by name (`bytes`, `characters`), hypertokens over a tokenizer
    (`hyper:TOKENIZER`), or whatever `tokkit.load` reads.
    """
    from tokkit.evaluate import BASELINES
    from tokkit.load import load_tokenizer

    if name in BASELINES and not Path(name).exists():
        return BASELINES[name]()
    if name.startswith("hyper:") and not Path(name).exists():
        from tokkit.hyper.subject import load

        return load(name)
    return load_tokenizer(name)


def read_texts(names: Iterable[str], *, field: str = "text", whole: bool = False) -> list[str]:
    """The documents of the files, as text: lines of text files without their line feed, rows of others.

    `field` is that of jsonl or the column of a table; `whole` makes each text file one document.

    Raises:
        InputError: a file is missing, unreadable or not UTF-8.
    """
    from tokkit.corpus import SourceSpec, read
    from tokkit.corpus.utf8 import HINT

    texts: list[str] = []
    for name in names:
        named = SourceSpec(path=resolve(name), field=field, unit="document" if whole else None)
        for source in read(named).sources:
            # The default policy of reading stops at what is not UTF-8, with file, line and byte.
            try:
                found = [document.decode("utf-8") for batch in read(source) for document in batch.texts()]
            except InputError as error:
                # The option that reading offers is none of an evaluation, which measures the text as it is.
                raise error if error.hint != HINT else InputError(error.message, hint=f"{_CONVERT} {name}") from None
            is_lines = isinstance(source, SourceSpec) and source.format == "text" and not whole
            texts += [document.removesuffix("\n") for document in found] if is_lines else found
    return texts


def _several(names: "str | tuple[str, ...]") -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
