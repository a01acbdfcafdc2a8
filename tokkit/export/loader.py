"""The carried loader: what plain JSON cannot say, as data and a small Python file that `transformers` runs if asked to.

The user allows it by `AutoTokenizer.from_pretrained(folder, trust_remote_code=True)`; tokkit never runs it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.hf import normalizer_json, tokenizer_config
from tokkit.model.boundless import boundless_facts, superword_merges, word_model
from tokkit.model.model import Model
from tokkit.model.program import exact_program, is_plain
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids, token_strings, vocab_size

CODE: Final = "tokenization_tokkit.py"
WORDS: Final = "tokkit_words.py"
DATA: Final = "tokkit_encoder.json"
FORMAT: Final = 1
_MARKED: Final = ("metaspace@", "sentencepiece@", "picky-words@")


@EXPORTERS.register("hf-loader")
def export(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:
    """Writes the two Python files, tokkit_encoder.json and tokenizer_config.json; exact, ids as the artefact's.

    Raises:
        TokenizerError: prefix or suffix marks, an inference that is not the log's own, or a pre-tokenizer that has no
            form in tokenizer.json.
    """
    config = tokenizer_config(model, roles=roles)
    config["tokenizer_class"] = "TokkitTokenizer"
    config["auto_map"] = {"AutoTokenizer": ["tokenization_tokkit.TokkitTokenizer", None]}
    files = {
        DATA: json.dumps(encoder_data(model), ensure_ascii=False, separators=(",", ":")),
        "tokenizer_config.json": json.dumps(config, ensure_ascii=False, indent=1),
        **{name: (Path(__file__).parent / name).read_text(encoding="utf-8").rstrip("\n") for name in (CODE, WORDS)},
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

    alphabet = model.alphabet
    if alphabet.prefix or alphabet.suffix:
        raise TokenizerError("the carried loader knows no subword prefix or suffix")
    superwords: list[tuple[int, int, int]] = []
    if model.inference == "boundless":
        if boundless_facts(model).get("script_scheme") is not None:
            raise TokenizerError(
                "the carried loader cuts all scripts alike, this model does not", hint="use it with tokkit itself"
            )
        superwords, model = superword_merges(model), word_model(model)
    if model.inference not in ("exact", "merge"):
        raise TokenizerError(
            f"the carried loader encodes by the log, got inference `{model.inference}`", hint="export to hf"
        )
    program = exact_program(model)
    ids, strings = output_ids(model), token_strings(model)
    tokens: list[str | None] = [None] * vocab_size(model)
    for place in np.flatnonzero(ids != NOT_IN_VOCAB).tolist():
        tokens[int(ids[place])] = strings[place]
    atoms = {strings[place]: int(ids[place]) for place in range(model.first_atom, model.first_made)}
    # A special of one character doubles as its atom.
    atoms |= {
        text: int(ids[place]) for place, text in enumerate(model.specials) if len(text) == 1 and text not in atoms
    }
    has_bytes = alphabet.unknown == "byte_fallback" and model.n_byte_tokens == 256
    unk = None if alphabet.unk_token is None else int(ids[model.specials.index(alphabet.unk_token)])
    return {
        "format": FORMAT,
        "unit": alphabet.unit,
        "marker": model.pretokenizer.startswith(_MARKED),
        "tokens": tokens,
        "atoms": atoms,
        "unk_id": unk,
        "fuse_unk": alphabet.fuse_unk,
        "byte_ids": ids[model.n_specials : model.first_atom].tolist() if has_bytes else None,
        "normalizer": normalizer_json(model),
        "pre_tokenizer": hf_pretokenizer(model.pretokenizer, alphabet.unit),
        "merges": program.merges.tolist(),
        "rows": [[kind, token, list(parts)] for kind, token, parts in program.rows],
        "superwords": superwords,
    }


def needs_loader(model: Model) -> bool:
    """Whether plain JSON cannot hold the model's own way to encode."""
    return model.inference == "boundless" or (model.inference == "exact" and not is_plain(model))
