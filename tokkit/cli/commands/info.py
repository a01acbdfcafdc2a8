"""`tokkit info`: what a tokenizer is."""

import json
from pathlib import Path

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb


@verb("info", examples=("tokkit info mytok", "tokkit info tokenizer.json --longest 30 --json"))
@click.argument("tokenizer")
@click.option(
    "--longest",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    metavar="N",
    help="How many of the longest tokens.",
)
@options.json_option
@options.offline_option
def command(talk: Talk, *, tokenizer: str, longest: int, as_json: bool) -> None:
    """TOKENIZER is a folder of tokkit, a tokenizer.json, a .tiktoken or sentencepiece file, or a hub id."""
    from tokkit import artifact
    from tokkit.load import load_tokenizer
    from tokkit.report.info import info, render_info

    facts = info(load_tokenizer(tokenizer), longest=longest)
    folder = Path(tokenizer)
    manifest = artifact.read_manifest(folder) if (folder / artifact.MANIFEST).is_file() else {}
    origin = {name: manifest[name] for name in ("method", "tokkit", "counts_digest", "sources") if name in manifest}
    if as_json:
        head = {"schema": "tokkit.info", "version": 1, "tokenizer": tokenizer}
        click.echo(json.dumps({**head, **facts.to_json(), "origin": origin}, ensure_ascii=False))
        return
    click.echo(render_info(facts))
    if origin:
        click.echo(f"{'method':<14} {origin['method']}, trained by tokkit {origin['tokkit']}")
        click.echo(f"{'counts sha256':<14} {origin['counts_digest'] or 'not recorded'}")
