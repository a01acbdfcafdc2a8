"""`tokkit extend`: more tokens for a tokenizer, every old id kept."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tokkit.cli import options, transplanting
from tokkit.cli.listed import options_of
from tokkit.cli.verb import Talk, verb
from tokkit.errors import UsageError


def _more_options(arguments: Sequence[str]) -> list[click.Option]:
    return options_of("tokkit.trainers.extend:ExtendConfig", "extend", arguments, heading="Options of extending")


@verb(
    "extend",
    examples=(
        "tokkit extend mytok hindi.txt -o mytok-hi --vocab-size 12000",
        "tokkit extend tokenizer.json --counts hindi.parquet --protect english.parquet -o out --vocab-size 136000",
    ),
    more_options=_more_options,
)
@click.argument("tokenizer")
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@options.out_option("Folder to make.")
@click.option("--counts", metavar="FILE", help="Learn from this table of counts instead of INPUT.")
@click.option("--protect", metavar="FILE", help="Table of counts whose words must encode as before.")
@transplanting.model_option
@options.threads_option
@options.memory_option
@options.overwrite_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizer: str,
    inputs: tuple[str, ...],
    output: Path,
    counts: str | None,
    protect: str | None,
    pretrained: str | None,
    threads: int,
    memory: int | None,
    overwrite: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """TOKENIZER is a folder of tokkit or another program's BPE. New merges rank below all old ones: a new token can
    only replace tokens that the old encoding put side by side, and with --protect not even there.
    """
    from tokkit import artifact
    from tokkit.api import model_of
    from tokkit.atomic import refuse_overwrite
    from tokkit.cli.derived import given
    from tokkit.cli.tokenizers import counts_for
    from tokkit.counts import CountTable
    from tokkit.model.vocab import vocab_size
    from tokkit.recipe.schema import runtime_options
    from tokkit.trainers.extend import ExtendConfig, extend

    config = ExtendConfig(**given(chosen, "extend"))
    refuse_overwrite(output, overwrite=overwrite)
    transplanting.check_model(pretrained, tokenizer)
    model = model_of(tokenizer)
    runtime = {name: value for name, value in runtime_options(threads, memory).items() if value is not None}
    with talk.display() as display:
        table = counts_for(model, inputs, counts, runtime, display)
        if table is None:
            raise UsageError("neither INPUT nor --counts is given", hint="name the text to learn from")
        guarded = CountTable.load(Path(protect), pretokenizer=model.pretokenizer) if protect else None
        longer = extend(model, table, config=config, protect=guarded, progress=display)
    artifact.save(longer, output, counts_digest=table.digest, overwrite=overwrite)
    transplanting.follow(talk, pretrained, output, threads=threads)
    before, after = vocab_size(model), vocab_size(longer)
    if longer.exhausted:
        talk.warn([f"pairs ran out: {after:,} tokens instead of {config.vocab_size:,}"])
    if as_json:
        facts = {"schema": "tokkit.extend", "version": 1, "output": str(output)}
        click.echo(json.dumps({**facts, "vocab_size_before": before, "vocab_size": after}))
        return
    talk.say(f"{after - before:,} tokens more: {before:,} before, {after:,} now")
    click.echo(str(output))
