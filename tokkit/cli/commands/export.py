"""`tokkit export`: write a tokenizer of ours for other programs."""

from pathlib import Path

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb


@verb(
    "export",
    examples=(
        "tokkit export mytok --to tiktoken -o exported",
        "tokkit export mytok --to hf --counts counts.parquet --min-fidelity 1 -o exported",
    ),
)
@click.argument("tokenizer")
@click.option(
    "--to", "formats", multiple=True, required=True, metavar="NAME", help="One of `tokkit list exports` (repeatable)."
)
@options.out_option("Folder to make.")
@click.option("--counts", metavar="FILE", help="Measure on this table how faithful the file is.")
@click.option(
    "--min-fidelity", type=click.FloatRange(0, 1), metavar="X", help="Fail below this share of the mass of --counts."
)
@click.option(
    "--role", "roles", multiple=True, metavar="ROLE=TOKEN", help="Name the bos, eos, pad ... token (repeatable)."
)
@options.overwrite_option
@options.json_option
def command(
    talk: Talk,
    *,
    tokenizer: str,
    formats: tuple[str, ...],
    output: Path,
    counts: str | None,
    min_fidelity: float | None,
    roles: tuple[str, ...],
    overwrite: bool,
    as_json: bool,
) -> None:
    """TOKENIZER is a folder of tokkit; `tokkit convert` takes those of other programs. What a format cannot hold is
    refused, with code 4.
    """
    from tokkit import artifact
    from tokkit.cli.exporting import write_exports

    model = artifact.load(Path(tokenizer))
    write_exports(
        talk, model, formats, output, counts=counts, min_fidelity=min_fidelity, roles=roles, overwrite=overwrite,
        as_json=as_json,
    )  # fmt: skip
