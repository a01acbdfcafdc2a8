"""`tokkit undertrained`: tokens of vocabularies by their uses in a text, or by the rows of a model's embeddings."""

import json
from pathlib import Path

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb
from tokkit.errors import UsageError


@verb(
    "undertrained",
    examples=(
        "tokkit undertrained mybpe mypicky --on corpus.txt",
        "tokkit undertrained mybpe mypicky --on corpus.txt --picture uses.svg --json",
        "tokkit undertrained model/ --weights model/ --rarest 20",
    ),
)
@click.argument("tokenizers", nargs=-1, required=True, metavar="TOKENIZER...")
@click.option("--on", "inputs", multiple=True, metavar="PATH", help="Text to encode (repeatable).")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="Model folder, instead of text.",
)
@click.option("--indicator", metavar="NAME", help="Of the weights; by tied embeddings or not when absent.")
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE", help="Draw it too: .svg, .png or .pdf.")
@click.option("--rarest", type=click.IntRange(0), default=0, metavar="N", help="List the N rarest tokens of each.")
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizers: tuple[str, ...],
    inputs: tuple[str, ...],
    weights: Path | None,
    indicator: str | None,
    picture: Path | None,
    rarest: int,
    as_json: bool,
) -> None:
    """A token that a text hardly uses is one that a model hardly learns. Special tokens are left out. With --weights it
    is the rows of the model's own embeddings that tell (Land & Bartolo, 2024), TOKENIZER being the model's; nothing of
    the model is run. --rarest is then how many candidates are listed (all of them with --json).
    """
    if (weights is None) == (not inputs):
        raise UsageError("give --on or --weights, one of them")
    if weights is not None:
        if len(tokenizers) != 1 or picture is not None:
            raise UsageError("--weights: takes one TOKENIZER, and no --picture")
        _by_weights(tokenizers[0], weights, indicator, rarest or 20, as_json=as_json)
        return
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


def _by_weights(name: str, weights: Path, indicator: str | None, most: int, *, as_json: bool) -> None:
    from tokkit.load import load_tokenizer
    from tokkit.metrics.weights import INDICATORS, undertrained
    from tokkit.report.text import quoted

    tokenizer = load_tokenizer(name)
    found = undertrained(weights, tokenizer, indicator=indicator)
    if as_json:
        rows = [
            {"id": token, "token": quoted(tokenizer.token_bytes(token)), "value": value}
            for token, value in found.candidates
        ]
        facts = {
            "indicator": found.indicator,
            "tied": found.is_tied,
            "rows": found.rows,
            "unused": found.unused,
            "unused_by": found.unused_by,
            "threshold": found.threshold,
            "categories": found.categories,
            "candidates": rows,
        }
        click.echo(json.dumps({"schema": "tokkit.undertrained.weights", "version": 1, **facts}, ensure_ascii=False))
        return
    tied = "tied" if found.is_tied else "untied"
    click.echo(f"{found.rows:,} rows, {tied} embeddings; {len(found.unused):,} unused: {found.unused_by}")
    click.echo(f"indicator {found.indicator}: {INDICATORS[found.indicator]}; the lower, the less trained")
    click.echo("; ".join(f"{kind} {count:,}" for kind, count in found.categories.items()))
    click.echo(f"{len(found.candidates):,} candidates at or below {found.threshold:.6g}, the lowest 2 % of OK tokens")
    for token, value in found.candidates[:most]:
        click.echo(f"{value:>12.6g}  {token:>8}  {quoted(tokenizer.token_bytes(token))}")
