"""`tokkit diff`: where two tokenizers cut texts differently."""

import json
from collections.abc import Iterator

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb


@verb(
    "diff",
    examples=("tokkit diff mytok tokenizer.json book.txt", "tokkit diff a b --text 'a contested sentence' --json"),
)
@click.argument("left")
@click.argument("right")
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("--text", help="Compare on this text instead of INPUT.")
@click.option(
    "--limit", type=click.IntRange(0), default=20, show_default=True, metavar="N", help="How many differences to show."
)
@click.option("--exit-code", is_flag=True, help="End with code 1 when there is a difference.")
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    left: str,
    right: str,
    inputs: tuple[str, ...],
    text: str | None,
    limit: int,
    exit_code: bool,
    as_json: bool,
) -> int:
    """INPUT is a file, or - for stdin (the default); each line is a text. Cuts are aligned by byte offset, so that
    vocabularies with other ids compare too.
    """
    from tokkit.cli.lines import batches_of_lines
    from tokkit.load import load_tokenizer
    from tokkit.report.diff import diff, render_diff

    def texts() -> Iterator[str]:
        if text is not None:
            yield text
            return
        for batch in batches_of_lines(inputs):
            yield from batch

    found = diff(load_tokenizer(left), load_tokenizer(right), texts())
    if as_json:
        head = {"schema": "tokkit.diff", "version": 1, "tokenizers": [left, right]}
        click.echo(json.dumps({**head, **found.to_json(limit=limit)}, ensure_ascii=False))
    else:
        click.echo(render_diff(found, limit=limit))
    return 1 if exit_code and found.n_regions else 0
