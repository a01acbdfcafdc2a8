"""Suites: named, versioned choices of metrics and texts, one TOML file each; `core@1` is `evals/core.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from tokkit.errors import InputError, UsageError
from tokkit.metrics.base import find
from tokkit.metrics.lexical import WordList
from tokkit.metrics.morphology import GoldWord
from tokkit.spec import Spec


class WordListSpec(Spec):
    """A word list and what it is called beside the numbers that depend on it."""

    path: str = Field(description="file of one word a line; `data:` names the data that ships with tokkit")
    name: str = Field(pattern=r"^[A-Za-z0-9._-]+@[0-9]+$", description="name and version, such as zemberek-roots@1")
    language: str = Field("", description="code of the language, for its lower case")


class SuiteSpec(Spec):
    """What a suite file may say."""

    suite: str = Field(pattern=r"^[a-z0-9-]+$", description="the suite's name")
    version: int = Field(ge=1, description="raised whenever a number of the suite can change")
    description: str = Field(description="one line: what question the suite answers")
    metrics: tuple[str, ...] = Field((), description="metrics with their versions")
    texts: dict[str, str | tuple[str, ...]] = Field(default_factory=dict, description="name to file or files")
    reference: str | None = Field(None, description="the text that premiums refer to; all texts are then parallel")
    word_lists: dict[str, WordListSpec] = Field(default_factory=dict, description="text to its word list")
    morpheme_lists: dict[str, WordListSpec] = Field(default_factory=dict, description="text to its list of morphemes")
    morphology: dict[str, str] = Field(
        default_factory=dict,
        description="name to a file of `word TAB morphemes divided by spaces [TAB stem [TAB count]]`",
    )
    health: bool = Field(default=False, description="look at the vocabulary too")


@dataclass(frozen=True)
class Suite:
    """A suite read from a file, its paths resolved."""

    spec: SuiteSpec
    path: Path
    digest: str

    @property
    def id(self) -> str:
        """Name and version."""
        return f"{self.spec.suite}@{self.spec.version}"

    def texts(self) -> dict[str, list[str]]:
        """The files of each text."""
        return {
            name: [self.resolve(file) for file in ((files,) if isinstance(files, str) else files)]
            for name, files in self.spec.texts.items()
        }

    def word_lists(self) -> dict[str, WordList]:
        """The word list of each text that has one."""
        return self._lists(self.spec.word_lists)

    def morpheme_lists(self) -> dict[str, WordList]:
        """The list of morphemes of each text that has one."""
        return self._lists(self.spec.morpheme_lists)

    def _lists(self, entries: dict[str, WordListSpec]) -> dict[str, WordList]:
        return {
            text: WordList.load(Path(self.resolve(entry.path)), name=entry.name, language=entry.language)
            for text, entry in entries.items()
        }

    def morphology(self) -> dict[str, list[GoldWord]]:
        """Gold morphemes of each list."""
        return {name: read_morphemes(Path(self.resolve(file))) for name, file in self.spec.morphology.items()}

    def resolve(self, name: str) -> str:
        """A path of the suite: `data:` is what ships with tokkit, others are beside the suite's file."""
        from tokkit.bundle import folder

        if name.startswith("data:"):
            return str(folder("data") / name.removeprefix("data:"))
        return name if Path(name).is_absolute() else str(self.path.parent / name)


def load_suite(reference: str) -> Suite:
    """The suite of a name, an id such as `core@1`, or the path of a suite file.

    Raises:
        UsageError: no such suite, or another version than the one there is.
        InputError: the file is no suite.
    """
    if reference.endswith(".toml") or "/" in reference:
        return _read(Path(reference))
    name, at, version = reference.partition("@")
    found = shipped_suites()
    if name not in found:
        raise UsageError(f"unknown suite, got `{reference}`", hint="one of: " + ", ".join(sorted(found)))
    suite = _read(found[name])
    if at and version != str(suite.spec.version):
        raise UsageError(
            f"suite `{name}` has the version {suite.spec.version} here, got {version or 'none'}",
            hint="numbers of different versions cannot be compared",
        )
    return suite


def shipped_suites() -> dict[str, Path]:
    """Name -> file of the suites that ship with tokkit."""
    from tokkit.bundle import folder

    return {path.stem: path for path in sorted(folder("evals").glob("*.toml"))}


def read_morphemes(path: Path) -> list[GoldWord]:
    """Gold segmentations: `word TAB morphemes`, the morphemes divided by spaces and joined to the word.

    A third column may say which morpheme is the stem, from 1, a fourth how often the word occurs. Lines that start
    with `#` are notes.

    Raises:
        InputError: a line of another shape; names it.
    """
    from tokkit.corpus import SourceSpec, read

    rows: list[GoldWord] = []
    lines = [line for batch in read(SourceSpec(path=str(path), format="text")) for line in batch.texts()]
    for number, line in enumerate(lines, 1):
        content = line.decode().rstrip("\r\n")
        if content.startswith("#"):
            continue
        columns = content.split("\t")
        word, joined, stem, count = [*columns, "", "", ""][:4]
        morphemes = joined.split()
        if not word or "".join(morphemes) != word:
            raise InputError(f"{path}:{number}: the morphemes must join to the word, got {content!r}")
        is_numbers = len(columns) <= 4 and all(part.isdecimal() for part in (stem, count) if part)
        if not is_numbers or (stem and not 1 <= int(stem) <= len(morphemes)):
            raise InputError(
                f"{path}:{number}: stem must be the place of a morpheme and count a number, got {content!r}",
                hint="word TAB morphemes [TAB stem, from 1 [TAB count]]",
            )
        rows.append(GoldWord(tuple(morphemes), int(stem) - 1 if stem else None, int(count or 1)))
    return rows


def _read(path: Path) -> Suite:
    import hashlib

    try:
        content = path.read_bytes()
        spec = SuiteSpec.model_validate(tomllib.loads(content.decode()))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no TOML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(f"{path}: {faults}", hint="`tokkit list suites` shows those that ship with tokkit") from error
    for metric in spec.metrics:
        find(metric)
    return Suite(spec, path, hashlib.sha256(content).hexdigest())
