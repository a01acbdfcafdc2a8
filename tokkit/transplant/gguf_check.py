"""Whether a GGUF is of the model that a folder was transplanted from: shape, body, and the rows that were copied."""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError
from tokkit.export.gguf_file import GgufFile, GgufTensor
from tokkit.transplant.checkpoint import DTYPES, Checkpoint
from tokkit.transplant.operator import Operator
from tokkit.transplant.provenance import Provenance
from tokkit.transplant.tables import Tables
from tokkit.transplant.verify import body_samples

_LAYERS: Final = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_MORE_LAYERS: Final = "num_nextn_predict_layers"
# What llama.cpp's converter leaves in its order and, but for 1 added to some norms, in its values.
_COMPARED: Final = re.compile(r"(output_norm|attn_norm|ffn_norm|ffn_down)\.weight$")
_SAMPLE: Final = 256
_ROWS: Final = 8
# (bits per weight, share of a row's length that rounding may change): about twice what llama.cpp's own quantiser does
# to the rows of SmolLM2, which is 0.5% in Q8_0, 2% in Q6_K, 5% in Q5_0, 10% in Q4_0, 16% in Q3_K, 28% in Q2_K, 54% in
# IQ1_S. Rows of bfloat16 from a float32 model are 0.2% off.
_TOLERANCES: Final = ((12.0, 0.004), (8.0, 0.02), (6.0, 0.06), (5.0, 0.12), (4.0, 0.25), (3.0, 0.4), (0.0, 0.7))
# Rows of another model are 1.4 row lengths away, those that a little training moved far less.
_NEAR: Final = 0.5
_HINT: Final = "give the GGUF of the very model that was transplanted: same version, base or instruct"


def check_shape(made: Checkpoint, base: GgufFile, table: str) -> None:
    """Raises InputError when the width or the number of layers is another's."""
    width, rows = made.tensors[table].shape[1], base.tensors["token_embd.weight"]
    if len(rows.dims) != 2:
        raise InputError(f"{base.path}: token_embd.weight has {len(rows.dims)} dimensions instead of 2")
    if rows.dims[0] != width:
        raise InputError(
            f"{base.path}: is the GGUF of another model: its rows are {rows.dims[0]} wide, {made.folder}'s {width}",
            hint=_HINT,
        )
    count, known = base.number(f"{base.text('general.architecture')}.block_count"), _layers(made.config)
    if count is not None and known is not None and count not in known:
        raise InputError(
            f"{base.path}: is the GGUF of another model: it has {count} blocks, {made.folder} {min(known)}", hint=_HINT
        )


def _layers(config: dict[str, object]) -> tuple[int, int] | None:
    """The layers without and with those that only predict further ahead."""
    for part in (config, config.get("text_config")):
        if isinstance(part, dict):
            for name in _LAYERS:
                count, more = part.get(name), part.get(_MORE_LAYERS)
                if isinstance(count, int):
                    return count, count + (more if isinstance(more, int) else 0)
    return None


def check_untouched(made: Checkpoint, provenance: Provenance, tables: Tables) -> None:
    """Raises InputError when a tensor of the body is not what it was when the folder was made."""
    known = provenance.facts.get("body")
    if not isinstance(known, dict):  # a transplant of before this was kept
        return
    for name, sample in body_samples(made, tables.names()).items():
        was = str(known.get(name, sample))
        # Saved in another type it is compared by its values, with the GGUF's.
        if was != sample and was.partition(" ")[0] == sample.partition(" ")[0]:
            raise InputError(
                f"{made.folder}: {name} was changed after the transplant, so its body is in no GGUF of the base",
                hint="give the folder as it was transplanted; the converter of llama.cpp writes trained bodies",
            )


def check_body(made: Checkpoint, base: GgufFile) -> int:
    """Compares norms and some rows of matrices; returns how many tensors, 0 for an architecture of unknown names.

    Raises:
        InputError: one differs by more than its type rounds.
    """
    import gguf

    kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
    kind = kinds.get(base.text("general.architecture") or "")
    if kind is None:
        return 0
    blocks = base.number(f"{base.text('general.architecture')}.block_count") or 0
    names = gguf.get_tensor_name_map(kind, min(blocks, len(base.tensors)))  # it makes names for each block
    compared = 0
    for name, tensor in sorted(made.tensors.items()):
        found = names.get_name(name, try_suffixes=(".weight",)) or ""
        theirs = base.tensors.get(found)
        if theirs is None or not _COMPARED.search(found) or theirs.dims[::-1] != tensor.shape:
            continue
        if tensor.dtype not in DTYPES:
            continue
        ours = made.read(name)[None] if len(tensor.shape) == 1 else next(made.row_blocks(name, _ROWS))[1]
        values = rows_of(base, theirs, range(len(ours)))
        if values is None:
            continue
        error = min(distance(ours, values), distance(ours, values - 1) if len(tensor.shape) == 1 else np.inf)
        if error > tolerance(theirs.kind):
            raise InputError(
                f"{base.path}: is the GGUF of another model: {found} differs by {error:.2%} from {name} in "
                f"{made.folder}",
                hint=f"{_HINT}; a body that was trained after the transplant is in no GGUF yet",
            )
        compared += 1
    return compared


def check_rows(
    made: Checkpoint,
    base: GgufFile,
    pairs: Mapping[str, str],
    operators: Mapping[str, Operator],
    *,
    is_body_same: bool,
) -> list[str]:
    """Compares rows that were copied; `pairs` is the GGUF's tensor for each table of the folder. Warnings.

    Raises:
        InputError: they differ by more than the type rounds: by much, or nothing else says that it is the model.
    """
    warnings = []
    for name, found in pairs.items():
        tensor, operator = base.tensors[found], operators[name]
        copies = operator.copies()
        source = operator.weights.indices[operator.weights.indptr[copies]]
        places = np.flatnonzero(source < tensor.dims[1])
        places = places[np.unique(np.linspace(0, len(places) - 1, min(_SAMPLE, len(places))).astype(np.int64))]
        if not len(places):
            continue
        values = rows_of(base, tensor, source[places].tolist())
        if values is None:
            raise InputError(f"{base.path}: {found} has the type {kind_name(tensor.kind)}, which gguf cannot read")
        error = distance(_rows(made, name, copies[places]), values)
        if error <= tolerance(tensor.kind):
            continue
        if error > _NEAR or not is_body_same:
            raise InputError(
                f"{base.path}: is the GGUF of another model: rows of {found} differ by {error:.2%} from their copies "
                f"in {made.folder}",
                hint=_HINT,
            )
        warnings.append(f"{name}: copied rows differ by {error:.2%} from the base's: trained since the transplant?")
    return warnings


def _rows(made: Checkpoint, name: str, wanted: NDArray[np.int64]) -> NDArray[np.generic]:
    """Some rows, ascending, of a matrix that is read in blocks."""
    block = max(1, (1 << 24) // max(1, made.tensors[name].shape[1] * 4))
    return np.concatenate(
        [
            rows[wanted[(start <= wanted) & (wanted < start + len(rows))] - start]
            for start, rows in made.row_blocks(name, block)
        ]
    )


def rows_of(base: GgufFile, tensor: GgufTensor, wanted: range | list[int]) -> NDArray[np.float32] | None:
    """Rows of a matrix, or the one of a vector, as numbers; None when gguf cannot read the type."""
    import gguf

    numbers, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(tensor.kind)]
    row_bytes = tensor.dims[0] // numbers * size
    raw = b"".join(b"".join(base.data(tensor, start=row * row_bytes, size=row_bytes)) for row in wanted)
    stacked = np.frombuffer(raw, np.uint8).reshape(-1, row_bytes)
    try:
        with np.errstate(all="ignore"):  # a broken file may hold anything
            return np.asarray(gguf.quants.dequantize(stacked, gguf.GGMLQuantizationType(tensor.kind)), np.float32)
    except NotImplementedError:
        return None


def distance(ours: NDArray[np.generic], theirs: NDArray[np.float32]) -> float:
    """The length of the difference over that of `ours`."""
    mine = ours.astype(np.float64)
    length = float(np.linalg.norm(mine))
    apart = float(np.linalg.norm(mine - theirs))
    share = apart / length if length else (0.0 if apart == 0 else np.inf)
    return share if np.isfinite(share) else np.inf


def tolerance(kind: int) -> float:
    """The share of a row's length that a type may change."""
    import gguf

    numbers, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(kind)]
    return next(share for bits, share in _TOLERANCES if 8 * size / numbers >= bits)


def kind_name(kind: int) -> str:
    """The name of a tensor type."""
    import gguf

    return str(gguf.GGMLQuantizationType(kind).name)
