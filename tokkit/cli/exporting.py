"""What `export` and `convert` share: a model into a folder of files for other programs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokkit import artifact, atomic
from tokkit.cli.tokenizers import roles_of_option
from tokkit.cli.verb import Talk
from tokkit.errors import GateError, UsageError
from tokkit.export import EXPORTERS, LOSSY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tokkit.export import Exporter
    from tokkit.export.fidelity import Fidelity
    from tokkit.export.measure import Reading
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
    reading: "Reading | None" = None,
    gguf: tuple[Path, Path] | None = None,
) -> None:
    """Writes the formats into one new folder, measured on `counts` when they are given.

    `reading` says that the model is read otherwise than it was, and is written down with it. With `gguf`, the folder
    of a transplanted model and the GGUF of its base, the GGUF is the whole model.

    Raises:
        GateError: less than `min_fidelity`; nothing is written.
        UsageError: an unknown format, or `min_fidelity` without counts.
    """
    names = list(dict.fromkeys(formats))
    exporters = {name: EXPORTERS.get(name) for name in names if name != OWN}
    if gguf is not None and ("gguf" not in names or OWN in names):
        raise UsageError(
            f"--gguf-base: is for `--to gguf`, got {', '.join(names)}",
            hint="export to `tokkit` by a command of its own" if OWN in names else None,
        )
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
    if gguf is not None:
        atomic.refuse_overwrite(output, overwrite=overwrite)
        exporters["gguf"] = _whole_gguf(talk, model, *gguf, output, chosen)
    if OWN in names:
        artifact.save(
            model, output, roles=chosen, exports=list(exporters) or ["hf"], fidelity=measured, overwrite=overwrite,
            reading=reading,
        )  # fmt: skip
    else:
        with atomic.atomic_folder(output, overwrite=overwrite) as temporary:
            for exporter in exporters.values():
                exporter(model, temporary, roles=chosen)
            if measured or reading is not None:
                text = json.dumps({"format": 1, **_figures(measured, reading)}, indent=1) + "\n"
                (temporary / FIDELITY).write_text(text, encoding="utf-8", newline="\n")
    files = sorted(str(path) for path in output.iterdir())
    if as_json:
        figures = _figures(measured, reading)
        click.echo(json.dumps({"schema": "tokkit.export", "version": 1, "files": files, **figures}))
    else:
        click.echo("\n".join(files))


def _whole_gguf(
    talk: Talk, model: "Model", folder: Path, base: Path, output: Path, roles: "Mapping[str, str] | None"
) -> "Exporter":
    """The exporter of a whole model; all that it needs has been read and checked when it is returned."""
    from tokkit.transplant import to_gguf

    for path in (folder.resolve(), base.resolve()):
        if output.resolve() in (path, *path.parents):
            raise UsageError(f"-o {output}: would replace {path}, which it is made from", hint="give another folder")
    prepared = to_gguf.prepare(model, folder, base, roles=roles)
    for note in prepared.notes:
        talk.say(note)
    talk.warn(prepared.warnings)

    def export(model: "Model", folder: Path, *, roles: "Mapping[str, str] | None" = None) -> list[Path]:
        prepared.write(folder / to_gguf.FILE)
        return [folder / to_gguf.FILE]

    return export


def _measure(talk: Talk, model: "Model", names: list[str], counts: str) -> "dict[str, Fidelity]":
    from tokkit.counts import CountTable
    from tokkit.recipe.exports import measured_fidelity

    with talk.display() as display:
        table = CountTable.load(Path(counts), pretokenizer=model.pretokenizer)
        return measured_fidelity(model, names, table, display, whole=True)


def _figures(measured: "dict[str, Fidelity]", reading: "Reading | None") -> dict[str, object]:
    shares: dict[str, object] = {"fidelity": {name: figure.to_json() for name, figure in measured.items()}}
    return shares if reading is None else {**shares, "reading": reading.to_json()}


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


def reading_of(
    talk: Talk, original: "Model", model: "Model", counts: str | None, min_fidelity: float | None
) -> "Reading":
    """What changed with the inference, measured on `counts` if they are given.

    Raises:
        GateError: less than `min_fidelity` of the mass keeps its ids.
    """
    from tokkit.counts import CountTable
    from tokkit.export.measure import Reading, compare
    from tokkit.export.sample import checkable
    from tokkit.model.tokenizer import Tokenizer

    if counts is None:
        talk.say(f"inference {model.inference}: how much it differs from {original.inference} is not measured")
        return Reading(original.inference, None)
    table = CountTable.load(Path(counts), pretokenizer=original.pretokenizer)
    new = Tokenizer.from_model(replace(model, pretokenizer="none@1"))
    figure = compare(original, new.encode_bytes, checkable(table))
    talk.say(f"inference {model.inference}: {figure.mass_share:.4%} of the mass of {counts} keeps its ids")
    if min_fidelity is not None and figure.mass_share < min_fidelity:
        raise GateError(
            f"inference `{model.inference}` keeps {figure.mass_share:.4%} of the mass, {min_fidelity:.4%} is asked",
            hint="choose another inference, or lower --min-fidelity",
        )
    return Reading(original.inference, figure)
