"""A transplanted model as GGUF: the base model's GGUF with new tables and a new tokenizer, its body byte for byte.

llama.cpp's converter knows the pre-tokenizer of a vocabulary by a digest of the ids of one text, so it refuses every
vocabulary that was trained since it was written. A transplant leaves the body as it was, and that of the base model's
GGUF is converted and quantised already.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np

from tokkit.errors import InputError, MissingExtraError, TokenizerError
from tokkit.export.gguf_file import GgufFile, GgufTensor, encode, kind_of, read_header, write_data, write_header
from tokkit.model.model import Model
from tokkit.transplant.checkpoint import Checkpoint, open_checkpoint
from tokkit.transplant.gguf_check import check_body, check_rows, check_shape, check_untouched, kind_name
from tokkit.transplant.gguf_tokenizer import PREFIX, tokenizer_keys
from tokkit.transplant.operator import Operator
from tokkit.transplant.provenance import NAME, read_provenance
from tokkit.transplant.tables import Tables, find_tables, is_head
from tokkit.transplant.write import require_room

FILE: Final = "model.gguf"
_IN, _OUT, _BIAS, _LAYERS = "token_embd.weight", "output.weight", "output.bias", "per_layer_token_embd.weight"
_BLOCK: Final = 1 << 24


@dataclass(frozen=True)
class GgufModel:
    """A model that is ready to be written. `sources` is the folder's tensor for each new one of the file."""

    made: Checkpoint
    base: GgufFile
    keys: dict[str, bytes]
    tensors: tuple[GgufTensor, ...]
    sources: dict[str, str]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Writes the file; the same input gives the same bytes. Memory: some blocks of a table.

        Raises:
            ResourceError: no room on the disk. InputError: the base's file became shorter or unreadable.
            TokenizerError: a row of the folder does not fit its type.
        """
        require_room(path.parent, sum(tensor.n_bytes for tensor in self.tensors))
        with path.open("wb") as file:
            write_header(file, self.keys, self.tensors, alignment=self.base.alignment)
            for tensor in self.tensors:
                pieces = self._rows(tensor) if tensor.name in self.sources else self.base.data(tensor)
                write_data(file, tensor, pieces, alignment=self.base.alignment)

    def _rows(self, tensor: GgufTensor) -> Iterator[bytes]:
        import gguf

        name, kind = self.sources[tensor.name], gguf.GGMLQuantizationType(tensor.kind)
        blocks = self.made.row_blocks(name, max(1, _BLOCK // (4 * tensor.dims[0])))
        if len(tensor.dims) == 1:
            blocks = iter([(0, self.made.read(name).reshape(1, -1))])
        for start, rows in blocks:
            values = rows.astype(np.float32)
            # All other types hold numbers, or scales of numbers, in half precision.
            is_wide = kind in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.BF16)
            bound = np.inf if is_wide else np.finfo(np.float16).max
            bad = ~(np.abs(values) < bound).all(axis=1)
            if bad.any():
                raise TokenizerError(
                    f"{self.made.folder}: row {start + int(bad.argmax())} of {name} does not fit {kind.name}"
                )
            yield np.ascontiguousarray(gguf.quants.quantize(values, kind)).tobytes()


def prepare(model: Model, folder: Path, base: Path, *, roles: Mapping[str, str] | None = None) -> GgufModel:
    """Reads and checks all that `GgufModel.write` needs: `folder` is a transplanted model, `base` the base's GGUF.

    `model` is the tokenizer of the folder. Types of tables stay those of the base where gguf can make them; of others
    Q8_0 is made.

    Raises:
        MissingExtraError: gguf is not installed. InputError: a missing or broken file, a GGUF of another model.
        TokenizerError: a tokenizer or table that llama.cpp has no place for.
    """
    gguf = _package()
    sizes = {int(kind): (int(numbers), int(size)) for kind, (numbers, size) in gguf.GGML_QUANT_SIZES.items()}
    made = open_checkpoint(folder)
    file = read_header(base, sizes)
    arch = file.text("general.architecture")
    if not file.tensors:
        raise InputError(f"{base}: has no tensors, only a vocabulary", hint="give the GGUF of the whole base model")
    if arch is None or _IN not in file.tensors:
        what = _IN if arch else "general.architecture"
        raise InputError(f"{base}: has no {what}", hint="give the GGUF of a language model, not of an adapter")
    if not (folder / NAME).is_file():
        raise InputError(
            f"{folder}: has no {NAME}, so nothing says which rows are the base model's",
            hint="`tokkit transplant` writes it; copy it along when the model is saved anew",
        )
    provenance = read_provenance(folder / NAME)
    tables = find_tables(made, extra=tuple(name for name in provenance.operators if not is_head(name)))
    rows = made.tensors[tables.inputs[0]].shape[0]
    check_shape(made, file, tables.inputs[0])
    sources = _sources(made, tables, file)
    pairs = {name: found if found in file.tensors else _IN for found, name in sources.items() if found != _BIAS}
    _same_tables(folder, pairs, provenance.operators, rows)
    check_untouched(made, provenance, tables)
    n_same = check_body(made, file)
    warnings = [] if n_same else [f"{base}: no tensor of the body could be compared, only rows of the vocabulary"]
    warnings += check_rows(made, file, pairs, provenance.operators, is_body_same=n_same > 0)
    id_map = _id_map(provenance.operators[tables.inputs[0]])
    values, more = tokenizer_keys(model, folder, file, rows=rows, id_map=id_map, roles=roles)
    new = {name: _new_tensor(gguf, made, file, name, source, sizes) for name, source in sources.items()}
    tensors = _ordered(file, new)
    keys, dropped = _keys(gguf, file, arch, tensors, {name: encode(value) for name, value in values.items()}, id_map)
    notes = [f"{base.name}: {n_same} tensors of the body compared, {len(tensors) - len(new)} copied"]
    notes += [_note(file, tensor) for tensor in new.values()]
    if _OUT in file.tensors and _OUT not in new:
        notes.append(f"{_OUT}: left out, the model is tied")
    return GgufModel(made, file, keys, tensors, sources, tuple(notes), (*warnings, *more, *dropped))


def _package() -> ModuleType:
    try:
        import gguf
        import gguf.quants
    except ImportError as error:
        raise MissingExtraError("gguf is needed for whole models", hint="pip install 'tokkit[gguf]'") from error
    return gguf


def _sources(made: Checkpoint, tables: Tables, file: GgufFile) -> dict[str, str]:
    """GGUF name -> tensor of the folder, for all that has a row for each token.

    Raises:
        TokenizerError: a table that has no place in the file, or the other way round.
    """
    main, head = tables.inputs[0], tables.head()
    found = {_IN: main} if head is None else {_IN: main, _OUT: head}
    for name in (*tables.inputs[1:], *tables.outputs):
        if name == head:
            continue
        if name.endswith("embed_tokens_per_layer.weight") and _LAYERS in file.tensors:
            found[_LAYERS] = name
        else:
            raise TokenizerError(f"{made.folder}: no place in a GGUF is known for the table {name}")
    if (len(tables.biases), _BIAS in file.tensors) not in ((0, False), (1, True)):
        raise TokenizerError(
            f"{file.path}: {made.folder} has {len(tables.biases)} biases of the output, not this file's"
        )
    if tables.biases:
        found[_BIAS] = tables.biases[0]
    base_rows = file.tensors[_IN].dims[1]
    for name, tensor in file.tensors.items():
        is_top = not name.startswith("blk.") or "nextn." in name
        if is_top and base_rows in tensor.dims and name not in (*found, _OUT):
            raise TokenizerError(f"{file.path}: {name} has a row for each token and is no table that is known here")
    if head is not None and _OUT not in file.tensors and not _may_be_untied(file):
        raise TokenizerError(
            f"{file.path}: llama.cpp gives `{file.text('general.architecture')}` no output matrix of its own",
            hint="transplant without --untie",
        )
    return found


def _may_be_untied(file: GgufFile) -> bool:
    import gguf

    kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
    kind = kinds.get(file.text("general.architecture") or "")
    return kind is None or gguf.MODEL_TENSOR.OUTPUT in gguf.MODEL_TENSORS[kind]


def _same_tables(folder: Path, pairs: Mapping[str, str], operators: Mapping[str, Operator], rows: int) -> None:
    """Raises InputError when the provenance is not that of these tables."""
    for name in pairs:
        n = len(operators[name].weights) if name in operators else 0
        if n != rows:
            raise InputError(f"{folder / NAME}: tells of {n:,} rows of {name}, the model has {rows:,}")


def _id_map(operator: Operator) -> dict[int, int]:
    """Base id -> the first row that is its copy."""
    copies = operator.copies()
    source = operator.weights.indices[operator.weights.indptr[copies]]
    return dict(reversed(list(zip(source.tolist(), copies.tolist(), strict=True))))


def _new_tensor(
    gguf: ModuleType, made: Checkpoint, file: GgufFile, name: str, source: str, sizes: Mapping[int, tuple[int, int]]
) -> GgufTensor:
    shape = made.tensors[source].shape
    dims = (prod(shape),) if name == _BIAS else shape[::-1]
    kind = _kind(gguf, file.tensors.get(name, file.tensors[_IN]).kind, dims[0])
    numbers, size = sizes[kind]
    return GgufTensor(name, dims, kind, prod(dims) // numbers * size)


def _kind(gguf: ModuleType, wanted: int, width: int) -> int:
    """`wanted` where gguf can make rows of it, else Q8_0: what it only reads has blocks of 32 numbers or more."""
    try:
        gguf.quants.quantize(np.zeros((1, width), np.float32), gguf.GGMLQuantizationType(wanted))
    except NotImplementedError:
        return int(gguf.GGMLQuantizationType.Q8_0)
    return wanted


def _note(file: GgufFile, tensor: GgufTensor) -> str:
    """What type a new tensor has, and why."""
    model = tensor.name if tensor.name in file.tensors else _IN
    old = file.tensors[model].kind
    like = (
        "as the base's"
        if tensor.kind == old
        else f"since gguf cannot make {kind_name(old)}, which is that of the base's"
    )
    return f"{tensor.name}: {list(tensor.dims)} in {kind_name(tensor.kind)}, {like} {model}"


def _ordered(file: GgufFile, new: Mapping[str, GgufTensor]) -> tuple[GgufTensor, ...]:
    """The tensors as the base has them; an output matrix that it has not comes after the input's."""
    made: list[GgufTensor] = []
    for name, tensor in file.tensors.items():
        if name in new:
            made.append(new[name])
        elif name != _OUT:
            made.append(tensor)
        if name == _IN:
            made += [other for other in new.values() if other.name not in file.tensors]
    return tuple(made)


def _keys(
    gguf: ModuleType,
    file: GgufFile,
    arch: str,
    tensors: tuple[GgufTensor, ...],
    tokenizer: Mapping[str, bytes],
    id_map: Mapping[int, int],
) -> tuple[dict[str, bytes], list[str]]:
    """The base's keys with the new tokenizer in the place of its own, and warnings."""
    old = [name for name in file.keys if name.startswith(PREFIX)]
    keys: dict[str, bytes] = {} if old else dict(tokenizer)
    warnings = []
    rows = next(tensor.dims[1] for tensor in tensors if tensor.name == _IN)
    for name, raw in file.keys.items():
        number = file.number(name)
        if name in old:
            keys |= tokenizer if name == old[0] else {}
        elif name == f"{arch}.vocab_size" and number is not None:
            keys[name] = encode((kind_of(raw), rows))
        elif name.endswith("_token_id") and number is not None:
            if number in id_map:
                keys[name] = encode((kind_of(raw), id_map[number]))
            else:
                warnings.append(f"{name}: the base's token {number} is not in the new vocabulary: left out")
        elif name == "general.size_label" and file.text(name) == _size_label(gguf, file.tensors.values()):
            keys[name] = encode((kind_of(raw), _size_label(gguf, tensors)))
        else:
            keys[name] = raw
    return keys, warnings


def _size_label(gguf: ModuleType, tensors: Iterable[GgufTensor]) -> str:
    """The number of parameters as llama.cpp's converter shortens it."""
    total = sum(prod(tensor.dims) for tensor in tensors)
    return str(gguf.utility.model_weight_count_rounded_notation(total))
