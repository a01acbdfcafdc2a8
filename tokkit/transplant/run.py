"""The whole job: two tokenizers, a model and a method in; a model folder and an account of every row out."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokkit import atomic
from tokkit.errors import UsageError
from tokkit.load.json_file import read_object
from tokkit.progress import Progress, silent
from tokkit.transplant import provenance, settings, write
from tokkit.transplant.base import METHODS
from tokkit.transplant.checkpoint import DTYPES, open_checkpoint
from tokkit.transplant.config import TransplantConfig
from tokkit.transplant.digits import digit_scheme, digit_warning
from tokkit.transplant.match import MISSING, Origin, match
from tokkit.transplant.operator import Assignment, Operator, without_rows
from tokkit.transplant.report import Report
from tokkit.transplant.solve import Job, Limits, given, open_donor, read_auxiliary, solved
from tokkit.transplant.tables import find_tables
from tokkit.transplant.vectors import auxiliary_of
from tokkit.transplant.verify import body_samples, digest, verify
from tokkit.transplant.vocabulary import read_vocabulary

if TYPE_CHECKING:
    from tokkit.extrinsic.forward import Forward


def transplant(
    base: str | Path,
    target: str | Path,
    output: str | Path | None,
    *,
    donor: str | Path | None = None,
    method: str = "auto",
    options: Mapping[str, object] | None = None,
    config: TransplantConfig | None = None,
    overrides: Mapping[str, str] | None = None,
    auxiliary: str | Path | None = None,
    learn_from: str | Path | None = None,
    weights: str | Path | None = None,
    seed: int = 0,
    threads: int = 1,
    memory: int = 1 << 30,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Report:
    """Gives the model in `base` the tokenizer in `target` and writes the result to `output` (None: only plans).

    `donor` is a model that has the target tokenizer; `auxiliary` a safetensors file with `target` [target rows, n] and
    `base` [base rows, n], `learn_from` a text to learn such vectors from; `weights` a transplant.parquet whose rows are
    used in place of a method, for a fine-tune of the same base. Nothing of any folder is executed.

    Raises:
        UsageError: options that cannot work together. InputError: missing files.
        TokenizerError: a tokenizer or model that is broken, hostile or quantised.
        ResourceError: no room on the disk. GateError: the result failed its verification.
    """
    config = config or TransplantConfig()
    if auxiliary is not None and learn_from is not None:
        raise UsageError("vectors are given and to be learnt too", hint="leave one of them away")
    base, target = Path(base), Path(target)
    if output is not None:
        atomic.refuse_overwrite(Path(output), overwrite=overwrite)
    kind = METHODS.get(method)
    chosen = kind(kind.Config.model_validate(dict(options or {})))
    progress("read tokenizers", 0, 0)
    model = open_checkpoint(base)
    tables = find_tables(model, extra=config.tables)
    old, new = read_vocabulary(base), read_vocabulary(target)
    digits = digit_warning(digit_scheme(old), digit_scheme(new)) if config.digit_policy != "ignore" else None
    new = replace(new, file=None)  # the parsed file is as large as a table and is not needed any more
    matches = without_rows(match(new, old, overrides=overrides), new, tables.rows)
    rows = -(-new.n_rows // config.pad_to_multiple_of) * config.pad_to_multiple_of
    assignment = Assignment(old, new, matches, rows, tables.rows)
    warnings = [*matches.warnings, *tables.warnings]
    if digits is not None and config.digit_policy == "error":
        raise UsageError(digits, hint="train the tokenizer with the base's digit scheme, or --digit-policy warn")
    warnings += [digits] if digits else []
    report = Report.plan(assignment, method, tables, warnings)
    if output is None:
        return report
    output = Path(output)
    size = sum(DTYPES[model.tensors[n].dtype].itemsize * rows * model.tensors[n].shape[1] for n in tables.sides())
    write.free_space_for(model, output.resolve().parent, size)
    job = Job(assignment, tables, model, chosen, method, config, open_donor(donor, new), digits is not None, target)
    if weights is not None:
        operators, made = given(job, Path(weights))
    else:
        limits = Limits(seed, threads, memory, progress)
        vectors = read_auxiliary(auxiliary, assignment)
        if learn_from is not None:
            vectors = auxiliary_of(Path(learn_from), target, assignment, seed=seed, progress=progress)
        operators, made = solved(job, vectors, limits)
    report = report.with_rows(operators, made, matches.origin)
    progress("write", 0, 0)
    facts = {
        "method": method,
        "options": {key: _plain(value) for key, value in chosen.config.model_dump().items()},
        "seed": seed,
        "base_rows": tables.rows,
        "rows": rows,
        "is_tied": tables.is_tied,
        "base_sha256": {name: digest(model, name) for name in tables.sides()},
        "body": body_samples(model, tables.names()),
    }
    with atomic.atomic_folder(output, overwrite=overwrite) as folder:
        notes = _write(job, folder, operators, made, base, target)
        made.clear()  # as large as the tables, and all is read again from the folder
        written = folder / provenance.NAME
        provenance.write_provenance(written, operators, new, matches.origin, report.norm_z, facts)
        if config.verify:
            progress("verify", 0, 0)
            notes += verify(folder, model, operators, new, gone=frozenset(tables.dropped))
            report = replace(report, forward=_forward(base, folder, config, threads))
        report = replace(report, warnings=(*report.warnings, *notes))
        write.write_json(folder / "transplant.json", report.to_json())  # says nothing of where it lies
    return replace(report, output=str(output))


def _forward(base: Path, made: Path, config: TransplantConfig, threads: int) -> "Forward":
    """The forward pass, whose module is torch's neighbour and read only here."""
    from tokkit.extrinsic.forward import forward_check

    sample = None
    if config.sample is not None:
        from tokkit.corpus import SourceSpec, read

        batches = read(SourceSpec(path=str(config.sample), unit="document"))
        sample = [text.decode() for batch in batches for text in batch.texts()]
    return forward_check(base, made, config.forward, sample, threads=threads)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


def _write(
    job: Job,
    folder: Path,
    operators: Mapping[str, Operator],
    made: Mapping[str, NDArray[np.generic]],
    base: Path,
    target: Path,
) -> list[str]:
    """Weights, configs and tokenizer into the new folder; warnings."""
    tables, model, assignment = job.tables, job.model, job.assignment
    replaced: dict[str, tuple[tuple[int, ...], write.Make]] = {}
    added: dict[str, tuple[str, str, tuple[int, ...], write.Make]] = {}
    for name, values in made.items():
        if name in model.tensors:
            replaced[name] = (values.shape, lambda values=values: values)  # type: ignore[misc] # binds the value
        else:
            dtype = model.tensors[tables.inputs[0]].dtype
            added[name] = (tables.inputs[0], dtype, values.shape, lambda values=values: values)  # type: ignore[misc] # as above
    last = operators[list(made)[-1]]
    for name in tables.biases:
        vector = last.vector(model.read(name))
        replaced[name] = (vector.shape, lambda vector=vector: vector)  # type: ignore[misc] # as above
    write.write_weights(model, folder, replaced, added, frozenset(tables.dropped))
    write.copy_others(base if base.is_dir() else base.parent, folder)
    write.copy_tokenizer(target, folder)
    _template(job.config.chat_template, base, folder)
    id_map = {
        int(source): number
        for number, source in reversed(list(enumerate(assignment.matches.source.tolist())))
        if source != MISSING and assignment.matches.origin[number] != Origin.HOLE
    }
    tied = False if job.config.untie else True if tables.dropped else False if tables.outputs else None
    content, notes = settings.new_config(
        model.config,
        rows=assignment.n_rows,
        base_rows=tables.rows,
        id_map=id_map,
        target=assignment.target,
        tied=tied,
    )
    write.write_json(folder / "config.json", content)
    if (base / "generation_config.json").is_file():
        old = read_object(base / "generation_config.json")
        content, more = settings.new_generation_config(old, id_map=id_map, target=assignment.target)
        write.write_json(folder / "generation_config.json", content)
        notes += [note for note in more if note not in notes]
    return notes


def _template(choice: str, base: Path, folder: Path) -> None:
    """Puts the wanted chat template in the result, as text."""
    import json

    path, jinja = folder / "tokenizer_config.json", folder / "chat_template.jinja"
    own = read_object(path) if path.is_file() else {}
    has_own = jinja.is_file() or bool(own.get("chat_template"))
    if choice == "target" or (choice == "auto" and has_own):
        return
    jinja.unlink(missing_ok=True)
    if own.pop("chat_template", None) is not None:
        write.write_json(path, own)
    if choice == "none":
        return
    home = base
    text = (home / jinja.name).read_text(encoding="utf-8") if (home / jinja.name).is_file() else None
    if text is None and (home / path.name).is_file():
        found = read_object(home / path.name).get("chat_template")
        text = found if isinstance(found, str) else json.dumps(found) if found else None
    if text is not None:
        jinja.write_text(text, encoding="utf-8")
