"""`tokkit train`: builds a recipe from options and runs it."""

from collections.abc import Sequence
from typing import Any

import click

from tokkit.cli import options
from tokkit.cli.listed import SHARED_FIELDS, options_of, value_of
from tokkit.cli.verb import Talk, verb
from tokkit.errors import UsageError


def _more_options(arguments: Sequence[str]) -> list[click.Option]:
    def of_method(name: str) -> list[click.Option]:
        place = f"tokkit.trainers.base:TRAINERS/{name}"
        return options_of(place, "train", arguments, heading=f"Options of --method {name}")

    try:
        chosen = of_method(value_of("--method", arguments) or "bpe")
    except UsageError:
        # An unknown method is reported when the recipe is parsed, with all else that is wrong.
        chosen = of_method("bpe")
    counting = "tokkit.counts.count:CountConfig"
    skip = {*SHARED_FIELDS, "special_tokens", "specials"}
    return [
        *chosen,
        *options_of(counting, "corpus", arguments, heading="Options of counting", skip=skip),
        *options_of("tokkit.corpus.spec:SourceSpec", "source", arguments, heading="Options of reading", skip={"path"}),
    ]


@verb(
    "train",
    examples=(
        "tokkit train book.txt -o mytok --vocab-size 8000",
        "tokkit train --counts words.tsv -o mytok --method bpe --vocab-size 32000 --export tiktoken",
    ),
    more_options=_more_options,
)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@options.out_option("Folder to make.", required=False)
@click.option("-c", "--config", metavar="RECIPE", help="Start from this recipe; options given here go above it.")
@click.option(
    "--method", metavar="NAME", help="One of `tokkit list trainers`; its options show with --help.  [default: bpe]"
)
@click.option(
    "--counts", metavar="FILE", help="Train on a table of counts (parquet, or WORD<TAB>COUNT) instead of text."
)
@click.option("--pretokenizer", metavar="NAME", help="One of `tokkit list pretokenizers`.  [default: llama-bpe@1]")
@click.option("--export", "exports", multiple=True, metavar="NAME", help="Also write this format (repeatable).")
@click.option("--min-fidelity", type=float, metavar="X", help="Fail when an export keeps less of the training mass.")
@click.option("--strict", is_flag=True, help="Fail when pairs run out before the vocabulary is full.")
@options.set_option
@options.threads_option
@options.memory_option
@options.overwrite_option
@options.resume_option
@options.dry_run_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    inputs: tuple[str, ...],
    config: str | None,
    overrides: tuple[str, ...],
    **given_options: Any,
) -> None:
    """INPUT is a file, folder, glob, @LIST, - for stdin, or a data set hf://ID; txt, jsonl, csv, tsv, parquet or arrow,
    compressed or not.

    The resolved recipe is written into the folder: `tokkit run OUT/recipe.lock.toml` makes it again.
    """
    from tokkit.cli.running import run_recipe
    from tokkit.recipe.load import Loaded, finish, load

    loaded = load(config) if config else Loaded(name="train", table={"recipe": 1})
    flags = _write_options(loaded.table, inputs, given_options)
    finish(loaded, overrides)
    run_recipe(talk, loaded, flags=flags, **{name: given_options[name] for name in _RUN_OPTIONS})


_RUN_OPTIONS = ("output", "threads", "memory", "overwrite", "resume", "dry_run", "strict", "as_json")


def _write_options(table: dict[str, Any], inputs: tuple[str, ...], chosen: dict[str, Any]) -> dict[str, str]:
    """Puts what was given on the command line into the recipe's table; key path -> flag, for messages."""
    from tokkit.cli.derived import given

    flags: dict[str, str] = {}
    for section in ("corpus", "train"):
        values = given(chosen, section)
        table.setdefault(section, {}).update(values)
        flags |= {f"{section}.{name}": "--" + name.replace("_", "-") for name in values}
    if chosen["method"]:
        table["train"]["method"] = chosen["method"]
        flags["train.method"] = "--method"
    source = given(chosen, "source")
    if inputs:
        table["corpus"]["sources"] = [{"path": path, **source} for path in inputs]
        flags |= {
            f"corpus.sources.{index}.{name}": "--" + name.replace("_", "-")
            for index in range(len(inputs))
            for name in source
        }
    if chosen["counts"]:
        table["corpus"]["counts"] = chosen["counts"]
        flags["corpus.counts"] = "--counts"
    if chosen["pretokenizer"]:
        table["pretokenizer"] = {"name": chosen["pretokenizer"]}
        flags["pretokenizer.name"] = "--pretokenizer"
    if chosen["exports"]:
        table["export"] = [{"to": name} for name in chosen["exports"]]
        flags |= {f"export.{index}.to": "--export" for index in range(len(chosen["exports"]))}
    if chosen["min_fidelity"] is not None:
        table["export"] = [
            {**step, "min_fidelity": chosen["min_fidelity"]} for step in table.get("export") or [{"to": "hf"}]
        ]
        flags |= {f"export.{index}.min_fidelity": "--min-fidelity" for index in range(len(table["export"]))}
    return flags
