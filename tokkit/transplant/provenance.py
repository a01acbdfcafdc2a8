"""transplant.parquet: where every row of the new tables came from, enough to make them again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tokkit.errors import InputError, TokenizerError
from tokkit.transplant.match import Origin
from tokkit.transplant.operator import Operator
from tokkit.transplant.sparse import Csr
from tokkit.transplant.vocabulary import Vocabulary

FORMAT: Final = 1
NAME: Final = "transplant.parquet"
_KEY: Final = b"tokkit"


@dataclass(frozen=True)
class Provenance:
    """The operators by tensor name, and the facts that they were made from."""

    operators: dict[str, Operator]
    facts: dict[str, object]


def write_provenance(
    path: Path,
    operators: Mapping[str, Operator],
    target: Vocabulary,
    origin: NDArray[np.uint8],
    norm_z: Mapping[str, NDArray[np.float64]],
    facts: Mapping[str, object],
) -> None:
    """One row per tensor and id; the same transplant gives the same bytes with the same pyarrow."""
    tables = []
    for name, operator in operators.items():
        n = len(operator.weights)
        tokens = [target.by_id[row].data if row in target.by_id else None for row in range(n)]
        names = [Origin(int(origin[row])).name.lower() if row < len(origin) else "padding" for row in range(n)]
        dense: list[NDArray[np.float32] | None] = [None] * n
        for place, row in enumerate(operator.constant_rows.tolist()):
            dense[row] = operator.constants[place]
        tables.append(
            pa.table(
                {
                    "tensor": pa.array([name] * n, pa.string()).dictionary_encode(),
                    "id": pa.array(np.arange(n, dtype=np.uint32)),
                    "token": pa.array(tokens, pa.binary()),
                    "origin": pa.array(names, pa.string()).dictionary_encode(),
                    "method": pa.array(operator.method, pa.string()).dictionary_encode(),
                    "base_ids": pa.LargeListArray.from_arrays(
                        operator.weights.indptr, operator.weights.indices.astype(np.uint32)
                    ),
                    "weights": pa.LargeListArray.from_arrays(operator.weights.indptr, operator.weights.weights),
                    "constant": pa.array(dense, pa.large_list(pa.float32())),
                    "residual": pa.array(operator.residual, mask=np.isnan(operator.residual)),
                    "weights_l1": pa.array(operator.weights.l1()),
                    "norm_z": pa.array(norm_z[name]),
                }
            ).unify_dictionaries()
        )
    table = pa.concat_tables(tables).unify_dictionaries()
    text = json.dumps({"format": FORMAT, **facts}, sort_keys=True)
    pq.write_table(table.replace_schema_metadata({_KEY: text.encode()}), path, compression="zstd")


def read_provenance(path: Path) -> Provenance:
    """Reads a file of ours back.

    Raises:
        InputError: no such file. TokenizerError: not ours, of a newer format, or contradicting itself.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint=f"a transplant writes {NAME} into its folder")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise TokenizerError(f"{path}: not a parquet file: {error}") from error
    raw = (table.schema.metadata or {}).get(_KEY)
    wanted = {"tensor", "id", "method", "base_ids", "weights", "constant", "residual"}
    if raw is None or not wanted <= set(table.column_names):
        raise TokenizerError(f"{path}: not the provenance of a transplant")
    facts = json.loads(raw)
    if facts.get("format") != FORMAT:
        raise TokenizerError(f"{path}: format {facts.get('format')} is not {FORMAT}", hint="a newer tokkit reads it")
    operators: dict[str, Operator] = {}
    names = table.column("tensor").combine_chunks().cast(pa.string())
    for name in dict.fromkeys(names.to_pylist()):
        part = table.filter(pa.compute.equal(names, name)).combine_chunks()
        operators[str(name)] = _operator(part, path)
    return Provenance(operators, facts)


def _operator(part: pa.Table, path: Path) -> Operator:
    n = part.num_rows
    ids = part.column("id").to_numpy()
    lists, weights = part.column("base_ids").combine_chunks(), part.column("weights").combine_chunks()
    lengths = np.asarray(lists.value_lengths().to_numpy(zero_copy_only=False), np.int64)
    same = np.array_equal(lengths, np.asarray(weights.value_lengths().to_numpy(zero_copy_only=False), np.int64))
    if not np.array_equal(ids, np.arange(n)) or not same:
        raise TokenizerError(f"{path}: its rows contradict each other")
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    dense = part.column("constant").to_pylist()
    rows = [row for row, value in enumerate(dense) if value is not None]
    constants = np.array([dense[row] for row in rows], np.float32)
    return Operator(
        Csr(indptr, lists.flatten().to_numpy().astype(np.int64), weights.flatten().to_numpy()),
        np.array(rows, np.int64),
        constants.reshape(len(rows), -1) if rows else np.zeros((0, 0), np.float32),
        tuple(part.column("method").cast(pa.string()).to_pylist()),
        np.array(part.column("residual").to_pylist(), np.float64),
    )
