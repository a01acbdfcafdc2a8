"""The way back: a transplanted and perhaps fine-tuned model gets the base's tokenizer again."""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit import atomic
from tokkit.errors import UsageError
from tokkit.load.json_file import obj
from tokkit.progress import Progress, silent
from tokkit.transplant import provenance, settings, write
from tokkit.transplant.checkpoint import Checkpoint, open_checkpoint
from tokkit.transplant.tables import find_tables
from tokkit.transplant.verify import digest
from tokkit.transplant.vocabulary import read_vocabulary

_GENERATION = "generation_config.json"


def restore(
    made: str | Path, base: str | Path, output: str | Path, *, overwrite: bool = False, progress: Progress = silent
) -> dict[str, int]:
    """Writes `made`, the result of a transplant from `base`, with the base's tokenizer; returns rows by origin.

    Body from `made`; a row that the transplant copied comes back from `made` (fine-tuning may have moved it), all
    others from `base`. Without training in between the result's tables are the base's, bit for bit.

    Raises:
        UsageError: the two do not belong together. InputError, TokenizerError, ResourceError: as `transplant`.
    """
    made, base, output = Path(made), Path(base), Path(output)
    atomic.refuse_overwrite(output, overwrite=overwrite)
    kept = provenance.read_provenance(made / provenance.NAME)
    old, new = open_checkpoint(base), open_checkpoint(made)
    tables = find_tables(old)
    if kept.facts.get("base_rows") != tables.rows:
        raise UsageError(f"{base}: has {tables.rows} rows, the transplant began with {kept.facts.get('base_rows')}")
    for name, wanted in obj(kept.facts.get("base_sha256", {}), f"{made / provenance.NAME}: base_sha256").items():
        if name not in old.tensors or digest(old, name) != wanted:
            raise UsageError(
                f"{base}: its {name} is not the one that the transplant began with",
                hint="name the very folder that was BASE, not a fine-tune of it",
            )
    progress("restore", 0, 0)
    replaced: dict[str, tuple[tuple[int, ...], write.Make]] = {}
    back = 0
    for name in tables.sides():
        if name not in new.tensors or name not in kept.operators:
            raise UsageError(f"{made}: has no {name} that was transplanted", hint="is this the same base?")
        values, back = _table(old, new, name, kept)
        replaced[name] = (values.shape, lambda values=values: values)  # type: ignore[misc] # binds the value
    for name in tables.biases:
        vector = old.read(name)
        replaced[name] = (vector.shape, lambda vector=vector: vector)  # type: ignore[misc] # as above
    dropped = frozenset(new.tensors.keys() - old.tensors.keys())
    write.free_space_for(new, output.resolve().parent, 0)
    with atomic.atomic_folder(output, overwrite=overwrite) as folder:
        write.write_weights(new, folder, replaced, {}, dropped)
        write.copy_others(made, folder)
        write.copy_tokenizer(base, folder)
        content, _ = settings.new_config(
            new.config,
            rows=tables.rows,
            base_rows=int(str(kept.facts["rows"])),
            id_map={},
            target=read_vocabulary(base),
            tied=None,
        )
        ids = {key: value for key, value in old.config.items() if key.endswith(("_token_id", "_token_index"))}
        ties = {key: old.config[key] for key in ("tie_word_embeddings",) if key in old.config}
        write.write_json(folder / "config.json", {**content, **ids, **ties})
        if (base / _GENERATION).is_file():
            shutil.copyfile(base / _GENERATION, folder / _GENERATION)
    return {"from_transplant": back, "from_base": tables.rows - back}


def _table(old: Checkpoint, new: Checkpoint, name: str, kept: provenance.Provenance) -> tuple[NDArray[np.generic], int]:
    """(the base's table with the rows that came back, how many did)."""
    operator, values, moved = kept.operators[name], old.read(name), new.read(name)
    if len(moved) != len(operator.weights):
        raise UsageError(f"{name}: {len(moved)} rows, the transplant made {len(operator.weights)}")
    copies = operator.copies()[::-1]  # of several copies of one row the first one counts
    source = operator.weights.indices[operator.weights.indptr[copies]]
    values[source] = moved[copies].astype(values.dtype)
    return values, len(np.unique(source))
