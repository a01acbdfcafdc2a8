"""`tokkit eval`: measure tokenizers side by side."""

from pathlib import Path
from typing import Any

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb
from tokkit.errors import UsageError


@verb(
    "eval",
    examples=(
        "tokkit eval mytok --on book.txt",
        "tokkit eval mytok gpt2=tokenizer.json bytes --on en=english.txt --on tr=turkish.txt --json",
    ),
)
@click.argument("tokenizers", nargs=-1, required=True, metavar="[NAME=]TOKENIZER...")
@click.option(
    "--on", "texts", multiple=True, required=True, metavar="[NAME=]FILE", help="Text to measure on (repeatable)."
)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="One of `tokkit list metrics` (repeatable).")
@options.json_option
@options.offline_option
def command(
    talk: Talk, *, tokenizers: tuple[str, ...], texts: tuple[str, ...], metrics: tuple[str, ...], as_json: bool
) -> None:
    """TOKENIZER is what `tokkit encode` takes, or `bytes` or `characters` as a baseline. Texts of the same NAME are
    taken together.
    """
    from tokkit.evaluate import DEFAULT_METRICS, evaluate
    from tokkit.recipe.evaluation import read_texts, subject

    subjects: dict[str, Any] = {}
    for name, path in map(_named, tokenizers):
        if name in subjects:
            raise UsageError(f"two tokenizers are called `{name}`", hint="name them: NAME=TOKENIZER")
        subjects[name] = subject(path)
    files: dict[str, list[str]] = {}
    for name, path in map(_named, texts):
        files.setdefault(name, []).append(path)
    documents = {name: read_texts(paths) for name, paths in files.items()}
    with talk.display() as display:
        results = evaluate(subjects, documents, metrics or DEFAULT_METRICS, progress=display)
    click.echo(results.to_json() if as_json else results.table())


def _named(text: str) -> tuple[str, str]:
    """(name, path) of `name=path`, or of a path that is its own name."""
    name, equals, path = text.partition("=")
    if equals and name and path and not Path(text).exists():
        return name, path
    # The names of artefacts are folders, those of others files: `tokenizer.json` says less than its folder does.
    place = Path(text)
    return (place.parent.name if place.name == "tokenizer.json" and place.parent.name else place.name or text), text
