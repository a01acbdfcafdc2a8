"""What `eval` and `compare` share: tokenizers and texts by name, the same documents of each, how they are changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from tokkit.errors import UsageError

if TYPE_CHECKING:
    from tokkit.evaluate.suite import Suite

FORMS: Final = ("none", "nfc", "nfd", "nfkc", "nfkd")


@dataclass(frozen=True)
class Reading:
    """How texts become documents: the field of records, whole files, a Unicode form, a sample."""

    field: str = "text"
    whole: bool = False
    form: str = "none"
    sample: int | None = None
    seed: int = 0

    def flags(self) -> dict[str, object]:
        """What a manifest says of it."""
        return {"unit": "file" if self.whole else "line or row", "normalize": self.form, "sample": self.sample}


def named_subjects(tokenizers: Sequence[str]) -> dict[str, Any]:
    """Name -> tokenizer of arguments such as `mytok`, `gpt2=tokenizer.json`, `bytes`.

    Raises:
        UsageError: two of one name.
    """
    from tokkit.recipe.evaluation import subject

    return {name: subject(path) for name, path in _paths(tokenizers).items()}


def limit_libraries(threads: int) -> None:
    """Holds the thread pools of other libraries to as many threads; each reads this once, when it first works."""
    import os

    os.environ["RAYON_NUM_THREADS"] = str(threads)


def digests(tokenizers: Sequence[str]) -> dict[str, str]:
    """Name -> SHA-256 of the tokenizer's file, or of the files of its folder; none for baselines and hub ids."""
    from tokkit.load.digest import digest

    found = {name: digest(Path(path.removeprefix("hyper:"))) for name, path in _paths(tokenizers).items()}
    return {name: value for name, value in found.items() if value is not None}


def named_texts(
    texts: Sequence[str], suites: "Sequence[Suite]" = (), reading: Reading | None = None
) -> dict[str, list[str]]:
    """Name -> documents of the texts of the suites and of arguments such as `en=english.txt`."""
    from tokkit.recipe.evaluation import read_texts

    files: dict[str, list[str]] = {}
    for suite in suites:
        for name, paths in suite.texts().items():
            files.setdefault(name, []).extend(paths)
    for name, path in map(_named, texts):
        files.setdefault(name, []).append(path)
    how = reading or Reading()
    found = {
        name: read_texts(list(dict.fromkeys(paths)), field=how.field, whole=how.whole) for name, paths in files.items()
    }
    return {name: _changed(documents, how) for name, documents in found.items()}


def by_text(option: str, given: Sequence[str], texts: Mapping[str, object] | None = None) -> dict[str, Path]:
    """Name -> file of arguments `NAME=FILE`.

    Raises:
        UsageError: no `=`, or a name that is no text.
    """
    found = {}
    for item in given:
        name, equals, path = item.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"{option}: must be {'TEXT' if texts is not None else 'NAME'}=FILE, got `{item}`")
        if texts is not None and name not in texts:
            raise UsageError(f"{option}: no such text, got `{name}`", hint="one of: " + ", ".join(texts))
        found[name] = Path(path)
    return found


def _changed(documents: list[str], how: Reading) -> list[str]:
    if how.sample is not None and how.sample < len(documents):
        import numpy as np

        # The same places of every text of as many documents, so that aligned texts stay aligned.
        places = np.random.default_rng(how.seed).choice(len(documents), how.sample, replace=False)
        documents = [documents[place] for place in sorted(places.tolist())]
    if how.form != "none":
        from unicodedata import normalize

        documents = [normalize(how.form.upper(), document) for document in documents]  # type: ignore[arg-type]  # one of FORMS
    return documents


def _paths(tokenizers: Sequence[str]) -> dict[str, str]:
    paths: dict[str, str] = {}
    for name, path in map(_named, tokenizers):
        if name in paths:
            raise UsageError(f"two tokenizers are called `{name}`", hint="name them: NAME=TOKENIZER")
        paths[name] = path
    return paths


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
    prefix, text_path = ("hyper:", text.removeprefix("hyper:")) if text.startswith("hyper:") else ("", text)
    place = Path(text_path)
    short = place.parent.name if place.name == "tokenizer.json" and place.parent.name else place.name or text
    return prefix + short, text
