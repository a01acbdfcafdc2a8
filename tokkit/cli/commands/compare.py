"""`tokkit compare`: whether one tokenizer is better than another on the same documents, and by how much."""

import click

from tokkit.cli import options
from tokkit.cli.measuring import named_subjects, named_texts
from tokkit.cli.verb import Talk, verb
from tokkit.errors import UsageError


@verb(
    "compare",
    examples=(
        "tokkit compare mytok gpt2=tokenizer.json --on book.txt",
        "tokkit compare a b c --on en=english.txt --on tr=turkish.txt --metric bytes_per_token --json",
    ),
)
@click.argument("tokenizers", nargs=-1, required=True, metavar="[NAME=]TOKENIZER...")
@click.option(
    "--on", "texts", multiple=True, required=True, metavar="[NAME=]FILE", help="Text, one document a line (repeatable)."
)
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
@options.seed_option
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
    seed: int,
    as_json: bool,
) -> None:
    """Every two tokenizers on every text: the ratio with its 95 % bootstrap interval, Student's t on the logs, Holm's
    correction over all of them, and a verdict. p-values never stand alone: an effect below --min-effect is equal.
    """
    from tokkit.evaluate.compare import compare
    from tokkit.evaluate.gates import parse_share
    from tokkit.report.tables import to_latex, to_markdown

    if len(tokenizers) < 2:
        raise UsageError(f"compare: needs two tokenizers or more, got {len(tokenizers)}")
    effect = parse_share(min_effect)
    with talk.display() as display:
        found = compare(
            named_subjects(tokenizers),
            named_texts(texts),
            metrics or ("fertility.ws",),
            min_effect=effect,
            seed=seed,
            progress=display,
        )
    if as_json or form == "json":
        click.echo(found.to_json())
    elif form == "markdown":
        click.echo(to_markdown(found.cells(), left=4))
    else:
        click.echo(to_latex(found.cells(), left=4) if form == "latex" else found.table())
