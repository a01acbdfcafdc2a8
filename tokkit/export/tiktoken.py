"""tiktoken's ranks file, with the regex and the specials that it cannot hold in tokkit_encoding.json beside it."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.plain import require_rank_is_id
from tokkit.model.model import Model
from tokkit.model.vocab import NOT_IN_VOCAB, byte_atoms, output_ids, special_atoms, special_ids

RANKS: Final = "tokkit.tiktoken"
ENCODING: Final = "tokkit_encoding.json"


@EXPORTERS.register("tiktoken")
def export(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:  # noqa: ARG001 - the interface has it
    """Writes `tokkit.tiktoken` (lines of base64 and rank) and tokkit_encoding.json.

    Build the encoding with `tiktoken.Encoding(name, pat_str=, mergeable_ranks=load_tiktoken_bpe(path),
    special_tokens=)` from the values there. `roles` have no place in this format.

    Raises:
        TokenizerError: not byte-level plain BPE with rising ids, or the pre-tokenizer is not one regex.
    """
    rows = ranks_of(model, "tiktoken")
    pattern = regex_of(model, "tiktoken")
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in rows]
    encoding = {
        "format": 1,
        "name": "tokkit",
        "pat_str": pattern,
        "special_tokens": special_ids(model),
        "ranks": RANKS,
        "explicit_n_vocab": None,
        "pretokenizer": model.pretokenizer,
    }
    ranks, description = folder / RANKS, folder / ENCODING
    ranks.write_text("".join(lines), encoding="ascii", newline="\n")
    description.write_text(json.dumps(encoding, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    return [ranks, description]


def ranks_of(model: Model, target: str) -> list[tuple[int, bytes]]:
    """(id, bytes) of every token but the specials, by id.

    Raises:
        TokenizerError: ids do not say the order of the merges, or a byte is missing.
    """
    require_rank_is_id(model, target)
    byte_atoms(model)
    ids = output_ids(model)
    rows = [(int(ids[t]), model.tokens[t]) for t in range(model.first_atom, len(ids)) if ids[t] != NOT_IN_VOCAB]
    rows.extend((int(ids[token]), bytes([byte])) for byte, token in special_atoms(model).items())
    return sorted(rows)


def regex_of(model: Model, target: str) -> str:
    """The regex that the model's pre-tokenizer equals.

    Raises:
        TokenizerError: it is more than one regex.
    """
    from tokkit.pretokenizers import pattern

    found = pattern(model.pretokenizer)
    if found is None:
        raise TokenizerError(
            f"{target}: pre-tokenizer `{model.pretokenizer}` is not a regex",
            hint="train with a regex scheme, llama-bpe@1",
        )
    return found
