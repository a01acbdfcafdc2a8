"""Readers of `.tiktoken` ranks and of tekken.json."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tokkit.errors import TokenizerError, UsageError
from tokkit.load.json_file import array, number, obj, read_bytes, read_object, text
from tokkit.load.ranks import model_of_ranks
from tokkit.model.model import Model

ENCODING: Final = "tokkit_encoding.json"
_LIMIT: Final = 2**22
_TEKKEN_SPECIALS_LIMIT: Final = 2**16


@dataclass(frozen=True)
class _Known:
    scheme: str
    specials: dict[str, int]


_CL100K: Final = _Known(
    "cl100k@1",
    {
        "<|endoftext|>": 100257,
        "<|fim_prefix|>": 100258,
        "<|fim_middle|>": 100259,
        "<|fim_suffix|>": 100260,
        "<|endofprompt|>": 100276,
    },
)
_O200K: Final = _Known("o200k@1", {"<|endoftext|>": 199999, "<|endofprompt|>": 200018})
_GPT2: Final = _Known("gpt2@1", {"<|endoftext|>": 50256})

# By sha256, as published in tiktoken's own table, then by file name.
_BY_DIGEST: Final = {
    "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930": _GPT2,
    "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069": _GPT2,
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7": _CL100K,
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d": _O200K,
}
_BY_NAME: Final = {
    "gpt2": _GPT2,
    "r50k_base": _GPT2,
    "p50k_base": _GPT2,
    "cl100k_base": _CL100K,
    "o200k_base": _O200K,
}


def read_tiktoken(path: Path, *, pattern: str | None = None) -> Model:
    """The model of a `.tiktoken` file.

    The file has neither regex nor specials. They come from `pattern` (a scheme's name or a regex), else from
    tokkit_encoding.json beside it, else from what is known about the file of that digest or name.

    Raises:
        TokenizerError: bad lines, a rank or token twice, a byte without rank, or a pattern that nobody knows.
    """
    content = read_bytes(path)
    ranks = _parse(content, path)
    scheme, specials = _scheme(path, content, pattern)
    limit = 2 * (len(ranks) + len(specials)) + 256
    for token, rank in ranks.items():
        if rank >= limit:
            raise TokenizerError(f"{path}: rank {rank} of {token!r} is far beyond the {len(ranks)} tokens")
    return model_of_ranks(ranks, ids=ranks, specials=specials, pretokenizer=scheme, where=str(path))


def read_tekken(path: Path) -> Model:
    """The model of a tekken.json; ids are rank + number of specials, and ranks past the default size are left out.

    Raises:
        TokenizerError: wrong types, ranks that do not count up, or a byte that is not at its own rank.
    """
    raw = read_object(path)
    config = obj(raw.get("config"), f"{path}: config")
    n_specials = number(
        config.get("default_num_special_tokens"),
        f"{path}: config.default_num_special_tokens",
        limit=_TEKKEN_SPECIALS_LIMIT,
    )
    size = number(config.get("default_vocab_size"), f"{path}: config.default_vocab_size", limit=_LIMIT)
    rows = array(raw.get("vocab"), f"{path}: vocab")
    if not 256 <= size - n_specials <= len(rows):
        raise TokenizerError(f"{path}: {size} ids with {n_specials} specials do not fit {len(rows)} tokens")
    ranks: dict[bytes, int] = {}
    for index, row in enumerate(rows[: size - n_specials]):
        entry = obj(row, f"{path}: vocab[{index}]")
        if entry.get("rank") != index:
            raise TokenizerError(f"{path}: vocab[{index}].rank: must be {index}, got {entry.get('rank')!r}")
        token = _base64(
            text(entry.get("token_bytes"), f"{path}: vocab[{index}].token_bytes"), f"{path}: vocab[{index}]"
        )
        if token in ranks or (index < 256 and token != bytes([index])):
            raise TokenizerError(f"{path}: vocab[{index}]: {token!r} is out of place or occurs twice")
        ranks[token] = index
    specials = {}
    for index, row in enumerate(array(raw.get("special_tokens") or [], f"{path}: special_tokens")):
        entry = obj(row, f"{path}: special_tokens[{index}]")
        name = text(entry.get("token_str"), f"{path}: special_tokens[{index}].token_str")
        specials[name] = number(entry.get("rank"), f"{path}: special_tokens[{index}].rank", limit=n_specials)
    return model_of_ranks(
        ranks,
        ids={token: rank + n_specials for token, rank in ranks.items()},
        specials=specials,
        pretokenizer=scheme_of_regex(text(config.get("pattern"), f"{path}: config.pattern")),
        where=str(path),
    )


def scheme_of_regex(pattern: str) -> str:
    """The scheme that a regex is, by name where one is known, else `regex:<pattern>`.

    Raises:
        TokenizerError: not a regex that tokkit can run.
    """
    from tokkit.pretokenizers import from_pattern

    try:
        return from_pattern(pattern)
    except UsageError as error:
        raise TokenizerError(f"the file's regex cannot be used: {error.message}", hint=error.hint) from error


def _parse(content: bytes, path: Path) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    seen: set[int] = set()
    for number_of_line, line in enumerate(content.splitlines(), start=1):
        if not line:
            continue
        where = f"{path}:{number_of_line}"
        fields = line.split()
        if len(fields) != 2 or not fields[1].isdigit() or len(fields[1]) > 10:
            raise TokenizerError(f"{where}: must be base64 and a rank, got {ascii(line)[:60]}")
        token, rank = _base64(fields[0], where), int(fields[1])
        if not token:
            raise TokenizerError(f"{where}: empty token")
        if token in ranks:
            raise TokenizerError(f"{where}: token {token!r} has two ranks, {ranks[token]} and {rank}")
        if rank in seen:
            raise TokenizerError(f"{where}: rank {rank} is given twice")
        ranks[token] = rank
        seen.add(rank)
    if len(ranks) > _LIMIT:
        raise TokenizerError(f"{path}: more than {_LIMIT} tokens, got {len(ranks)}")
    return ranks


def _base64(value: bytes | str, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenizerError(f"{where}: not base64, got {ascii(value)[:60]}") from error


def _scheme(path: Path, content: bytes, pattern: str | None) -> tuple[str, dict[str, int]]:
    description = path.parent / ENCODING
    specials: dict[str, int] = {}
    found: str | None = None
    known = _BY_DIGEST.get(hashlib.sha256(content).hexdigest())
    if description.is_file():
        raw = read_object(description)
        if raw.get("ranks", path.name) == path.name:
            found = scheme_of_regex(text(raw.get("pat_str"), f"{description}: pat_str"))
            rows = obj(raw.get("special_tokens") or {}, f"{description}: special_tokens")
            specials = {name: number(value, f"{description}: {name!r}", limit=_LIMIT) for name, value in rows.items()}
            known = None
    if found is None:
        known = known or _BY_NAME.get(path.name.removesuffix(".tiktoken"))
    if known is not None:
        found, specials = known.scheme, known.specials
    if pattern is not None:
        found = _named(pattern)
    if found is None:
        raise TokenizerError(
            f"{path}: a .tiktoken file has no regex, and this one is not a known encoding",
            hint=f"give pattern=, a scheme as in `tokkit list pretokenizers` or a regex, or put {ENCODING} beside it",
        )
    return found, specials


def _named(pattern: str) -> str:
    from tokkit.pretokenizers import canonical

    try:
        return canonical(pattern)
    except UsageError:
        return scheme_of_regex(pattern)
