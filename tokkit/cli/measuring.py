"""What `eval` and `compare` share: tokenizers and texts by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tokkit.errors import UsageError

if TYPE_CHECKING:
    from tokkit.evaluate.suite import Suite


def named_subjects(tokenizers: Sequence[str]) -> dict[str, Any]:
    """Name -> tokenizer of arguments such as `mytok`, `gpt2=tokenizer.json`, `bytes`.

    Raises:
        UsageError: two of one name.
    """
    from tokkit.recipe.evaluation import subject

    subjects: dict[str, Any] = {}
    for name, path in map(_named, tokenizers):
        if name in subjects:
            raise UsageError(f"two tokenizers are called `{name}`", hint="name them: NAME=TOKENIZER")
        subjects[name] = subject(path)
    return subjects


def named_texts(texts: Sequence[str], suites: "Sequence[Suite]" = ()) -> dict[str, list[str]]:
    """Name -> documents of the texts of the suites and of arguments such as `en=english.txt`."""
    from tokkit.recipe.evaluation import read_texts

    files: dict[str, list[str]] = {}
    for suite in suites:
        for name, paths in suite.texts().items():
            files.setdefault(name, []).extend(paths)
    for name, path in map(_named, texts):
        files.setdefault(name, []).append(path)
    return {name: read_texts(list(dict.fromkeys(paths))) for name, paths in files.items()}


def named_models(models: Sequence[str]) -> dict[str, str]:
    """Name -> folder of arguments such as `models/base`, `new=models/base-mytok`.

    Raises:
        UsageError: two of one name.
    """
    found: dict[str, str] = {}
    for name, path in map(_named, models):
        if name in found:
            raise UsageError(f"two models are called `{name}`", hint="name them: NAME=DIR")
        found[name] = path
    return found


def whole_texts(texts: Sequence[str], *, unit: Literal["document", "line"]) -> dict[str, list[str]]:
    """Name -> documents of arguments such as `en=english.txt`; a text file is one document, or one for each line.

    Raises:
        InputError: a file is missing, unreadable or not UTF-8.
    """
    from tokkit.corpus import SourceSpec, read
    from tokkit.recipe.inputs import resolve

    found: dict[str, list[str]] = {}
    for name, path in map(_named, texts):
        batches = read(SourceSpec(path=resolve(path), unit=unit))
        found.setdefault(name, []).extend(document.decode("utf-8") for batch in batches for document in batch.texts())
    return found


def _named(text: str) -> tuple[str, str]:
    """(name, path) of `name=path`, or of a path that is its own name."""
    name, equals, path = text.partition("=")
    if equals and name and path and not Path(text).exists():
        return name, path
    # The names of artefacts are folders, those of others files: `tokenizer.json` says less than its folder does.
    place = Path(text)
    return (place.parent.name if place.name == "tokenizer.json" and place.parent.name else place.name or text), text
