"""`tokkit adapt`: specialises a tokenizer to a domain."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tokkit.cli import options
from tokkit.cli.listed import options_of
from tokkit.cli.verb import Talk, verb


def _more_options(arguments: Sequence[str]) -> list[click.Option]:
    return options_of("tokkit.trainers.adapt:AdaptConfig", "adapt", arguments, heading="Options of adapting")


@verb(
    "adapt",
    examples=(
        "tokkit adapt mytok law.txt -o lawtok --n-new 2000",
        "tokkit adapt tokenizer.json notes.jsonl -o medtok --cross-words --max-n 4",
    ),
    more_options=_more_options,
)
@click.argument("tokenizer")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@options.out_option("Folder to make.")
@options.overwrite_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizer: str,
    inputs: tuple[str, ...],
    output: Path,
    overwrite: bool,
    as_json: bool,
    **given_options: Any,
) -> None:
    """Rare tokens of TOKENIZER give their ids to n-grams that are frequent in INPUT; all other ids stay.

    OUT/adapt.json is the map that moving a model's embeddings needs.
    """
    from tokkit.atomic import refuse_overwrite
    from tokkit.cli.derived import given
    from tokkit.corpus import read
    from tokkit.errors import TokenizerError
    from tokkit.load import load_tokenizer
    from tokkit.model.tokenizer import Tokenizer
    from tokkit.trainers.adapt import AdaptConfig, adapt

    base = load_tokenizer(tokenizer)
    if not isinstance(base, Tokenizer):
        raise TokenizerError(f"{tokenizer}: needs another library to encode", hint="convert it first")
    refuse_overwrite(output, overwrite=overwrite)
    config = AdaptConfig(**given(given_options, "adapt"))
    with talk.display() as display:
        texts = [text.decode() for batch in read(list(inputs)).batches(display) for text in batch.texts()]
        adapted = adapt(base, texts, config=config, progress=display)
    path = Path(tokenizer)
    adapted.save(output, source=path if path.exists() else None, overwrite=overwrite)
    before = len(base.encode_batch(texts).ids)
    after = len(adapted.encode_batch(texts).ids)
    facts = {
        "schema": "tokkit.adapt",
        "version": 1,
        "output": str(output),
        "removed": len(adapted.removed),
        "new": len(adapted.new_tokens),
        "tokens_before": before,
        "tokens_after": after,
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    talk.say(
        f"{len(adapted.new_tokens):,} n-grams in place of {len(adapted.removed):,} tokens: "
        f"{after:,} tokens on the text where there were {before:,}"
    )
    click.echo(str(output))
