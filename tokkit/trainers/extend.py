"""Continue the training of a BPE vocabulary: old ids stay, and undoing the new merges gives the old encoding."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit import _core
from tokkit.counts import CountTable
from tokkit.errors import InputError, TokenizerError, UsageError
from tokkit.model.events import Events, Kind
from tokkit.model.model import Model
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids, string_to_bytes, token_bytes
from tokkit.progress import Progress, silent
from tokkit.spec import Spec
from tokkit.trainers.base import MAX_VOCAB_SIZE
from tokkit.trainers.bpe import Tie, read_events

# Characters that stand for tokens: there are more of them than a vocabulary may have tokens.
_FIRST_CHARACTER: Final = 0x10000


class ExtendConfig(Spec):
    """How to continue training."""

    vocab_size: int = Field(ge=1, le=MAX_VOCAB_SIZE, description="tokens in the vocabulary afterwards, old ones too")
    min_frequency: int = Field(0, ge=0, description="stop when the best pair is rarer than this")
    tie: Tie = Field("hf", description="which of equally frequent pairs wins")
    max_token_length: int | None = Field(None, ge=0, description="new tokens stay shorter than this many atoms")


@dataclass(frozen=True)
class _Ground:
    """The old vocabulary as a session needs it: keys by session id, and the model's internal id of each."""

    keys: list[bytes]
    internal: list[int]
    atom_ids: list[int]


def extend(
    model: Model,
    counts: CountTable,
    *,
    config: ExtendConfig,
    protect: CountTable | None = None,
    progress: Progress = silent,
) -> Model:
    """Learns more merges on `counts`, after all merges of `model`.

    Every old token keeps its output id; new tokens get the ids after the largest. New merges rank below all old ones,
    so replacing each new token by its pieces gives exactly the old encoding of any text. With `protect`, the
    encodings of its pretokens stay as they are: a pair that stands in one of them is never merged.

    Raises:
        TokenizerError: a vocabulary that is more than its merges (removed tokens, n-ary merges), which cannot be
            continued exactly.
        UsageError: `vocab_size` not above the old size, `counts` made with another pre-tokenizer, or
            `max_token_length` with merges in no order of training.
        InputError: an empty table.
    """
    check_counts(model, "counts", counts)
    if protect is not None and len(protect):
        check_counts(model, "protect", protect)
    merges = plain_merges(model)
    old_ids = output_ids(model)
    n_old = int(np.count_nonzero(old_ids != NOT_IN_VOCAB))
    if config.vocab_size <= n_old:
        raise UsageError(f"vocab_size: must be above the {n_old} tokens there are, got {config.vocab_size}")
    if not is_ordered(merges):
        return _extend_encoded(model, counts, protect, old_ids, config, progress)
    ground = _lay_ground(model, merges)
    session = _open(model, counts, ground, config, progress)
    from_internal = {internal: token for token, internal in enumerate(ground.internal)}
    session_merges = _session_merges(merges, from_internal, len(ground.keys))
    session.replay(session_merges, progress=progress)
    if protect is not None:
        for left, right in _standing_pairs(model, protect, ground, config, session_merges, progress):
            session.veto(left, right)
    is_reached = session.run(config.vocab_size, progress=progress)
    lookup = {token: internal for internal, token in from_internal.items()}
    new_tokens = session.tokens()[len(lookup) :]
    return _join(model, session, lookup, new_tokens, len(merges), old_ids, exhausted=not is_reached, config=config)


def _extend_encoded(
    model: Model,
    counts: CountTable,
    protect: CountTable | None,
    old_ids: NDArray[np.uint32],
    config: ExtendConfig,
    progress: Progress,
) -> Model:
    """`extend` where the merges are in no order of training: over the tokens that the encoder makes of the pretokens.

    Each old token is a character of its own for the session, which so learns merges of tokens.
    """
    if config.max_token_length is not None:
        raise UsageError("max_token_length: does not go with merges in no order of training, as of sentencepiece")
    if _FIRST_CHARACTER + len(model.tokens) > sys.maxunicode:
        raise TokenizerError(f"{len(model.tokens)} tokens are too many to continue merges in no order of training")
    keys = [chr(_FIRST_CHARACTER + token).encode() for token in range(len(model.tokens))]
    words = encoded_words(model, counts)
    session = _core.TrainSession(
        CountTable.from_items(("".join(map(_character, word)).encode(), count) for word, count in words).raw,
        keys=keys,
        atom_ids=range(len(keys)),
        unit="char",
        tie="hf" if config.tie == "bytes" else config.tie,
        min_frequency=config.min_frequency,
        progress=progress,
    )
    guarded = [] if protect is None else encoded_words(model, protect)
    for left, right in sorted({pair for word, _ in guarded for pair in pairwise(word)}):
        session.veto(left, right)
    is_reached = session.run(config.vocab_size, progress=progress)
    spelled = token_bytes(model)
    new_tokens = [
        b"".join(spelled[ord(character) - _FIRST_CHARACTER] for character in token.decode())
        for token in session.tokens()[len(keys) :]
    ]
    lookup = {token: token for token in range(len(keys))}
    return _join(model, session, lookup, new_tokens, 0, old_ids, exhausted=not is_reached, config=config)


def _character(token: int) -> str:
    return chr(_FIRST_CHARACTER + token)


def encoded_words(model: Model, counts: CountTable) -> list[tuple[tuple[int, ...], int]]:
    """What the encoder makes of the pretokens: (internal ids, count).

    They are cut at byte tokens and the unknown token, which no merge takes; a run of tokens may come several times.
    """
    ids = output_ids(model)
    internal = {int(number): token for token, number in enumerate(ids.tolist()) if number != NOT_IN_VOCAB}
    alone = Tokenizer(replace(EncoderTables.from_model(model), pretokenizer="none@1", normalizer=None, specials={}))
    words, texts = [], []
    for word, count in counts:
        words.append((word, count))
        texts.append(word.decode(errors="replace"))
    rows = alone.encode_batch(texts).lists()
    found: list[tuple[tuple[int, ...], int]] = []
    for (word, count), text, row in zip(words, texts, rows, strict=True):
        tokens = [internal[number] for number in (row if text.encode() == word else alone.encode_bytes(word))]
        for is_loose, run in groupby(tokens, lambda token: token < model.first_atom):
            if not is_loose:
                found.append((tuple(run), count))
    return found


def plain_merges(model: Model) -> NDArray[np.uint32]:
    """The model's (left, right, token) rows by rank, where these say all about its encoding; uint32 [n, 3].

    Raises:
        TokenizerError: another inference, or a log with events other than merges and admitted tokens.
    """
    if model.inference != "merge" or np.any((model.events.kind != Kind.MERGE) & (model.events.kind != Kind.ADMIT)):
        raise TokenizerError(
            f"a vocabulary of method `{model.method}` read by `{model.inference}` is more than its merges in order",
            hint="only plain BPE vocabularies can be continued or pruned",
        )
    return model.events.merges()


def is_ordered(merges: NDArray[np.uint32]) -> bool:
    """Whether replaying the merges one after the other encodes: each that uses a token comes after all that make it."""
    last_made = np.full(int(merges.max(initial=0)) + 1, -1)
    last_made[merges[:, 2]] = np.arange(len(merges))  # of equal places the last assignment stays
    return not (last_made[merges[:, :2]] >= np.arange(len(merges))[:, None]).any()


def check_counts(model: Model, name: str, table: CountTable) -> None:
    """Refuses counts that say nothing about a model.

    Raises:
        InputError: an empty table. UsageError: counted with another pre-tokenizer.
    """
    if len(table) == 0:
        raise InputError(f"{name}: the count table is empty: there is nothing to learn from", hint="check the inputs")
    if table.pretokenizer != model.pretokenizer:
        raise UsageError(
            f"{name}: counted with pre-tokenizer `{table.pretokenizer}`, the vocabulary has `{model.pretokenizer}`",
            hint="count the text again with the vocabulary's own pre-tokenizer",
        )


def _lay_ground(model: Model, merges: NDArray[np.uint32]) -> _Ground:
    """Everything that no merge makes: specials, byte tokens, atoms, admitted tokens, in that order."""
    made = set(merges[:, 2].tolist())
    keys = [_special_key(model, token) for token in range(model.n_specials)]
    keys += [f"<0x{byte:02X}>".encode() for byte in range(model.n_byte_tokens)]
    atoms = range(model.first_atom, model.first_made)
    keys += [model.tokens[token] for token in atoms]
    internal = list(range(model.first_made))
    for token in range(model.first_made, len(model.tokens)):
        if token not in made:
            keys.append(model.tokens[token])
            internal.append(token)
    known = set(model.tokens[model.first_atom : model.first_made])
    shared = [token for token in range(model.n_specials) if _is_atom(model, keys[token]) and keys[token] not in known]
    return _Ground(keys, internal, [*shared, *atoms])


def _special_key(model: Model, token: int) -> bytes:
    if model.alphabet.unit == "char":
        return model.specials[token].encode()
    try:
        return string_to_bytes(model.specials[token])
    except TokenizerError:
        return b""


def _is_atom(model: Model, key: bytes) -> bool:
    return len(key) == 1 if model.alphabet.unit == "byte" else len(key.decode(errors="replace")) == 1


def _open(
    model: Model, counts: CountTable, ground: _Ground, config: ExtendConfig, progress: Progress
) -> _core.TrainSession:
    return _core.TrainSession(
        counts.raw,
        keys=ground.keys,
        atom_ids=ground.atom_ids,
        unit=model.alphabet.unit,
        prefix=model.alphabet.prefix.encode(),
        suffix=model.alphabet.suffix.encode(),
        tie="hf" if config.tie == "bytes" else config.tie,
        max_token_length=config.max_token_length,
        min_frequency=config.min_frequency,
        progress=progress,
    )


def _session_merges(merges: NDArray[np.uint32], from_internal: dict[int, int], n_ground: int) -> list[tuple[int, int]]:
    """The merges in session ids; fills `from_internal` for the tokens that the session will make on replay."""
    pairs = []
    for left, right, token in merges.tolist():
        pairs.append((from_internal[left], from_internal[right]))
        if token not in from_internal:
            from_internal[token] = n_ground
            n_ground += 1
    return pairs


def _standing_pairs(
    model: Model,
    protect: CountTable,
    ground: _Ground,
    config: ExtendConfig,
    merges: list[tuple[int, int]],
    progress: Progress,
) -> set[tuple[int, int]]:
    """All pairs of neighbours in the old encodings of the protected pretokens."""
    session = _open(model, protect, ground, config, progress)
    session.replay(merges, progress=progress)
    buffers = session.segmentation()
    ids, ends = np.frombuffer(buffers[0], "<u4"), np.frombuffer(buffers[1], "<u8").astype(np.int64)
    is_inside = np.ones(max(len(ids) - 1, 0), np.bool_)
    is_inside[ends[(ends > 0) & (ends < len(ids))] - 1] = False
    if not len(ids):
        return set()
    pairs = np.unique(np.stack([ids[:-1][is_inside], ids[1:][is_inside]], axis=1), axis=0)
    return {(int(left), int(right)) for left, right in pairs}


def _join(
    model: Model,
    session: _core.TrainSession,
    to_internal: dict[int, int],
    new_tokens: Sequence[bytes],
    n_old_merges: int,
    old_ids: NDArray[np.uint32],
    *,
    exhausted: bool,
    config: ExtendConfig,
) -> Model:
    """The old model with the session's new tokens and merges behind it."""
    log = read_events(session)
    n_old, n_known = len(model.tokens), len(to_internal)
    numbers = {**to_internal, **{n_known + place: n_old + place for place in range(len(new_tokens))}}
    lookup = np.array([numbers[token] for token in range(len(numbers))], np.uint32)
    new = slice(n_old_merges, len(log))
    rows = np.stack([lookup[log.left[new]], lookup[log.right[new]], lookup[log.token[new]]], axis=1)
    added = Events.from_merges(rows, log.count[new])
    used = old_ids[old_ids != NOT_IN_VOCAB]
    first_new = int(used.max()) + 1 if len(used) else 0
    new_ids = np.arange(first_new, first_new + len(new_tokens), dtype=np.uint32)
    return replace(
        model,
        tokens=(*model.tokens, *new_tokens),
        events=model.events.followed_by(added),
        ids=np.concatenate([old_ids, new_ids]),
        exhausted=exhausted,
        config={**model.config, "extend": config.model_dump(mode="json")},
    )
