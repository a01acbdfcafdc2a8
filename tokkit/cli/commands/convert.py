"""`tokkit convert`: a tokenizer of another program into another format, or into a folder of ours."""

from pathlib import Path

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb


@verb(
    "convert",
    examples=(
        "tokkit convert tokenizer.json --to tiktoken -o converted",
        "tokkit convert o200k_base.tiktoken --to tokkit -o mytok",
        "tokkit convert mypicky --inference greedy --to tokkit -o mygreedy",
        "tokkit convert transplanted --to gguf --gguf-base base-Q4_K_M.gguf -o converted",
    ),
)
@click.argument("tokenizer")
@click.option(
    "--to", "formats", multiple=True, required=True, metavar="NAME", help="`tokkit`, or one of `tokkit list exports`."
)
@options.out_option("Folder to make.")
@click.option(
    "--inference", metavar="NAME", help="Read the vocabulary by this rule: exact, greedy, ghost, longest_prefix ..."
)
@click.option("--counts", metavar="FILE", help="Measure on this table; `likelihood` takes its scores from it.")
@click.option(
    "--min-fidelity", type=click.FloatRange(0, 1), metavar="X", help="Fail below this share of the mass of --counts."
)
@click.option(
    "--role", "roles", multiple=True, metavar="ROLE=TOKEN", help="Name the bos, eos, pad ... token (repeatable)."
)
@click.option(
    "--gguf-base",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --to gguf: write the whole transplanted model (model.gguf), its body from this GGUF of the base model.",
)
@options.overwrite_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizer: str,
    formats: tuple[str, ...],
    output: Path,
    inference: str | None,
    counts: str | None,
    min_fidelity: float | None,
    roles: tuple[str, ...],
    gguf_base: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """TOKENIZER is a tokenizer.json, a .tiktoken or tekken.json file, a folder, or a hub id; it must be BPE that our
    encoder runs exactly.

    With --gguf-base it is a folder that `tokkit transplant` made. The tensors of the body are copied as they are, those
    with a row for each token get the type that they have in FILE, or Q8_0 where the package gguf cannot make it. The
    tokenizer needs a pre-tokenizer that llama.cpp has: llama-bpe@1, qwen2@1 ...
    """
    from tokkit.api import model_of
    from tokkit.cli.exporting import read_by, reading_of, write_exports

    model, reading = model_of(tokenizer), None
    if inference is not None and inference != model.inference:
        original, model = model, read_by(model, inference, counts)
        reading = reading_of(talk, original, model, counts, min_fidelity)
    write_exports(
        talk, model, formats, output, counts=counts, min_fidelity=min_fidelity, roles=roles, overwrite=overwrite,
        as_json=as_json, reading=reading, gguf=None if gguf_base is None else (Path(tokenizer), gguf_base),
    )  # fmt: skip
