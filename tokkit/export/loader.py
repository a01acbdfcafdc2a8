"""The carried loader: what plain JSON cannot say, as data and a small Python file that `transformers` runs if asked to.

The user allows it by `AutoTokenizer.from_pretrained(folder, trust_remote_code=True)`; tokkit never runs it.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.hf import normalizer_json, tokenizer_config
from tokkit.model.boundless import boundless_facts, superword_merges, word_model
from tokkit.model.model import Model
from tokkit.model.program import is_plain, parse_rows
from tokkit.model.tables import EncoderTables
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids, token_strings, vocab_size
from tokkit.pretokenizers import marks_spaces

CODE: Final = ("tokenization_tokkit.py", "tokkit_words.py", "tokkit_modes.py")
DATA: Final = "tokkit_encoder.json"
FORMAT: Final = 1
_NO_PLAIN_FORM: Final = ("vocab_rank", "longest_suffix", "longest_token", "least_tokens", "likelihood")


@EXPORTERS.register("hf-loader")
def export(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:
    """Writes the three Python files, tokkit_encoder.json and tokenizer_config.json; exact, ids as the artefact's.

    Raises:
        TokenizerError: a pre-tokenizer that has no form in tokenizer.json, or a boundless model that cuts scripts
            apart.
    """
    config = tokenizer_config(model, roles=roles)
    config["tokenizer_class"] = "TokkitTokenizer"
    config["auto_map"] = {"AutoTokenizer": ["tokenization_tokkit.TokkitTokenizer", None]}
    files = {
        DATA: json.dumps(encoder_data(model), ensure_ascii=False, separators=(",", ":")),
        "tokenizer_config.json": json.dumps(config, ensure_ascii=False, indent=1),
        **{name: (Path(__file__).parent / name).read_text(encoding="utf-8").rstrip("\n") for name in CODE},
    }
    for name, text in files.items():
        (folder / name).write_text(text + "\n", encoding="utf-8", newline="\n")
    return [folder / name for name in files]


def encoder_data(model: Model) -> dict[str, object]:
    """The content of tokkit_encoder.json.

    Raises:
        TokenizerError: as `export`.
    """
    from tokkit.pretokenizers import hf_pretokenizer

    superwords: list[tuple[int, int, int]] = []
    if model.inference == "boundless":
        if boundless_facts(model).get("script_scheme") is not None:
            raise TokenizerError(
                "the carried loader cuts all scripts alike, this model does not", hint="use it with tokkit itself"
            )
        superwords, model = superword_merges(model), word_model(model)
    tables = EncoderTables.from_model(model)
    ids, strings = output_ids(model), token_strings(model)
    tokens: list[str | None] = [None] * vocab_size(model)
    for place in np.flatnonzero(ids != NOT_IN_VOCAB).tolist():
        tokens[int(ids[place])] = strings[place]
    atoms = {strings[place]: int(ids[place]) for place in range(model.first_atom, model.first_made)}
    # A special of one character doubles as its atom.
    atoms |= {
        text: int(ids[place]) for place, text in enumerate(model.specials) if len(text) == 1 and text not in atoms
    }
    return {
        "format": FORMAT,
        "unit": tables.unit,
        "marker": marks_spaces(model.pretokenizer),
        "inference": tables.inference,
        "prefix": tables.prefix,
        "suffix": tables.suffix,
        "ignore_merges": tables.ignore_merges,
        "tokens": tokens,
        "atoms": atoms,
        "reserved": sorted(tables.reserved),
        "unk_id": tables.unk_id,
        "fuse_unk": tables.fuse_unk,
        "byte_ids": None if tables.byte_ids is None else tables.byte_ids.tolist(),
        "normalizer": normalizer_json(model),
        "pre_tokenizer": hf_pretokenizer(model.pretokenizer, tables.unit),
        "merges": tables.merges.tolist(),
        "rows": [[kind, token, list(parts)] for kind, token, parts in parse_rows(tables.log)],
        "scores": _scores(tables, len(tokens)),
        "superwords": superwords,
    }


def _scores(tables: EncoderTables, n: int) -> list[float | None] | None:
    """Log probabilities by id, None for a token that may not be used."""
    if tables.inference != "likelihood" or tables.scores is None:
        return None
    by_id: list[float | None] = [None] * n
    for token_id, score in zip(tables.ids.tolist(), tables.scores.tolist(), strict=True):
        by_id[token_id] = score if math.isfinite(score) else None
    return by_id


def needs_loader(model: Model) -> bool:
    """Whether plain JSON cannot hold the model's own way to encode."""
    is_log = model.inference == "exact" and not is_plain(model)
    return is_log or model.inference == "boundless" or model.inference in _NO_PLAIN_FORM
