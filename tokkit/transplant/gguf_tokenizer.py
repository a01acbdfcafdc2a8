"""What a GGUF says of the tokenizer: the vocabulary, special tokens, what is put around a text, the chat template."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tokkit.errors import TokenizerError
from tokkit.export.gguf import metadata
from tokkit.export.gguf_file import ARRAY, BOOL, STRING, UINT32, GgufFile, Value
from tokkit.export.roles import ROLES
from tokkit.load.json_file import read_object
from tokkit.model.model import Model
from tokkit.model.vocab import special_ids
from tokkit.transplant.vocabulary import read_vocabulary

PREFIX: Final = "tokenizer."
_ID: Final = "_token_id"
# llama.cpp's names of the roles, its spelling of the separator included.
_NAMES: Final = {"unk": "unknown", "pad": "padding", "sep": "seperator"}
_TEMPLATE: Final = "tokenizer.chat_template"


def tokenizer_keys(
    model: Model, folder: Path, base: GgufFile, *, rows: int, id_map: Mapping[int, int], roles: Mapping[str, str] | None
) -> tuple[dict[str, Value], list[str]]:
    """The `tokenizer.` keys of a model of `rows` rows, and warnings.

    A special token is, in this order, the one of `roles`, of tokenizer_config.json, of config.json, and what `id_map`
    (base id -> new id) makes of the base's; only then is it guessed by its name.

    Raises:
        TokenizerError: a tokenizer that llama.cpp does not have, or more ids than rows.
    """
    values = {name: value for name, value in metadata(model, roles=roles, rows=rows).items() if name.startswith(PREFIX)}
    _, tokens = values["tokenizer.ggml.tokens"]
    assert isinstance(tokens, tuple), "an array is (type, values)"
    if len(tokens[1]) > rows:
        raise TokenizerError(f"{folder}: the tokenizer has {len(tokens[1]):,} ids, the model {rows:,} rows")
    old = {key: base.number(key) for key in sorted(base.keys) if key.startswith(PREFIX) and key.endswith(_ID)}
    found = {key: id_map[number] for key, number in old.items() if number is not None and number in id_map}
    found |= {_key(role): number for role, number in _configured(folder).items()}
    found |= {_key(role): number for role, number in read_vocabulary(folder).roles.items()}
    numbers = special_ids(model)
    found |= {_key(role): numbers[text] for role, text in (roles or {}).items()}
    values |= {key: (UINT32, number) for key, number in sorted(found.items()) if 0 <= number < rows}
    warnings = [
        f"{key}: the base's token {number} is not in the new vocabulary: left out"
        for key, number in old.items()
        if key not in values
    ]
    front, back = _around(folder)
    if front and len(front) == 1:
        values[_key("bos")] = (UINT32, front[0])
    for role, ids, end in (("bos", front, "in front of"), ("eos", back, "after")):
        is_one = len(ids) == 1 and values.get(_key(role)) == (UINT32, ids[0])
        values[f"tokenizer.ggml.add_{role}_token"] = (BOOL, is_one)
        if ids and not is_one:
            warnings.append(
                f"the tokenizer puts the ids {ids} {end} a text, llama.cpp can put {role} only: it puts none"
            )
    return values | _template(folder), warnings


def _key(role: str) -> str:
    return f"tokenizer.ggml.{_NAMES.get(role, role)}{_ID}"


def _configured(folder: Path) -> dict[str, int]:
    """Ids by role from config.json, where they are single numbers."""
    content = read_object(folder / "config.json")
    inner = content.get("text_config")
    both = {**(inner if isinstance(inner, dict) else {}), **content}
    values = {role: both.get(f"{role}{_ID}") for role in ROLES}
    return {role: value for role, value in values.items() if isinstance(value, int) and not isinstance(value, bool)}


def _around(folder: Path) -> tuple[list[int], list[int]]:
    """Ids that the tokenizer puts before and after every text."""
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        return [], []
    library = Tokenizer.from_file(str(path))
    bare = library.encode("a", add_special_tokens=False).ids
    whole = library.encode("a").ids
    at = next((at for at in range(len(whole)) if whole[at : at + len(bare)] == bare), 0)
    return whole[:at], whole[at + len(bare) :]


def _template(folder: Path) -> dict[str, Value]:
    """The chat template of the folder; of several, the one named default and the others under their names."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return {_TEMPLATE: (STRING, path.read_text(encoding="utf-8"))}
    found: object = None
    for name in ("chat_template.json", "tokenizer_config.json"):
        if found is None and (folder / name).is_file():
            found = read_object(folder / name).get("chat_template")
    if isinstance(found, str) and found:
        return {_TEMPLATE: (STRING, found)}
    named = {
        str(entry["name"]): str(entry["template"])
        for entry in (found if isinstance(found, list) else [])
        if isinstance(entry, dict) and "name" in entry and "template" in entry
    }
    values: dict[str, Value] = {_TEMPLATE: (STRING, named.pop("default"))} if "default" in named else {}
    if named:
        values["tokenizer.chat_templates"] = (ARRAY, (STRING, sorted(named)))
    return values | {f"{_TEMPLATE}.{name}": (STRING, text) for name, text in sorted(named.items())}
