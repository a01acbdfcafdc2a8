"""config.json and generation_config.json after a change of ids: every id mapped, or dropped and reported."""

import copy
import re
from collections.abc import Mapping
from typing import Final

from tokkit.transplant.vocabulary import Vocabulary

_ONE: Final = re.compile(r"(_token_id|_token_index|_token_ids)$")
_ROLE: Final = re.compile(r"^(bos|eos|pad|unk|mask|cls|sep)_token_id$")
_LISTS: Final = ("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "forced_decoder_ids")


def new_config(
    config: Mapping[str, object],
    *,
    rows: int,
    base_rows: int,
    id_map: Mapping[int, int],
    target: Vocabulary,
    tied: bool | None,
) -> tuple[dict[str, object], list[str]]:
    """(config.json of the result, warnings). `tied` sets `tie_word_embeddings` unless None."""
    made, notes = copy.deepcopy(dict(config)), list[str]()
    parts: list[dict[str, object]] = [made, *(part for part in made.values() if isinstance(part, dict))]
    has_size = False
    for part in parts:
        if part.get("vocab_size") in (base_rows, made.get("vocab_size")) and isinstance(part.get("vocab_size"), int):
            has_size = True
    size = config.get("vocab_size")
    for part in parts:
        if isinstance(part.get("vocab_size"), int) and part["vocab_size"] in (base_rows, size):
            part["vocab_size"] = rows
        _map_fields(part, id_map, target, notes)
    if not has_size:
        made["vocab_size"] = rows
    if tied is not None:
        for holder in (made, made.get("text_config")):
            if isinstance(holder, dict) and (holder is made or "tie_word_embeddings" in holder):
                holder["tie_word_embeddings"] = tied
    return made, notes


def new_generation_config(
    config: Mapping[str, object], *, id_map: Mapping[int, int], target: Vocabulary
) -> tuple[dict[str, object], list[str]]:
    """(generation_config.json of the result, warnings)."""
    made, notes = copy.deepcopy(dict(config)), list[str]()
    _map_fields(made, id_map, target, notes)
    for name in _LISTS:
        value = made.get(name)
        if isinstance(value, list):
            made[name] = _mapped_list(value, id_map, f"generation_config.{name}", notes, is_pairs=name == _LISTS[-1])
    return made, notes


def _map_fields(part: dict[str, object], id_map: Mapping[int, int], target: Vocabulary, notes: list[str]) -> None:
    for key, value in part.items():
        if not _ONE.search(key) or value is None or isinstance(value, bool):
            continue
        role = _ROLE.match(key)
        own = target.roles.get(role[1]) if role else None
        if isinstance(value, list):
            mapped = [id_map[number] for number in value if number in id_map]
            if len(mapped) < len(value):
                notes.append(
                    f"{key}: {len(value) - len(mapped)} of {len(value)} ids have no counterpart and are dropped"
                )
            if own is not None and own not in mapped:
                mapped.insert(0, own)
            part[key] = mapped or None
        elif isinstance(value, int):
            found = own if own is not None else id_map.get(value)
            if found is None:
                notes.append(f"{key}: {value} has no counterpart in the new vocabulary and is dropped")
            part[key] = found


def _mapped_list(
    values: list[object], id_map: Mapping[int, int], name: str, notes: list[str], *, is_pairs: bool
) -> list[object]:
    """Ids, or lists of ids, or (position, id); an entry with any id that is gone is dropped."""
    made: list[object] = []
    for value in values:
        ids = value if isinstance(value, list) else [value]
        head, tail = (ids[:1], ids[1:]) if is_pairs else ([], ids)
        found = [id_map[number] for number in tail if isinstance(number, int) and number in id_map]
        if len(found) == len(tail):
            mapped = [*head, *found]
            made.append(mapped if isinstance(value, list) else mapped[0])
    if len(made) < len(values):
        notes.append(f"{name}: {len(values) - len(made)} of {len(values)} entries have no counterpart and are dropped")
    return made
