"""From a settled job to new tables: problems put to the method, one for each matrix, or weights of an earlier job."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokenizerError, UsageError
from tokkit.progress import Progress
from tokkit.transplant import provenance
from tokkit.transplant.base import Auxiliary, Method, Places, Problem, Rope, Rows, Side
from tokkit.transplant.checkpoint import Checkpoint, open_checkpoint
from tokkit.transplant.config import TransplantConfig
from tokkit.transplant.operator import Assignment, Operator, build
from tokkit.transplant.pieces import spell
from tokkit.transplant.tables import Tables, find_tables
from tokkit.transplant.undertrained import suspects, unused_ids
from tokkit.transplant.vocabulary import Vocabulary, read_vocabulary

HEAD = "lm_head.weight"


@dataclass(frozen=True)
class Donor:
    """A model that has the target tokenizer."""

    model: Checkpoint
    tables: Tables

    def matrix(self, side: Side) -> NDArray[np.generic]:
        """Its rows for a side; the input rows where it is tied."""
        names = self.tables.outputs if side == "out" and self.tables.outputs else self.tables.inputs
        return self.model.read(names[0])


@dataclass(frozen=True)
class Limits:
    """What a method may use."""

    seed: int
    threads: int
    memory: int
    progress: Progress


@dataclass(frozen=True)
class Job:
    """All that is settled before any row is made."""

    assignment: Assignment
    tables: Tables
    model: Checkpoint
    method: Method
    name: str
    config: TransplantConfig
    donor: Donor | None
    differs_in_digits: bool
    target: Path

    def sides(self) -> dict[str, Side]:
        """Matrix name -> side; a new output matrix when the model is untied."""
        found = self.tables.sides()
        if self.config.untie and not self.tables.outputs:
            found[HEAD] = "out"
        return found

    def read(self, name: str) -> NDArray[np.generic]:
        """A matrix of the base; a new output matrix starts as the input one."""
        return self.model.read(name if name in self.model.tensors else self.tables.inputs[0])


def open_donor(donor: str | Path | None, target: Vocabulary) -> Donor | None:
    """The donor; UsageError when its tokenizer is another than the target's."""
    if donor is None:
        return None
    model = open_checkpoint(Path(donor))
    theirs = read_vocabulary(Path(donor))
    if [t.data for t in theirs.tokens] != [t.data for t in target.tokens]:
        raise UsageError(
            f"{donor}: its tokenizer is not the target's", hint="give the donor's folder as the target too"
        )
    return Donor(model, find_tables(model))


def read_auxiliary(path: str | Path | None, assignment: Assignment) -> Auxiliary | None:
    """The vectors of new tokens and of all base tokens; UsageError when there are too few."""
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


def solved(
    job: Job, auxiliary: Auxiliary | None, limits: Limits
) -> tuple[dict[str, Operator], dict[str, NDArray[np.generic]]]:
    """Operators and new tables of all matrices; equal matrices of one side are solved once."""
    assignment = job.assignment
    ids = assignment.new_text()
    texts = tuple(assignment.target.by_id[int(number)].data for number in ids)
    pieces = cache(partial(spell, assignment.base, texts, rows=job.tables.rows))
    by_id = assignment.base.by_id
    base_texts = tuple(
        by_id[row].data if row in by_id and by_id[row].kind == "text" else None for row in range(job.tables.rows)
    )
    method: Method = _Composing(job.method) if job.differs_in_digits and "donor" in job.method.needs else job.method
    operators: dict[str, Operator] = {}
    made: dict[str, NDArray[np.generic]] = {}
    done: list[tuple[Side, str]] = []
    for name, side in job.sides().items():
        twin = next((n for s, n in done if s == side and _equal(job.read(n), job.read(name))), None)
        if twin is not None:
            operators[name], made[name] = operators[twin], made[twin]
            continue
        anchors = _anchors(job, name)
        problem = Problem(
            side=side,
            read=partial(job.read, name),
            anchors=assignment.matches.source[anchors],
            texts=texts,
            base_texts=base_texts,
            pieces=pieces,
            auxiliary=auxiliary,
            places=Places(job.model.folder, job.target, ids, job.config),
            is_tied=job.tables.is_tied and not job.config.untie,
            seed=limits.seed,
            threads=limits.threads,
            memory=limits.memory,
            progress=limits.progress,
        )
        problem = _with_donor(problem, job, ids, anchors)
        operators[name] = build(assignment, problem, method, job.name)
        del problem  # what it holds, before as much again is made
        made[name] = operators[name].rows(job.read(name))
        done.append((side, name))
    return operators, made


def _equal(left: NDArray[np.generic], right: NDArray[np.generic]) -> bool:
    return left.shape == right.shape and left.tobytes() == right.tobytes()


def _anchors(job: Job, name: str) -> NDArray[np.int64]:
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
    bad = suspects(job.read(name).astype(np.float32), head, unused_ids(names, job.tables.rows))
    return found[~bad[assignment.matches.source[found]]]


def _with_donor(problem: Problem, job: Job, ids: NDArray[np.int64], anchors: NDArray[np.int64]) -> Problem:
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
        served = np.ones(problem.n, bool) if made.served is None else made.served
        return replace(made, served=served & ~problem.numbers)


def given(job: Job, path: Path) -> tuple[dict[str, Operator], dict[str, NDArray[np.generic]]]:
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
