"""`tokkit count`: text to a table of pre-token counts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tokkit.cli import options
from tokkit.cli.listed import options_of
from tokkit.cli.verb import Talk, verb


def _more_options(arguments: Sequence[str]) -> list[click.Option]:
    return [
        *options_of("tokkit.counts.count:CountConfig", "corpus", arguments, heading="Options of counting"),
        *options_of("tokkit.corpus.spec:SourceSpec", "source", arguments, heading="Options of reading", skip={"path"}),
    ]


@verb(
    "count",
    examples=(
        "tokkit count book.txt -o counts.parquet",
        "tokkit count 'shard-*.jsonl.zst' --memory 4G -o counts.parquet --pretokenizer gpt2@1",
    ),
    more_options=_more_options,
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@options.out_option("Parquet file to write.")
@click.option(
    "--pretokenizer",
    default="llama-bpe@1",
    show_default=True,
    metavar="NAME",
    help="One of `tokkit list pretokenizers`.",
)
@click.option("--merge", is_flag=True, help="INPUT are tables already: add them up.")
@options.threads_option
@options.memory_option
@options.overwrite_option
@options.dry_run_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    inputs: tuple[str, ...],
    output: Path,
    pretokenizer: str,
    merge: bool,
    threads: int,
    memory: int | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """INPUT is what `tokkit train` takes. The table is the same whatever the threads, the memory, the cut of the text
    into files, or their order; tables counted on several machines add up with --merge.
    """
    from tokkit.atomic import refuse_overwrite
    from tokkit.cli.derived import given
    from tokkit.counts import CountTable, count
    from tokkit.recipe.faults import RecipeError
    from tokkit.recipe.inputs import resolved_sources
    from tokkit.recipe.load import Loaded
    from tokkit.recipe.plan import make_plan
    from tokkit.recipe.report import reading_warnings
    from tokkit.recipe.schema import parse, runtime_options

    refuse_overwrite(output, overwrite=overwrite)
    if merge and not dry_run:
        table = CountTable.merge([CountTable.load(Path(path)) for path in inputs])
    else:
        source = given(chosen, "source")
        corpus = {**given(chosen, "corpus"), "sources": [{"path": path, **source} for path in inputs]}
        loaded = Loaded("count", {"recipe": 1, "corpus": corpus, "pretokenizer": {"name": pretokenizer}})
        try:
            recipe = parse(loaded, runtime=runtime_options(threads, memory))
        except RecipeError as error:
            raise RecipeError([_by_flag(fault) for fault in error.faults]) from None
        if dry_run:
            plan = make_plan(recipe, output, threads=threads, is_count_only=True)
            click.echo(json.dumps(plan.to_json()) if as_json else plan.text())
            return
        with talk.display() as display:
            table = count(resolved_sources(recipe), pretokenizer=pretokenizer, config=recipe.counting, progress=display)
    table.save(output, overwrite=overwrite)
    talk.warn(reading_warnings(table))
    if as_json:
        facts = {"schema": "tokkit.count", "version": 1, "output": str(output), "distinct": len(table)}
        click.echo(json.dumps({**facts, "total": table.total, "digest": table.digest}))
        return
    talk.say(f"{len(table):,} distinct pre-tokens, {table.total:,} in all, sha256 {table.digest[:16]}")
    click.echo(str(output))


def _by_flag(fault: Any) -> Any:
    """`corpus.sources.0.field` and `corpus.field` are `--field` here."""
    from tokkit.recipe.faults import Fault

    name = fault.where.rsplit(".", 1)[-1]
    return Fault(
        "--" + name.replace("_", "-") if fault.where.startswith("corpus.") else fault.where, fault.what, fault.hint
    )
