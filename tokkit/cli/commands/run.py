"""`tokkit run`: runs a recipe."""

from typing import Any

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb


@verb(
    "run",
    examples=(
        "tokkit run quickstart/english -o english --dry-run",
        "tokkit run my.toml -o mytok --set train.vocab_size=16000",
    ),
)
@click.argument("recipe")
@options.out_option("Folder to make; else the recipe's `output`, else its name.", required=False)
@click.option("--strict", is_flag=True, help="Fail when pairs run out before the vocabulary is full.")
@options.set_option
@options.threads_option
@options.memory_option
@options.overwrite_option
@options.resume_option
@options.dry_run_option
@options.json_option
@options.offline_option
def command(talk: Talk, *, recipe: str, overrides: tuple[str, ...], **chosen: Any) -> None:
    """RECIPE is a TOML file, or a recipe that ships with tokkit (`tokkit list recipes`).

    Steps that an earlier run finished are skipped: counts are found again in the cache folder (TOKKIT_CACHE, else
    the user's cache), the training and the evaluations in the output folder. A step is finished when the options that
    decide its result, the content of its inputs and the version of tokkit are the same.
    """
    from tokkit.cli.running import run_recipe
    from tokkit.recipe.load import load

    run_recipe(talk, load(recipe, overrides), flags={}, **chosen)
