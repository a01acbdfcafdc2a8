"""Looks at the finished folder as a stranger would: sound files, same body, same copied rows, ids in range."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import GateError
from tokkit.load.json_file import read_object
from tokkit.transplant.checkpoint import Checkpoint, open_checkpoint
from tokkit.transplant.operator import Operator
from tokkit.transplant.vocabulary import Vocabulary

_LITERAL: Final = re.compile(r"<\|[^|<>\s]+\|>|</?[a-zA-Z_]+>|\[/?[A-Z_]{3,}\]")
_SAMPLE: Final = 1 << 16
_ID: Final = re.compile(r"_token_ids?$")


def verify(
    folder: Path, base: Checkpoint, operators: Mapping[str, Operator], target: Vocabulary, *, gone: frozenset[str]
) -> list[str]:
    """Warnings about what is legal but odd.

    Raises:
        GateError: a tensor of the body differs, a copied row differs, a number is not finite, an id is out of range.
    """
    made = open_checkpoint(folder)
    faults = [f"{name} is missing" for name in sorted(base.tensors.keys() - made.tensors.keys() - gone)]
    for name, tensor in sorted(base.tensors.items()):
        if name in operators or name not in made.tensors or made.tensors[name].shape != tensor.shape:
            continue
        if digest(base, name) != digest(made, name) and not _is_vector(name, base, operators):
            faults.append(f"{name} differs from the base model's")
    rows = 0
    for name, operator in operators.items():
        rows = len(operator.weights)
        if name not in made.tensors or made.tensors[name].shape[0] != rows:
            faults.append(f"{name} has not {rows} rows")
            continue
        source = name if name in base.tensors else next(iter(operators))
        faults += _rows(name, made.read(name), base, source, operator)
    faults += _ids(folder, rows)
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise GateError(f"{folder}: {faults[0]}{more}", hint="please report this: the result was not kept")
    return template_warnings(folder, target)


def _rows(
    name: str, values: NDArray[np.generic], base: Checkpoint, source: str, operator: Operator, block: int = 8192
) -> list[str]:
    """What is wrong with a new table; the base's is read block by block, for both may be large."""
    faults: list[str] = []
    for start in range(0, len(values), block):
        if not np.isfinite(values[start : start + block].astype(np.float32)).all():
            faults.append(f"{name} has numbers that are not finite")
            break
    copies = operator.copies()
    wanted = operator.weights.indices[operator.weights.indptr[copies]]
    order = np.argsort(wanted, kind="stable")
    copies, wanted = copies[order], wanted[order]
    for start, rows in base.row_blocks(source, block):
        part = slice(*np.searchsorted(wanted, [start, start + len(rows)]))
        if values[copies[part]].tobytes() != rows[wanted[part] - start].tobytes():
            faults.append(f"{name}: copied rows differ from the base model's")
            break
    return faults


def _is_vector(name: str, base: Checkpoint, operators: Mapping[str, Operator]) -> bool:
    """A bias of the vocabulary may keep its shape and still be new."""
    del operators
    return len(base.tensors[name].shape) == 1 and name.endswith(("bias", "final_logits_bias"))


def digest(model: Checkpoint, name: str) -> str:
    """sha256 of a tensor's bytes."""
    found = hashlib.sha256()
    for block in model.blocks(name):
        found.update(block)
    return found.hexdigest()


def body_samples(model: Checkpoint, tables: Collection[str]) -> dict[str, str]:
    """Tensor name -> type and sha256 of the first 64 KiB, for all but the tables: what any training would change."""
    found = {}
    for name, tensor in sorted(model.tensors.items()):
        if name not in tables:
            first = next(model.blocks(name, _SAMPLE), b"")
            found[name] = f"{tensor.dtype} {hashlib.sha256(first).hexdigest()[:16]}"
    return found


def _ids(folder: Path, rows: int) -> list[str]:
    faults: list[str] = []
    for name in ("config.json", "generation_config.json"):
        if not (folder / name).is_file():
            continue
        content = read_object(folder / name)
        for part in (content, *(value for value in content.values() if isinstance(value, dict))):
            for key, value in part.items():
                numbers = value if isinstance(value, list) else [value]
                if _ID.search(key) and any(isinstance(n, int) and not 0 <= n < rows for n in numbers):
                    faults.append(f"{name}: {key} is {value}, the tables have {rows} rows")
    return faults


def template_warnings(folder: Path, target: Vocabulary) -> list[str]:
    """Literal special tokens of the chat template that are no single token. The template is read as text, never run."""
    text = ""
    if (folder / "chat_template.jinja").is_file():
        text = (folder / "chat_template.jinja").read_text(encoding="utf-8", errors="replace")
    elif (folder / "tokenizer_config.json").is_file():
        text = json.dumps(read_object(folder / "tokenizer_config.json").get("chat_template") or "", ensure_ascii=False)
    known = {token.token for token in target.tokens}
    return [
        f"chat template: {literal} is no single token of the new tokenizer"
        for literal in sorted(set(_LITERAL.findall(text)))
        if literal not in known
    ]
