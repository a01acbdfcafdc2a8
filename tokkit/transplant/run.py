"""The whole job: two tokenizers, a model and a method in; a model folder and an account of every row out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit import atomic
from tokkit.errors import TokenizerError, UsageError
from tokkit.load.json_file import read_object
from tokkit.progress import Progress, silent
from tokkit.transplant import provenance, settings, write
from tokkit.transplant.base import METHODS, Auxiliary, Method, Problem, Rope, Rows, Side
from tokkit.transplant.checkpoint import DTYPES, Checkpoint, open_checkpoint
from tokkit.transplant.config import TransplantConfig
from tokkit.transplant.digits import digit_scheme, digit_warning
from tokkit.transplant.match import MISSING, Origin, match
from tokkit.transplant.operator import Assignment, Operator, build, without_rows
from tokkit.transplant.pieces import spell
from tokkit.transplant.report import Report
from tokkit.transplant.sparse import Floats
from tokkit.transplant.tables import Tables, find_tables
from tokkit.transplant.undertrained import suspects, unused_ids
from tokkit.transplant.verify import verify
from tokkit.transplant.vocabulary import Vocabulary, read_vocabulary

HEAD = "lm_head.weight"


@dataclass(frozen=True)
class _Donor:
    model: Checkpoint
    tables: Tables

    def matrix(self, side: Side) -> NDArray[np.generic]:
        names = self.tables.outputs if side == "out" and self.tables.outputs else self.tables.inputs
        return self.model.read(names[0])


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
    weights: str | Path | None = None,
    seed: int = 0,
    threads: int = 1,
    memory: int = 1 << 30,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Report:
    """Gives the model in `base` the tokenizer in `target` and writes the result to `output` (None: only plans).

    `donor` is a model that has the target tokenizer; `auxiliary` a safetensors file with `target` [target rows, n] and
    `base` [base rows, n]; `weights` a transplant.parquet whose rows are used in place of a method, for a fine-tune of
    the same base. Nothing of any folder is executed.

    Raises:
        UsageError: options that cannot work together. InputError: missing files.
        TokenizerError: a tokenizer or model that is broken, hostile or quantised.
        ResourceError: no room on the disk. GateError: the result failed its verification.
    """
    config = config or TransplantConfig()
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
    job = _Job(assignment, tables, model, chosen, method, config, _open_donor(donor, new), digits is not None)
    if weights is not None:
        operators, made = _given(job, Path(weights))
    else:
        limits = _Limits(seed, threads, memory, progress)
        operators, made = _solved(job, _auxiliary(auxiliary, assignment), limits)
    report = report.with_rows(operators, made, matches.origin)
    progress("write", 0, 0)
    facts = {
        "method": method,
        "options": {key: _plain(value) for key, value in chosen.config.model_dump().items()},
        "seed": seed,
        "base_rows": tables.rows,
        "rows": rows,
        "is_tied": tables.is_tied,
    }
    with atomic.atomic_folder(output, overwrite=overwrite) as folder:
        notes = _write(job, folder, operators, made, base, target)
        written = folder / provenance.NAME
        provenance.write_provenance(written, operators, new, matches.origin, report.norm_z, facts)
        if config.verify:
            progress("verify", 0, 0)
            notes += verify(folder, model, operators, new, gone=frozenset(tables.dropped))
        report = replace(report, warnings=(*report.warnings, *notes), output=str(output))
        write.write_json(folder / "transplant.json", report.to_json())
    return report


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class _Limits:
    seed: int
    threads: int
    memory: int
    progress: Progress


@dataclass(frozen=True)
class _Job:
    assignment: Assignment
    tables: Tables
    model: Checkpoint
    method: Method
    name: str
    config: TransplantConfig
    donor: _Donor | None
    differs_in_digits: bool

    def sides(self) -> dict[str, Side]:
        """Matrix name -> side; a new output matrix when the model is untied."""
        found = self.tables.sides()
        if self.config.untie and not self.tables.outputs:
            found[HEAD] = "out"
        return found

    def read(self, name: str) -> NDArray[np.generic]:
        """A matrix of the base; a new output matrix starts as the input one."""
        return self.model.read(name if name in self.model.tensors else self.tables.inputs[0])


def _open_donor(donor: str | Path | None, target: Vocabulary) -> _Donor | None:
    if donor is None:
        return None
    model = open_checkpoint(Path(donor))
    theirs = read_vocabulary(Path(donor))
    if [t.data for t in theirs.tokens] != [t.data for t in target.tokens]:
        raise UsageError(
            f"{donor}: its tokenizer is not the target's", hint="give the donor's folder as the target too"
        )
    return _Donor(model, find_tables(model))


def _auxiliary(path: str | Path | None, assignment: Assignment) -> Auxiliary | None:
    if path is None:
        return None
    import safetensors
    from safetensors.numpy import load_file

    try:
        found = load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise TokenizerError(f"{path}: not a sound safetensors file: {error}") from error
    wanted = {"target": assignment.target.n_rows, "base": assignment.base.n_rows}
    for name, rows in wanted.items():
        if name not in found or found[name].ndim != 2 or len(found[name]) < rows:
            raise UsageError(f"{path}: must hold `{name}` with at least {rows} rows", hint="NaN rows mean: no vector")
    if found["target"].shape[1] != found["base"].shape[1]:
        raise UsageError(f"{path}: `target` and `base` must be of one width")
    new = assignment.new_text()
    return Auxiliary(found["target"][new].astype(np.float32), found["base"].astype(np.float32))


def _solved(
    job: _Job, auxiliary: Auxiliary | None, limits: _Limits
) -> tuple[dict[str, Operator], dict[str, NDArray[np.generic]]]:
    """Operators and new tables of all matrices; equal matrices of one side are solved once."""
    assignment = job.assignment
    ids = assignment.new_text()
    texts = tuple(assignment.target.by_id[int(number)].data for number in ids)
    pieces = spell(assignment.base, texts, rows=job.tables.rows)
    by_id = assignment.base.by_id
    base_texts = tuple(
        by_id[row].data if row in by_id and by_id[row].kind == "text" else None for row in range(job.tables.rows)
    )
    method: Method = _Composing(job.method) if job.differs_in_digits and "donor" in job.method.needs else job.method
    operators: dict[str, Operator] = {}
    made: dict[str, NDArray[np.generic]] = {}
    done: list[tuple[Side, str]] = []
    for name, side in job.sides().items():
        raw = job.read(name)
        twin = next((n for s, n in done if s == side and _equal(job.read(n), raw)), None)
        if twin is not None:
            operators[name], made[name] = operators[twin], made[twin]
            continue
        base: Floats = np.asarray(raw, np.float64 if raw.dtype == np.float64 else np.float32)
        anchors = _anchors(job, base)
        problem = Problem(
            side=side,
            base=base,
            anchors=assignment.matches.source[anchors],
            texts=texts,
            base_texts=base_texts,
            pieces=pieces,
            auxiliary=auxiliary,
            is_tied=job.tables.is_tied and not job.config.untie,
            seed=limits.seed,
            threads=limits.threads,
            memory=limits.memory,
            progress=limits.progress,
        )
        problem = _with_donor(problem, job, ids, anchors)
        operators[name] = build(assignment, problem, method, job.name)
        del problem, base  # the f32 copy, before as much again is made
        made[name] = operators[name].rows(raw)
        done.append((side, name))
    return operators, made


def _equal(left: NDArray[np.generic], right: NDArray[np.generic]) -> bool:
    return left.shape == right.shape and left.tobytes() == right.tobytes()


def _anchors(job: _Job, base: Floats) -> NDArray[np.int64]:
    """Target ids of the anchors: trained on both sides as far as that can be told."""
    assignment = job.assignment
    limit = job.donor.tables.rows if job.donor else assignment.target.n_rows
    found = assignment.anchors(lambda number: number < limit)
    if job.config.anchor_filter == "none":
        return found
    names = {token.id: token.token for token in assignment.base.tokens}
    head = None
    if job.tables.outputs:
        head = np.asarray(job.model.read(job.tables.outputs[0]), np.float32)
    bad = suspects(base, head, unused_ids(names, len(base)))
    return found[~bad[assignment.matches.source[found]]]


def _with_donor(problem: Problem, job: _Job, ids: NDArray[np.int64], anchors: NDArray[np.int64]) -> Problem:
    """The problem with the donor's rows, where the method looks at them; an id beyond the donor's rows has zeros."""
    if job.donor is None or ("donor" not in job.method.needs and job.name != "auto"):
        return problem
    rows = np.asarray(job.donor.matrix(problem.side), np.float32)
    inside = ids < len(rows)
    wanted = np.zeros((len(ids), rows.shape[1]), np.float32)
    wanted[inside] = rows[ids[inside]]
    mean = rows.mean(axis=0, dtype=np.float64)
    ropes = _rope(job.donor.model.config), _rope(job.model.config)
    known = (ropes[0], ropes[1]) if ropes[0] is not None and ropes[1] is not None else None
    return replace(problem, donor_new=wanted, donor_anchors=rows[anchors], donor_mean=mean, ropes=known)


def _rope(config: Mapping[str, object]) -> Rope | None:
    """Heads and theta, which newer configs keep in `rope_parameters`."""
    parameters = config.get("rope_parameters")
    inner = parameters if isinstance(parameters, dict) else {}
    heads, theta = config.get("num_attention_heads"), config.get("rope_theta", inner.get("rope_theta", 10_000.0))
    if not isinstance(heads, int) or heads < 1 or not isinstance(theta, (int, float)):
        return None
    return Rope(heads, float(theta))


class _Composing(Method):
    """A donor's method that leaves tokens of several digits to composition."""

    def __init__(self, inner: Method) -> None:
        super().__init__(inner.config)
        self.inner = inner
        self.needs = inner.needs  # type: ignore[misc] # what a class says of all its methods, this one borrows

    def solve(self, problem: Problem) -> Rows:
        """The inner method's rows, numbers not served."""
        made = self.inner.solve(problem)
        numeric = np.array([sum(48 <= byte < 58 for byte in text) > 1 for text in problem.texts], bool)
        served = np.ones(problem.n, bool) if made.served is None else made.served
        return replace(made, served=served & ~numeric)


def _given(job: _Job, path: Path) -> tuple[dict[str, Operator], dict[str, NDArray[np.generic]]]:
    """The operators of an earlier transplant, applied to this model's tables."""
    found = provenance.read_provenance(path if path.is_file() else path / provenance.NAME)
    operators: dict[str, Operator] = {}
    made: dict[str, NDArray[np.generic]] = {}
    for name in job.sides():
        operator = found.operators.get(name)
        if operator is None or len(operator.weights) != job.assignment.n_rows:
            raise UsageError(
                f"{path}: holds no weights for {name} with {job.assignment.n_rows} rows",
                hint="it must come from a transplant of the same base to the same target with the same options",
            )
        raw = job.read(name)
        if operator.weights.indices.max(initial=-1) >= len(raw):
            raise UsageError(f"{path}: names base rows beyond the {len(raw)} of {name}", hint="is this the same base?")
        operators[name], made[name] = operator, operator.rows(raw)
    return operators, made


def _write(
    job: _Job,
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
