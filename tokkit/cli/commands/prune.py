"""`tokkit prune`: a smaller vocabulary in which every token is still reached."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokkit.cli import options, transplanting
from tokkit.cli.listed import options_of
from tokkit.cli.verb import Talk, verb
from tokkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ID_MAP = "id_map.json"


def _more_options(arguments: Sequence[str]) -> list[click.Option]:
    return options_of("tokkit.trainers.prune:PruneConfig", "prune", arguments, heading="Options of pruning")


@verb(
    "prune",
    examples=(
        "tokkit prune mytok domain.txt -o small --vocab-size 4000",
        "tokkit prune tokenizer.json --drop-list unwanted.txt -o small",
    ),
    more_options=_more_options,
)
@click.argument("tokenizer")
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@options.out_option("Folder to make; id_map.json in it gives the new id of each old one.")
@click.option("--counts", metavar="FILE", help="Tell rare tokens by this table of counts instead of INPUT.")
@click.option("--drop-list", metavar="FILE", help="Drop these tokens, one a line, and those made from them.")
@click.option("--keep-list", metavar="FILE", help="Never drop these tokens, one a line, nor what they are made from.")
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
    drop_list: str | None,
    keep_list: str | None,
    pretrained: str | None,
    threads: int,
    memory: int | None,
    overwrite: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    r"""TOKENIZER is a folder of tokkit or another program's BPE; INPUT is text of the domain that it shall serve. In
    the lists, `\n`, `\t`, `\\` and `\xNN` stand for what they usually do.
    """
    from tokkit import artifact
    from tokkit.api import model_of
    from tokkit.atomic import refuse_overwrite
    from tokkit.cli.derived import given
    from tokkit.cli.tokenizers import counts_for
    from tokkit.model.vocab import vocab_size
    from tokkit.recipe.schema import runtime_options
    from tokkit.trainers.prune import PruneConfig, prune

    named = given(chosen, "prune")
    for key, path in (("drop", drop_list), ("keep", keep_list)):
        if path is not None:
            named[key] = _tokens(Path(path))
    config = PruneConfig(**named)
    refuse_overwrite(output, overwrite=overwrite)
    transplanting.check_model(pretrained, tokenizer)
    model = model_of(tokenizer)
    runtime = {name: value for name, value in runtime_options(threads, memory).items() if value is not None}
    with talk.display() as display:
        table = counts_for(model, inputs, counts, runtime, display)
        smaller, id_map = prune(model, table, config=config)
    artifact.save(smaller, output, counts_digest=table.digest if table else None, overwrite=overwrite)
    _write_id_map(id_map, output / ID_MAP)
    transplanting.follow(talk, pretrained, output, threads=threads)
    before, after = vocab_size(model), vocab_size(smaller)
    if as_json:
        facts = {"schema": "tokkit.prune", "version": 1, "output": str(output), "id_map": str(output / ID_MAP)}
        click.echo(json.dumps({**facts, "vocab_size_before": before, "vocab_size": after}))
        return
    talk.say(f"{before - after:,} tokens fewer: {before:,} before, {after:,} now; {output / ID_MAP} maps the ids")
    click.echo(str(output))


def _tokens(path: Path) -> list[bytes]:
    r"""The tokens of a list, one a line, as UTF-8 with `\n`, `\t`, `\\` and `\xNN` for what cannot stand there."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}", hint="a list of tokens is UTF-8, one a line") from None
    return [_unescaped(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line]


def _unescaped(line: str, where: str) -> bytes:
    import re

    escapes = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\"}
    token, place = b"", 0
    for match in re.finditer(r"\\(x[0-9a-fA-F]{2}|.|$)", line):
        code = match[1]
        if code not in escapes and not code.startswith("x"):
            raise InputError(f"{where}: unknown escape, got `{match[0]}`", hint=r"write a backslash as \\")
        token += line[place : match.start()].encode() + (escapes.get(code) or bytes([int(code[1:], 16)]))
        place = match.end()
    return token + line[place:].encode()


def _write_id_map(id_map: "NDArray[np.uint32]", path: Path) -> None:
    """`ids`: at each old id the new one, null where the token is gone."""
    from tokkit.atomic import atomic_file
    from tokkit.model.vocab import NOT_IN_VOCAB

    ids = [None if new == NOT_IN_VOCAB else new for new in id_map.tolist()]
    with atomic_file(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps({"format": 1, "ids": ids}) + "\n", encoding="utf-8")
