"""tekken.json of Mistral's mistral-common."""

import base64
from collections.abc import Mapping
from pathlib import Path

from tokkit.export import EXPORTERS
from tokkit.export.pretty import pretty_json
from tokkit.export.tiktoken import ranks_of, regex_of
from tokkit.model.model import Model


@EXPORTERS.register("tekken")
def export(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:  # noqa: ARG001 - the interface has it
    """Writes tekken.json; ids there are rank + number of specials, for that format puts the specials first.

    Raises:
        TokenizerError: not byte-level plain BPE with rising ids, or the pre-tokenizer is not one regex.
    """
    rows = ranks_of(model, "tekken")
    n_specials = model.n_specials
    content = {
        "config": {
            "pattern": regex_of(model, "tekken"),
            "num_vocab_tokens": len(rows),
            "default_vocab_size": len(rows) + n_specials,
            "default_num_special_tokens": n_specials,
            "version": "v3",
        },
        "vocab": [
            {"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": _text(token)}
            for rank, (_, token) in enumerate(rows)
        ],
        "special_tokens": [
            {"rank": rank, "token_str": text, "is_control": True} for rank, text in enumerate(model.specials)
        ],
    }
    path = folder / "tekken.json"
    path.write_text(pretty_json(content) + "\n", encoding="utf-8", newline="\n")
    return [path]


def _text(token: bytes) -> str | None:
    try:
        return token.decode()
    except UnicodeDecodeError:
        return None
