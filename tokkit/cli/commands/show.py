"""`tokkit show`: the tokens of a text, or how merges made them."""

import json
import os
import sys

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb


@verb("show", examples=('tokkit show mytok "an unbelievable sentence"', "tokkit show mytok --tree unbelievable"))
@click.argument("tokenizer")
@click.argument("text", nargs=-1, metavar="[TEXT]...")
@click.option("--tree", is_flag=True, help="Show the merges that made each token.")
@click.option("--ids", "show_ids", is_flag=True, help="Show the id of each token too.")
@click.option(
    "--colour",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    show_default=True,
    help="auto colours on a terminal, unless NO_COLOR is set.",
)
@options.specials_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizer: str,
    text: tuple[str, ...],
    tree: bool,
    show_ids: bool,
    colour: str,
    allow_special: tuple[str, ...],
    as_json: bool,
) -> None:
    """TEXT is joined by spaces; without it, or as -, it is read from stdin. A bar stands between two tokens; what a
    terminal would not show, or would obey, is escaped.
    """
    from tokkit.cli.lines import whole_texts
    from tokkit.cli.tokenizers import allowed_specials
    from tokkit.load import load_tokenizer
    from tokkit.report.show import merge_trees, render, render_trees, show

    loaded = load_tokenizer(tokenizer)
    given = next(iter(whole_texts(("-",))))[0] if text in ((), ("-",)) else " ".join(text)
    if tree:
        click.echo(render_trees(merge_trees(loaded, given)))
        return
    shown = show(loaded, given, allowed_special=allowed_specials(allow_special, loaded))
    if as_json:
        head = {"schema": "tokkit.show", "version": 1, "tokenizer": tokenizer}
        click.echo(json.dumps({**head, **shown.to_json()}, ensure_ascii=False))
        return
    is_coloured = colour == "always" or (colour == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    # `render` has escaped what the text holds: the only escape codes left are its own, and click must not strip them.
    click.echo(render(shown, colour=is_coloured, ids=show_ids), color=True)
    talk.say(f"{len(shown.tokens)} tokens, {len(given.encode('utf-8', 'surrogatepass'))} bytes")
