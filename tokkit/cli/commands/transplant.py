"""`tokkit transplant`: another tokenizer for a pretrained model."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokkit.cli import options
from tokkit.cli.listed import names, options_of, value_of
from tokkit.cli.probing import probe_methods
from tokkit.cli.verb import Talk, verb
from tokkit.errors import UsageError

if TYPE_CHECKING:
    from tokkit.extrinsic.select import Candidate


_METHODS = "tokkit.transplant.base:METHODS"


def _more_options(arguments: Sequence[str]) -> list[click.Option]:
    name = value_of("--method", arguments) or "auto"
    place, common = f"{_METHODS}/{name}", "tokkit.transplant.config:TransplantConfig"
    return [
        *options_of(place, "method", arguments, heading=f"Options of --method {name}"),
        *options_of(common, "transplant", arguments, heading="Options of transplanting"),
    ]


@verb(
    "transplant",
    examples=(
        "tokkit transplant models/base mytok -o models/base-mytok",
        "tokkit transplant models/base mytok -o models/base-mytok --learn-from book.txt",
        "tokkit transplant models/base models/donor --donor models/donor --method omp -o out",
        "tokkit transplant models/base mytok -o out --cpt-probe 50 --probe-text english.txt --candidates auto,mean",
    ),
    more_options=_more_options,
)
@click.argument("base", metavar="BASE")
@click.argument("target", metavar="TARGET", required=False)
@options.out_option("Folder to make.", required=False)
@click.option(
    "--method",
    default="auto",
    show_default=True,
    metavar="NAME",
    help=f"How new rows are made; its options show with --help. One of {', '.join(names(_METHODS))}, or a plug-in's.",
)
@click.option("--donor", metavar="DIR", help="A model that has the target tokenizer: more methods can use its rows.")
@click.option("--auxiliary", metavar="FILE", help="Vectors of all tokens: safetensors with `target` and `base`.")
@click.option("--learn-from", metavar="TEXT", help="Learn such vectors from this text, read with both tokenizers.")
@click.option("--weights", metavar="FILE", help="Use the rows of this transplant.parquet, for a fine-tune of its base.")
@click.option(
    "--map", "pairs", multiple=True, metavar="TARGET=BASE", help="This target token is that base token (repeatable)."
)
@click.option(
    "--restore", "origin", metavar="DIR", help="The way back: BASE is a transplant, DIR what it was made from."
)
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write a page about the result.")
@click.option("--text", metavar="FILE", help="For the page: how much of this text has new rows.")
@click.option(
    "--cpt-probe",
    "steps",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Choose the method by N steps of training of vocabulary rows on --probe-text (extra `models`).",
)
@click.option("--probe-text", metavar="FILE", help="Text that the probe trains on and reads.")
@click.option(
    "--candidates", metavar="A,B,...", help="Methods to probe; those that can work with what is given if absent."
)
@options.seed_option
@options.threads_option
@options.memory_option
@options.overwrite_option
@options.dry_run_option
@options.json_option
def command(
    talk: Talk,
    *,
    base: str,
    target: str | None,
    output: Path | None,
    method: str,
    donor: str | None,
    auxiliary: str | None,
    learn_from: str | None,
    weights: str | None,
    pairs: tuple[str, ...],
    origin: str | None,
    html: Path | None,
    text: str | None,
    steps: int | None,
    probe_text: str | None,
    candidates: str | None,
    seed: int,
    threads: int,
    memory: int | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """BASE is the folder of a model (safetensors), TARGET a tokenizer: a folder of tokkit, a tokenizer.json, a model.
    Tokens that stand for the same bytes keep their rows bit for bit; the others get rows by --method. The account of
    every row is transplant.parquet in the new folder. Needs no torch, executes nothing from any folder.
    """
    from tokkit.atomic import atomic_file, refuse_overwrite
    from tokkit.cli.derived import given
    from tokkit.report.transplanted import read_text, transplant_page
    from tokkit.transplant.config import TransplantConfig
    from tokkit.transplant.run import transplant

    if output is None and not dry_run:
        raise UsageError("-o/--output is missing", hint="name the folder to make, or --dry-run")
    if origin is not None:
        _restore(talk, base, origin, output, overwrite=overwrite, as_json=as_json)
        return
    if html is not None and output is None:
        raise UsageError("--html tells of a result, and --dry-run makes none", hint="leave one of them away")
    if text is not None and html is None:
        raise UsageError("--text is for the page", hint="name it with --html FILE")
    if html is not None:
        refuse_overwrite(html, overwrite=overwrite)
    sample = None if text is None else read_text(Path(text))
    if target is None:
        raise UsageError("TARGET is missing", hint="tokkit transplant BASE TARGET -o OUT")
    config = TransplantConfig(**given(chosen, "transplant"))
    more: dict[str, Any] = {"donor": donor, "overrides": _overrides(pairs), "memory": _budget(memory)}
    more |= {"auxiliary": auxiliary, "learn_from": learn_from}
    probed: list[Candidate] = []
    if steps is not None or probe_text is not None or candidates is not None:
        if method != "auto" or weights is not None or dry_run:
            raise UsageError("--cpt-probe chooses the method", hint="leave --method, --weights and --dry-run away")
        probed = probe_methods(
            talk, base, target, steps, probe_text, candidates, config, more, seed=seed, threads=threads
        )
        method = probed[0].method
    with talk.display() as display:
        report = transplant(
            base,
            target,
            None if dry_run else output,
            method=method,
            options=given(chosen, "method"),
            config=config,
            weights=weights,
            seed=seed,
            threads=threads,
            overwrite=overwrite,
            progress=display,
            **more,
        )
    talk.warn(list(report.warnings))
    if html is not None and report.output is not None:
        with atomic_file(html, overwrite=overwrite) as temporary:
            temporary.write_text(transplant_page(Path(report.output), Path(base), text=sample), encoding="utf-8")
    if as_json:
        rows = {"probe": [row.to_json() for row in probed]} if probed else {}
        click.echo(json.dumps({**report.to_json(), **rows}))
        return
    talk.say(report.table())
    if report.output is not None:
        click.echo(report.output)


def _restore(talk: Talk, made: str, origin: str, output: Path | None, *, overwrite: bool, as_json: bool) -> None:
    from tokkit.transplant.back import restore

    if output is None:
        raise UsageError("--restore needs -o/--output")
    with talk.display() as display:
        counts = restore(made, origin, output, overwrite=overwrite, progress=display)
    if as_json:
        click.echo(json.dumps({"schema": "tokkit.transplant.restore", "version": 1, "output": str(output), **counts}))
        return
    talk.say(f"{counts['from_transplant']:,} rows from the transplant, {counts['from_base']:,} from the base")
    click.echo(str(output))


def _overrides(pairs: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        left, equals, right = pair.partition("=")
        if not equals or not left or not right:
            raise UsageError(f"--map: must be TARGET=BASE, got `{pair}`", hint="tokens by their text or their id")
        found[left] = right
    return found


def _budget(memory: int | None) -> int:
    """A quarter of what is free, at most 4 GiB, unless said otherwise."""
    from tokkit.machine import available_memory

    return memory if memory is not None else max(1 << 26, min((available_memory() or 1 << 32) // 4, 1 << 32))
