"""A tokenizer.json, parsed strictly: nothing reaches an encoder or a library before it has been checked here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tokkit.errors import TokenizerError
from tokkit.load.json_file import array, number, obj, read_object, text

VOCAB_LIMIT: Final = 2**22
# What a missing flag of an added token means; the library asks for all of them.
_FLAGS: Final = {"special": False, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True}
_KINDS: Final = ("BPE", "WordPiece", "WordLevel", "Unigram")


@dataclass(frozen=True)
class Added:
    """One added token: found in the raw text before anything else happens."""

    content: str
    id: int
    is_special: bool
    is_plain: bool  # no single_word, lstrip, rstrip: matched wherever it stands, nothing around it is eaten
    is_normalized: bool


@dataclass(frozen=True)
class HfFile:
    """The checked parts. `raw` is the whole file without truncation and padding; `merges` is for BPE only."""

    path: Path
    raw: dict[str, object]
    kind: str
    vocab: dict[str, int]
    merges: list[tuple[str, str]] = field(default_factory=list)
    added: list[Added] = field(default_factory=list)

    def option(self, name: str) -> object:
        """A field of the file's `model`."""
        return obj(self.raw["model"], "model").get(name)

    def part(self, name: str) -> dict[str, object] | None:
        """normalizer, pre_tokenizer, post_processor or decoder; None when absent or null."""
        value = self.raw.get(name)
        return None if value is None else obj(value, f"{self.path}: {name}")


def read_hf(path: Path) -> HfFile:
    """Reads and checks a tokenizer.json.

    Raises:
        InputError: the file cannot be read.
        TokenizerError: bad JSON, wrong types, an id twice or out of range, a merge of or to an unknown token.
    """
    raw = read_object(path)
    where = str(path)
    model = obj(raw.get("model"), f"{where}: model")
    kind = _kind(model, where)
    rows = _vocab_rows(model, kind, where)
    added_rows = array(raw.get("added_tokens") or [], f"{where}: added_tokens")
    total = len(rows) + len(added_rows)
    if total > VOCAB_LIMIT:
        raise TokenizerError(f"{where}: more than {VOCAB_LIMIT} tokens, got {total}")
    vocab = _check_vocab(rows, 2 * total, where)
    added = [_added(row, index, 2 * total, where) for index, row in enumerate(added_rows)]
    _check_added(added, vocab, where)
    for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        if raw.get(part) is not None:
            obj(raw[part], f"{where}: {part}")
    merges = _merges(model, vocab, where) if kind == "BPE" else []
    unk = model.get("unk_token")
    if unk is not None and text(unk, f"{where}: model.unk_token") not in vocab:
        raise TokenizerError(f"{where}: model.unk_token is not in the vocabulary, got {unk!r}")
    full = [{**_FLAGS, **obj(row, where)} for row in added_rows]
    clean = {
        **raw,
        "added_tokens": full,
        "truncation": None,
        "padding": None,
        "model": {**model, "type": kind, "dropout": None},
    }
    if kind != "BPE":
        obj(clean["model"], "model").pop("dropout")
    return HfFile(path, clean, kind, vocab, merges, added)


def _kind(model: dict[str, object], where: str) -> str:
    kind = model.get("type")
    if kind is None:  # files of before 2020 say it by their fields only
        kind = "BPE" if "merges" in model else "Unigram" if isinstance(model.get("vocab"), list) else "WordPiece"
    if kind not in _KINDS:
        raise TokenizerError(f"{where}: model.type must be one of {', '.join(_KINDS)}, got {kind!r}")
    return str(kind)


def _vocab_rows(model: dict[str, object], kind: str, where: str) -> list[tuple[str, object]]:
    if kind != "Unigram":
        return list(obj(model.get("vocab"), f"{where}: model.vocab").items())
    rows: list[tuple[str, object]] = []
    for index, row in enumerate(array(model.get("vocab"), f"{where}: model.vocab")):
        pair = array(row, f"{where}: model.vocab[{index}]")
        if len(pair) != 2 or not isinstance(pair[1], (int, float)) or isinstance(pair[1], bool):
            raise TokenizerError(f"{where}: model.vocab[{index}]: must be [token, score]")
        rows.append((text(pair[0], f"{where}: model.vocab[{index}]"), index))
    return rows


def _check_vocab(rows: list[tuple[str, object]], limit: int, where: str) -> dict[str, int]:
    vocab: dict[str, int] = {}
    by_id: dict[int, str] = {}
    for token, value in rows:
        place = f"{where}: model.vocab"
        found = number(value, f"{place}: id of {token[:40]!a}", limit=limit)
        text(token, place)
        if found in by_id:
            raise TokenizerError(f"{place}: id {found} is given to {by_id[found][:40]!a} and {token[:40]!a}")
        if token in vocab:
            raise TokenizerError(f"{place}: token {token[:40]!a} occurs twice")
        vocab[token] = found
        by_id[found] = token
    return vocab


def _added(row: object, index: int, limit: int, where: str) -> Added:
    place = f"{where}: added_tokens[{index}]"
    entry = obj(row, place)
    flags = {}
    for name, default in _FLAGS.items():
        value = entry.get(name, default)
        if not isinstance(value, bool):
            raise TokenizerError(f"{place}.{name}: must be true or false, got {value!r}")
        flags[name] = value
    content = text(entry.get("content"), f"{place}.content")
    if not content:
        raise TokenizerError(f"{place}.content: must not be empty")
    return Added(
        content=content,
        id=number(entry.get("id"), f"{place}.id", limit=limit),
        is_special=flags["special"],
        is_plain=not (flags["single_word"] or flags["lstrip"] or flags["rstrip"]),
        is_normalized=flags["normalized"],
    )


def _check_added(added: list[Added], vocab: dict[str, int], where: str) -> None:
    names = {number: token for token, number in vocab.items()}
    seen: set[str] = set()
    for token in added:
        place = f"{where}: added token {token.content[:40]!a}"
        if token.content in seen:
            raise TokenizerError(f"{place} occurs twice")
        if vocab.get(token.content, token.id) != token.id or names.setdefault(token.id, token.content) != token.content:
            raise TokenizerError(f"{place}: id {token.id} contradicts the vocabulary or another added token")
        seen.add(token.content)


def _merges(model: dict[str, object], vocab: dict[str, int], where: str) -> list[tuple[str, str]]:
    prefix = text(model.get("continuing_subword_prefix") or "", f"{where}: model.continuing_subword_prefix")
    text(model.get("end_of_word_suffix") or "", f"{where}: model.end_of_word_suffix")
    merges: dict[tuple[str, str], None] = {}
    for rank, row in enumerate(array(model.get("merges"), f"{where}: model.merges")):
        parts = row.split(" ") if isinstance(row, str) else row
        if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            raise TokenizerError(f'{where}: merge {rank}: must be [left, right] or "left right", got {ascii(row)[:60]}')
        left, right = parts
        for token in (left, right, left + right.removeprefix(prefix)):
            if token not in vocab:
                raise TokenizerError(f"{where}: merge {rank}: {token[:40]!a} is not in the vocabulary")
        # The library lets a later rank win; so a repeated pair moves to its last place.
        merges.pop((left, right), None)
        merges[left, right] = None
    return list(merges)
