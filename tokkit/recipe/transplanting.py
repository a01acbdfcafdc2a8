"""The model of a recipe: `[transplant]` gives a pretrained model the tokenizer that was trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from tokkit.errors import TokkitError
from tokkit.recipe.faults import Fault, faults_of, unknown_key
from tokkit.recipe.inputs import resolve
from tokkit.spec import Spec
from tokkit.transplant.base import METHODS
from tokkit.transplant.config import TransplantConfig

if TYPE_CHECKING:
    from tokkit.progress import Progress
    from tokkit.transplant.report import Report

FOLDER = "model"
"""Where in the output the model goes."""


class TransplantInputs(Spec):
    """What `[transplant]` reads; beside it stand the options of the method and of transplanting."""

    base: str = Field(min_length=1, description="folder of the pretrained model")
    method: str = Field("auto", description="one of `tokkit list transplants`")
    donor: str | None = Field(None, description="folder of a model that has this very tokenizer")
    auxiliary: str | None = Field(None, description="vectors of tokens: safetensors with `target` and `base`")
    learn_from: str | None = Field(None, description="text to learn such vectors from")
    map: dict[str, str] = Field(default_factory=dict, description="target token to base token")
    seed: int = Field(0, ge=0, description="of what is drawn")


@dataclass(frozen=True)
class TransplantStep:
    """`[transplant]` without faults."""

    inputs: TransplantInputs
    options: Spec
    config: TransplantConfig

    def table(self) -> dict[str, Any]:
        """The section with every default, as JSON values."""
        parts = (self.inputs, self.config, self.options)
        found = {key: value for part in parts for key, value in part.model_dump(mode="json").items()}
        return {key: value for key, value in found.items() if value not in (None, {}, [])}

    def files(self) -> list[Path]:
        """All files that decide the result."""
        folders = [Path(resolve(name)) for name in (self.inputs.base, self.inputs.donor) if name is not None]
        found = [path for folder in folders for path in sorted(folder.glob("*")) if path.is_file()]
        return found + [Path(resolve(name)) for name in (self.inputs.auxiliary, self.inputs.learn_from) if name]

    def check(self) -> None:
        """Raises what opening the models would raise, before the hours of training that come first."""
        from tokkit.transplant.checkpoint import open_checkpoint
        from tokkit.transplant.tables import find_tables

        for name in (self.inputs.base, self.inputs.donor):
            if name is not None:
                find_tables(open_checkpoint(Path(resolve(name))), extra=self.config.tables)

    def run(self, tokenizer: Path, *, threads: int, progress: "Progress") -> "Report":
        """Writes the model into the tokenizer's folder, in the place of one that stands there."""
        from tokkit.transplant.run import transplant

        inputs = self.inputs
        return transplant(
            resolve(inputs.base),
            tokenizer,
            tokenizer / FOLDER,
            method=inputs.method,
            options=self.options.model_dump(),
            config=self.config,
            overrides=inputs.map,
            donor=None if inputs.donor is None else resolve(inputs.donor),
            auxiliary=None if inputs.auxiliary is None else resolve(inputs.auxiliary),
            learn_from=None if inputs.learn_from is None else resolve(inputs.learn_from),
            seed=inputs.seed,
            threads=threads,
            overwrite=True,
            progress=progress,
        )


def parse_transplant(table: Mapping[str, Any] | None, faults: list[Fault]) -> TransplantStep | None:
    """The section, its keys divided among those who know them; None when there is none, or with a fault."""
    if table is None:
        return None
    name = str(table.get("method", "auto"))
    try:
        options = METHODS.get(name).Config
    except TokkitError as error:
        faults.append(Fault("transplant.method", error.message, error.hint))
        return None
    parts: tuple[type[Spec], ...] = (TransplantInputs, TransplantConfig, options)
    known = {key: part for part in parts for key in part.model_fields}
    faults += [unknown_key("transplant", key, value, list(known)) for key, value in table.items() if key not in known]
    made: list[Spec] = []
    for part in parts:
        try:
            made.append(part.model_validate({key: value for key, value in table.items() if known.get(key) is part}))
        except ValidationError as error:
            faults += faults_of(error, "transplant", part)
    if len(made) < len(parts):
        return None
    inputs, config, chosen = made
    assert isinstance(inputs, TransplantInputs)
    assert isinstance(config, TransplantConfig)
    return TransplantStep(inputs, chosen, config)
