"""What a recipe may say: each section against the `Config` of the code that does it, all faults at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import Field, ValidationError, field_validator

from tokkit import _core
from tokkit.corpus import SourceSpec
from tokkit.counts import CountConfig
from tokkit.errors import TokkitError
from tokkit.export import EXPORTERS
from tokkit.export.roles import ROLES
from tokkit.recipe.faults import Fault, RecipeError, faults_of, shown, unknown_key
from tokkit.recipe.load import Loaded
from tokkit.spec import Spec
from tokkit.trainers import TRAINERS
from tokkit.trainers.superword import SuperwordTrainer

FORMAT = 1
# Options of how fast and where, not of what: they are left out of keys and locks.
RUNTIME_FIELDS = frozenset({"threads", "memory_mb", "spill_dir", "stage1", "bound"})
DEFAULT_PRETOKENIZER = "llama-bpe@1"
_KEYS = ("recipe", "extends", "output", "vars", "corpus", "pretokenizer", "train", "roles", "export", "eval", "lock")
S = TypeVar("S", bound=Spec)


class PretokenizerSection(Spec):
    """`[pretokenizer]`."""

    name: str | None = Field(
        None,
        min_length=1,
        description="one of `tokkit list pretokenizers`, or regex:PATTERN; absent: llama-bpe@1, or the counts' own",
    )

    @field_validator("name")
    @classmethod
    def _canonical(cls, name: str | None) -> str | None:
        return None if name is None else _core.scheme_id(name)


class ExportStep(Spec):
    """One `[[export]]`."""

    to: str = Field(description="a name of `tokkit list exports`")
    min_fidelity: float = Field(
        0.0, ge=0, le=1, description="share of the training mass that must get identical ids, else the run fails"
    )


class EvalStep(Spec):
    """One `[[eval]]`."""

    name: str = Field("texts", pattern=r"^[A-Za-z0-9._-]+$", description="names the result file")
    texts: dict[str, str | tuple[str, ...]] = Field(min_length=1, description="label to file or files")
    metrics: tuple[str, ...] = Field((), description="names of `tokkit list metrics`; none means the usual ones")
    compare: dict[str, str] = Field(default_factory=dict, description="label to another tokenizer to measure beside")


@dataclass(frozen=True)
class Recipe:
    """A recipe without faults.

    `counts` replaces the sources when it is given; `pretokenizer` is None where the recipe leaves it to the counts.
    """

    name: str
    output: str | None
    sources: tuple[SourceSpec, ...]
    counts: str | None
    counting: CountConfig
    pretokenizer: str | None
    method: str
    training: Spec
    roles: Mapping[str, str] = field(default_factory=dict)
    exports: tuple[ExportStep, ...] = ()
    evaluations: tuple[EvalStep, ...] = ()
    lock: Mapping[str, Any] = field(default_factory=dict)


def parse(loaded: Loaded, *, runtime: Mapping[str, object] | None = None) -> Recipe:
    """The recipe in a table; `runtime` sets fields such as threads and memory wherever a Config has them.

    Raises:
        RecipeError: with every fault that the table has.
    """
    table, faults, extra = loaded.table, list(loaded.faults), dict(runtime or {})
    faults += [unknown_key("", key, value, _KEYS) for key, value in table.items() if key not in _KEYS]
    faults += _format_faults(table)
    corpus = _table(table, "corpus", faults)
    counts = corpus.pop("counts", None)
    sources = _sources(corpus, faults)
    if counts is not None and not isinstance(counts, str):
        faults.append(Fault("corpus.counts", f"must be a path in quotes, got {shown(counts)}"))
    elif (counts is None) == (not sources) and not any(fault.where.startswith("corpus") for fault in faults):
        faults.append(Fault("corpus", "needs either `sources` or `counts`", "add a [[corpus.sources]] with a path"))
    pretokenizer = _section(_table(table, "pretokenizer", faults), "pretokenizer", PretokenizerSection, faults)
    method, training = _training(_table(table, "train", faults), extra, faults)
    counting = _counting(corpus, training, extra, faults)
    roles = _roles(_table(table, "roles", faults), training, faults)
    exports = _each(table.get("export", []), "export", ExportStep, faults)
    faults += _known_exports(exports)
    evaluations = _each(table.get("eval", []), "eval", EvalStep, faults)
    output = table.get("output")
    if output is not None and not isinstance(output, str):
        faults.append(Fault("output", f"must be a path in quotes, got {shown(output)}"))
    if faults or counting is None or pretokenizer is None or training is None:
        raise RecipeError(faults)
    return Recipe(
        name=loaded.name,
        output=output,
        sources=tuple(sources),
        counts=counts,
        counting=counting,
        pretokenizer=pretokenizer.name or (_default_pretokenizer(method, training) if counts is None else None),
        method=method,
        training=training,
        roles=roles,
        exports=tuple(exports),
        evaluations=tuple(evaluations),
        lock=_table(table, "lock", faults),
    )


def _default_pretokenizer(method: str, training: Spec) -> str:
    """The pre-tokenizer where the recipe names none: the method's own if it has one."""
    trainer = TRAINERS.get(method)
    if issubclass(trainer, SuperwordTrainer) and isinstance(training, SuperwordTrainer.Config):
        return _core.scheme_id(trainer(training).default_pretokenizer())
    return DEFAULT_PRETOKENIZER


def runtime_options(threads: int, memory_bytes: int | None) -> dict[str, object]:
    """What --threads and --memory mean for the Configs."""
    # Half for counting: the table that comes out of it lies in the other half.
    return {"threads": threads, "memory_mb": None if memory_bytes is None else max(1, memory_bytes >> 21)}


def lasting(config: Spec) -> dict[str, Any]:
    """The options of a Config that decide what comes out, as JSON values; without those of speed."""
    return config.model_dump(mode="json", exclude={*RUNTIME_FIELDS, "source"})


def _format_faults(table: Mapping[str, Any]) -> list[Fault]:
    version = table.get("recipe")
    if version is None:
        return [Fault("recipe", "is missing", f"begin the file with `recipe = {FORMAT}`")]
    if not isinstance(version, int) or version < 1:
        return [Fault("recipe", f"must be {FORMAT}, got {shown(version)}")]
    if version > FORMAT:
        return [Fault("recipe", f"is of format {version}, this tokkit reads {FORMAT}", "update tokkit")]
    return []


def _training(table: dict[str, Any], extra: Mapping[str, object], faults: list[Fault]) -> tuple[str, Spec | None]:
    method = table.pop("method", "bpe")
    try:
        config = TRAINERS.get(str(method)).Config
    except TokkitError as error:
        faults.append(Fault("train.method", error.message, error.hint))
        return str(method), None
    return str(method), _section(_with(table, config, extra), "train", config, faults, also=("method",))


def _sources(corpus: dict[str, Any], faults: list[Fault]) -> list[SourceSpec]:
    """The sources, each with what [corpus.source] says of all."""
    entries, shared = corpus.pop("sources", []), corpus.pop("source", {})
    if not isinstance(shared, dict):
        faults.append(Fault("corpus.source", f"must be a table, [corpus.source], got {shown(shared)}"))
    elif isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
        entries = [{**shared, **entry} for entry in entries]
    return _each(entries, "corpus.sources", SourceSpec, faults)


def _counting(
    corpus: dict[str, Any], training: Spec | None, extra: Mapping[str, object], faults: list[Fault]
) -> CountConfig | None:
    """How to count, with what the training needs of it: its special tokens, first positions for ties by them."""
    needed: dict[str, Any] = {"specials": getattr(training, "special_tokens", ())}
    if getattr(training, "tie", None) == "first":
        needed["track_first"] = True
    table = {**needed, **_with(corpus, CountConfig, extra)}
    return _section(table, "corpus", CountConfig, faults, also=("sources", "counts"))


def _roles(table: dict[str, Any], training: Spec | None, faults: list[Fault]) -> dict[str, str]:
    """Role (bos, eos, pad, ...) to special token; the tokens must be special tokens of the training."""
    specials = getattr(training, "special_tokens", ())
    for role, token in table.items():
        if role not in ROLES:
            faults.append(unknown_key("roles", role, token, ROLES))
        elif not isinstance(token, str) or (training is not None and token not in specials):
            faults.append(Fault(f"roles.{role}", f"must be one of train.special_tokens, got {shown(token)}"))
    return {role: str(token) for role, token in table.items()}


def _known_exports(exports: list[ExportStep]) -> list[Fault]:
    faults = []
    for index, step in enumerate(exports):
        try:
            EXPORTERS.get(step.to)
        except TokkitError as error:
            faults.append(Fault(f"export.{index}.to", error.message, error.hint))
    names = [step.to for step in exports]
    repeated = sorted({name for name in names if names.count(name) > 1})
    return faults + [Fault("export", f"`{name}` occurs twice") for name in repeated]


def _with(table: dict[str, Any], config: type[Spec], extra: Mapping[str, object]) -> dict[str, Any]:
    """The table with those runtime options that the Config has and the recipe leaves open."""
    known = {name: value for name, value in extra.items() if name in config.model_fields and value is not None}
    return {**known, **table}


def _section(
    table: dict[str, Any], where: str, config: type[S], faults: list[Fault], *, also: tuple[str, ...] = ()
) -> S | None:
    known = set(config.model_fields)
    unknown = [key for key in table if key not in known]
    faults += [unknown_key(where, key, table[key], [*known, *also]) for key in unknown]
    try:
        return config.model_validate({key: value for key, value in table.items() if key in known})
    except ValidationError as error:
        faults += faults_of(error, where, config)
        return None


def _each(entries: Any, where: str, config: type[S], faults: list[Fault]) -> list[S]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        faults.append(Fault(where, f"must be a list of tables, [[{where}]], got {shown(entries)}"))
        return []
    made = [_section(entry, f"{where}.{index}", config, faults) for index, entry in enumerate(entries)]
    return [entry for entry in made if entry is not None]


def _table(table: Mapping[str, Any], key: str, faults: list[Fault]) -> dict[str, Any]:
    value = table.get(key, {})
    if isinstance(value, dict):
        return dict(value)
    faults.append(Fault(key, f"must be a table, [{key}], got {shown(value)}"))
    return {}
