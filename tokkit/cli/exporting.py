"""What `export` and `convert` share: a model into a folder of files for other programs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokkit import artifact
from tokkit.atomic import atomic_folder
from tokkit.cli.tokenizers import roles_of_option
from tokkit.cli.verb import Talk
from tokkit.errors import GateError, UsageError
from tokkit.export import EXPORTERS, LOSSY

if TYPE_CHECKING:
    from tokkit.export.fidelity import Fidelity
    from tokkit.model.model import Model

OWN = "tokkit"
FIDELITY = "fidelity.json"


def write_exports(
    talk: Talk,
    model: "Model",
    formats: tuple[str, ...],
    output: Path,
    *,
    counts: str | None,
    min_fidelity: float | None,
    roles: tuple[str, ...],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Writes the formats into one new folder, measured on `counts` when they are given.

    Raises:
        GateError: less than `min_fidelity`; nothing is written.
        UsageError: an unknown format, or `min_fidelity` without counts.
    """
    names = list(dict.fromkeys(formats))
    exporters = {name: EXPORTERS.get(name) for name in names if name != OWN}
    if min_fidelity is not None and counts is None:
        raise UsageError("--min-fidelity: needs --counts to be measured on", hint="`tokkit count` makes them")
    unmeasured = [name for name in names if name in LOSSY]
    if unmeasured and counts is None:
        raise UsageError(
            f"--to {unmeasured[0]}: not what the tokenizer itself does, so it is written only when that is measured",
            hint="give --counts; `tokkit count` makes them",
        )
    measured = _measure(talk, model, names, counts) if counts is not None else {}
    for name, figure in measured.items():
        talk.say(f"{name}: {figure.mass_share:.4%} of the mass of {counts} gets the same ids")
        if min_fidelity is not None and figure.mass_share < min_fidelity:
            raise GateError(
                f"export `{name}` keeps {figure.mass_share:.4%} of the mass, {min_fidelity:.4%} is asked",
                hint="choose another format, or lower --min-fidelity",
            )
    chosen = roles_of_option(roles)
    if OWN in names:
        artifact.save(
            model, output, roles=chosen, exports=list(exporters) or ["hf"], fidelity=measured, overwrite=overwrite
        )
    else:
        with atomic_folder(output, overwrite=overwrite) as temporary:
            for exporter in exporters.values():
                exporter(model, temporary, roles=chosen)
            if measured:
                shares = {name: figure.to_json() for name, figure in measured.items()}
                text = json.dumps({"format": 1, "fidelity": shares}, indent=1) + "\n"
                (temporary / FIDELITY).write_text(text, encoding="utf-8", newline="\n")
    files = sorted(str(path) for path in output.iterdir())
    if as_json:
        shares = {name: figure.to_json() for name, figure in measured.items()}
        click.echo(json.dumps({"schema": "tokkit.export", "version": 1, "files": files, "fidelity": shares}))
    else:
        click.echo("\n".join(files))


def _measure(talk: Talk, model: "Model", names: list[str], counts: str) -> "dict[str, Fidelity]":
    from tokkit.counts import CountTable
    from tokkit.recipe.exports import measured_fidelity

    with talk.display() as display:
        table = CountTable.load(Path(counts), pretokenizer=model.pretokenizer)
        return measured_fidelity(model, names, table, display, whole=True)


def read_by(model: "Model", inference: str, counts: str | None) -> "Model":
    """The model under another inference; `likelihood` takes its scores from the counts.

    Raises:
        UsageError, TokenizerError: as `tokkit.model.inference.with_inference`.
    """
    from tokkit.counts import CountTable
    from tokkit.model.inference import token_uses, with_inference

    frequencies = None
    if inference == "likelihood" and counts is not None:
        frequencies = token_uses(model, CountTable.load(Path(counts), pretokenizer=model.pretokenizer))
    return with_inference(model, inference, frequencies=frequencies)
