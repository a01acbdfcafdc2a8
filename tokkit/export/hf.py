"""tokenizer.json and tokenizer_config.json of the Hugging Face libraries: exact for merges and for greedy reading.

A model whose own encoder is more than that is carried by a loader instead (`tokkit.export.loader`), which is exact too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.plain import require_plain
from tokkit.export.pretty import pretty_json
from tokkit.export.roles import roles_of
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.program import ghost_merges
from tokkit.model.vocab import NOT_IN_VOCAB, keeps_spaces, output_ids, token_strings

# What transformers writes for "no limit": int(1e30).
_NO_LIMIT: Final = 1000000000000000019884624838656
_GREEDY: Final = ("greedy", "longest_prefix")
_NORMALIZERS: Final = {"nfc": "NFC", "nfd": "NFD", "nfkc": "NFKC", "nfkd": "NFKD"}


@EXPORTERS.register("hf")
def export(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:
    """Writes tokenizer.json and tokenizer_config.json, or the carried loader; deterministic bytes.

    Raises:
        TokenizerError: an inference that has no form there, or a pre-tokenizer that has none.
    """
    from tokkit.export import loader

    if loader.needs_loader(model):
        return loader.export(model, folder, roles=roles)
    files = {
        "tokenizer.json": tokenizer_json(model),
        "tokenizer_config.json": tokenizer_config(model, roles=roles),
    }
    written = []
    for name, content in files.items():
        path = folder / name
        path.write_text(pretty_json(content) + "\n", encoding="utf-8", newline="\n")
        written.append(path)
    return written


def tokenizer_json(model: Model) -> dict[str, object]:
    """The content of tokenizer.json: BPE with the merges of the log, or WordPiece for greedy reading.

    Raises:
        TokenizerError: another inference, or a pre-tokenizer that has no form in tokenizer.json.
    """
    from tokkit.pretokenizers import hf_decoder, hf_pretokenizer

    if model.inference not in _GREEDY and model.inference != "ghost":
        require_plain(model, "tokenizer.json")
    ids = output_ids(model)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": int(ids[i]), **_added(model, i)} for i in _by_id(ids, model.n_specials)],
        "normalizer": normalizer_json(model),
        "pre_tokenizer": hf_pretokenizer(model.pretokenizer, model.alphabet.unit),
        "post_processor": None,
        "decoder": hf_decoder(
            model.pretokenizer,
            model.alphabet.unit,
            mark=model.alphabet.prefix if keeps_spaces(model.alphabet.unit, model.alphabet.prefix) else "",
        ),
        "model": _wordpiece(model) if model.inference in _GREEDY else _bpe(model),
    }


def _bpe(model: Model) -> dict[str, object]:
    strings, alphabet = token_strings(model), model.alphabet
    merges = ghost_merges(model) if model.inference == "ghost" else model.events.merges()
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": alphabet.unk_token,
        "continuing_subword_prefix": alphabet.prefix or None,
        "end_of_word_suffix": alphabet.suffix or None,
        "fuse_unk": alphabet.fuse_unk,
        "byte_fallback": alphabet.unit == "char" and alphabet.unknown == "byte_fallback",
        "ignore_merges": bool(model.config.get("ignore_merges", False)),
        "vocab": _vocabulary(model),
        "merges": [[strings[left], strings[right]] for left, right, _ in merges.tolist()],
    }


def _wordpiece(model: Model) -> dict[str, object]:
    """Longest token from the left; in the character unit an unknown character makes the whole pretoken unknown."""
    alphabet = model.alphabet
    if alphabet.suffix or (alphabet.unit == "char" and alphabet.unk_token is None):
        raise TokenizerError(
            f"tokenizer.json: inference `{model.inference}` needs the byte unit or an unknown token, and no suffix",
            hint="train with --unit byte",
        )
    vocabulary = _vocabulary(model)
    # WordPiece asks for an unknown token; with all 256 bytes in the vocabulary it never comes out.
    unknown = alphabet.unk_token or next(iter(vocabulary))
    return {
        "type": "WordPiece",
        "unk_token": unknown,
        "continuing_subword_prefix": alphabet.prefix,
        "max_input_chars_per_word": 2**31 - 1,
        "vocab": vocabulary,
    }


def tokenizer_config(model: Model, *, roles: Mapping[str, str] | None = None) -> dict[str, object]:
    """The content of tokenizer_config.json, without which transformers knows no eos or pad token."""
    ids = output_ids(model)
    special = {str(int(ids[i])): _added(model, i) for i in _by_id(ids, model.n_specials)}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "added_tokens_decoder": special,
        **{f"{role}_token": text for role, text in roles_of(model, roles).items()},
        "model_max_length": _NO_LIMIT,
        "clean_up_tokenization_spaces": False,
    }


def _vocabulary(model: Model) -> dict[str, int]:
    ids, strings = output_ids(model), token_strings(model)
    vocabulary: dict[str, int] = {}
    for token in _by_id(ids, len(ids)):
        if strings[token] in vocabulary:
            raise TokenizerError(f"tokenizer.json: two tokens are both spelled {strings[token]!r}")
        vocabulary[strings[token]] = int(ids[token])
    if model.inference in _GREEDY:
        return vocabulary
    # A merge whose result left the vocabulary cannot be said, and the library panics on it.
    for token in model.events.token[model.events.kind == Kind.MERGE]:
        if ids[token] == NOT_IN_VOCAB:
            raise TokenizerError(f"tokenizer.json: merge result {strings[token]!r} is not in the vocabulary")
    return vocabulary


def _by_id(ids: NDArray[np.uint32], n: int) -> list[int]:
    first = ids[:n]
    order = np.argsort(first, kind="stable")
    return [int(token) for token in order if first[token] != NOT_IN_VOCAB]


def _added(model: Model, token: int) -> dict[str, object]:
    content = model.specials[token]
    return {
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": content in model.found_normalized,
        "special": content not in model.user_defined,
    }


def normalizer_json(model: Model) -> dict[str, object] | None:
    """The `normalizer` of tokenizer.json.

    Raises:
        TokenizerError: the model's has no form there.
    """
    from tokkit.pretokenizers import hf_normalizer

    of_scheme = hf_normalizer(model.pretokenizer)
    if model.normalizer is None:
        return of_scheme
    if model.normalizer not in _NORMALIZERS:
        raise TokenizerError(f"tokenizer.json: normalizer `{model.normalizer}` has no form there")
    of_model: dict[str, object] = {"type": _NORMALIZERS[model.normalizer]}
    return of_model if of_scheme is None else {"type": "Sequence", "normalizers": [of_model, of_scheme]}
