"""`tokkit undertrained`: tokens of vocabularies by their uses in a text."""

import json
from pathlib import Path

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb


@verb(
    "undertrained",
    examples=(
        "tokkit undertrained mybpe mypicky --on corpus.txt",
        "tokkit undertrained mybpe mypicky --on corpus.txt --picture uses.svg --json",
    ),
)
@click.argument("tokenizers", nargs=-1, required=True, metavar="TOKENIZER...")
@click.option("--on", "inputs", multiple=True, required=True, metavar="PATH", help="Text to encode (repeatable).")
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE", help="Draw it too: .svg, .png or .pdf.")
@click.option("--rarest", type=click.IntRange(0), default=0, metavar="N", help="List the N rarest tokens of each.")
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizers: tuple[str, ...],
    inputs: tuple[str, ...],
    picture: Path | None,
    rarest: int,
    as_json: bool,
) -> None:
    """A token that a text hardly uses is one that a model hardly learns. Special tokens are left out."""
    from tokkit.counts import count
    from tokkit.errors import TokenizerError
    from tokkit.load import load_tokenizer
    from tokkit.model.tokenizer import Tokenizer
    from tokkit.report import undertrained
    from tokkit.report.text import quoted

    loaded: dict[str, Tokenizer] = {}
    for name in dict.fromkeys(tokenizers):
        one = load_tokenizer(name)
        if not isinstance(one, Tokenizer):
            raise TokenizerError(f"{name}: runs in another library, whose tokens cannot be counted here")
        loaded[name] = one
    with talk.display() as display:
        schemes = sorted({one.pretokenizer for one in loaded.values()})
        tables = {scheme: count(list(inputs), pretokenizer=scheme, progress=display) for scheme in schemes}
    rows = undertrained.measured(loaded, tables)
    if picture is not None:
        undertrained.picture(rows, picture)
        talk.say(f"wrote {picture}")
    if as_json:
        head = {"schema": "tokkit.undertrained", "version": 1}
        click.echo(json.dumps({**head, "tokenizers": undertrained.to_json(rows)}, ensure_ascii=False))
        return
    click.echo(undertrained.table(rows))
    for row in rows if rarest else ():
        click.echo(f"\nrarest of {row.name}")
        for token, uses in zip(row.ids[:rarest].tolist(), row.uses[:rarest].tolist(), strict=True):
            click.echo(f"{uses:>10,}  {token:>8}  {quoted(loaded[row.name].token_bytes(token))}")
