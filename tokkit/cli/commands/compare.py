"""`tokkit compare`: whether one tokenizer is better than another on the same documents, and by how much."""

import json
from pathlib import Path

import click

from tokkit.cli import options
from tokkit.cli.measuring import Reading, limit_libraries, named_subjects, named_texts
from tokkit.cli.verb import Talk, verb
from tokkit.errors import UsageError


@verb(
    "compare",
    examples=(
        "tokkit compare mytok gpt2=tokenizer.json --on book.txt",
        "tokkit compare a b c --on en=english.txt --on tr=turkish.txt --metric bytes_per_token --json",
        "tokkit compare before.json after.json",
    ),
)
@click.argument("tokenizers", nargs=-1, required=True, metavar="[NAME=]TOKENIZER...")
@click.option("--on", "texts", multiple=True, metavar="[NAME=]FILE", help="Text, one document a line (repeatable).")
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME", help="A ratio of sums (repeatable).  [default: fertility.ws]"
)
@click.option("--min-effect", default="1%", show_default=True, metavar="SHARE", help="Differences below do not matter.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "markdown", "latex")),
    default="table",
    show_default=True,
    help="What to print.",
)
@options.reading_options
@options.seed_option
@options.threads_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizers: tuple[str, ...],
    texts: tuple[str, ...],
    metrics: tuple[str, ...],
    min_effect: str,
    form: str,
    field: str,
    whole: bool,
    normalize: str,
    sample: int | None,
    seed: int,
    threads: int,
    as_json: bool,
) -> None:
    """Every two tokenizers on every text: the ratio with its 95 % bootstrap interval, Student's t on the logs, Holm's
    correction over all of them, and a verdict; with three texts or more also over all of them, texts drawn too.
    p-values never stand alone: an effect below --min-effect is equal. Two files of results of `tokkit eval --json` are
    compared number by number; different texts, metric versions or word lists are refused.
    """
    from tokkit.evaluate.compare import compare
    from tokkit.evaluate.gates import parse_share
    from tokkit.report.tables import to_latex, to_markdown

    if len(tokenizers) < 2:
        raise UsageError(f"compare: needs two tokenizers or more, got {len(tokenizers)}")
    if not texts and all(name.endswith(".json") for name in tokenizers):
        _compare_results(tokenizers, "json" if as_json else form)
        return
    if not texts:
        raise UsageError("no text is given", hint="add --on FILE")
    limit_libraries(threads)
    effect = parse_share(min_effect)
    with talk.display() as display:
        found = compare(
            named_subjects(tokenizers),
            named_texts(texts, reading=Reading(field, whole, normalize, sample, seed)),
            metrics or ("fertility.ws",),
            min_effect=effect,
            seed=seed,
            threads=threads,
            progress=display,
        )
    if as_json or form == "json":
        click.echo(found.to_json())
    elif form == "markdown":
        click.echo(to_markdown(found.cells(), left=4))
    else:
        click.echo(to_latex(found.cells(), left=4) if form == "latex" else found.table())


def _compare_results(files: tuple[str, ...], form: str) -> None:
    from dataclasses import asdict

    from tokkit.errors import InputError
    from tokkit.evaluate.comparable import changes_between, plain, table_of
    from tokkit.evaluate.results import Results
    from tokkit.report.tables import to_latex, to_markdown

    read = []
    for name in files:
        try:
            read.append(Results.from_json(Path(name).read_text(encoding="utf-8"), name))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{name}: cannot be read: {error}") from error
    found = [
        change
        for name, one in zip(files[1:], read[1:], strict=True)
        for change in changes_between(read[0], one, names=(files[0], name))
    ]
    if form == "json":
        rows = [{**asdict(change), "ratio": change.ratio, "verdict": change.verdict} for change in found]
        click.echo(json.dumps({"schema": "tokkit.changes", "version": 1, "changes": rows}, ensure_ascii=False))
    elif form == "markdown":
        click.echo(to_markdown(table_of(found), left=4))
    else:
        click.echo(to_latex(table_of(found), left=4) if form == "latex" else plain(found))
