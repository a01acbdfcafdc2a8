"""The tokenizer that users hold: text to ids and back."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, get_args, overload

import numpy as np
from numpy.typing import NDArray

from tokkit import _core
from tokkit.errors import InputError, TokenizerError, UsageError
from tokkit.model.model import Model
from tokkit.model.normal_form import NormalForm, sections
from tokkit.model.tables import EncoderTables
from tokkit.model.vocab import keeps_spaces
from tokkit.pretokenizers import cuts_at_space_runs, marks_spaces

Allowed = Literal["all"] | Collection[str]
"""Which special tokens count where they stand in a text: none by default."""

Errors = Literal["replace", "strict"]
"""What `decode` does with bytes that are not UTF-8."""

_MARKER: Final = "▁".encode()


@dataclass(frozen=True)
class Encodings(Sequence[NDArray[np.uint32]]):
    """Ids of many texts: text `i` has `ids[offsets[i]:offsets[i + 1]]`; uint32 [n], uint64 [texts + 1]."""

    ids: NDArray[np.uint32]
    offsets: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint32]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[np.uint32]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.uint32] | list[NDArray[np.uint32]]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self.ids[int(self.offsets[place]) : int(self.offsets[place + 1])]

    def replaced(self, rows: Mapping[int, Sequence[int]]) -> "Encodings":
        """The same with other ids for these texts."""
        parts = [np.asarray(rows.get(place, old), np.uint32) for place, old in enumerate(self)]
        offsets = np.zeros(len(parts) + 1, np.uint64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        return Encodings(np.concatenate(parts), offsets)

    def lists(self) -> list[list[int]]:
        """The ids as one list per text."""
        flat, bounds = self.ids.tolist(), self.offsets.tolist()
        return [flat[low:high] for low, high in pairwise(bounds)]


@dataclass(frozen=True)
class Encoding:
    """Ids of one text and where each came from.

    `tokens` are the bytes of the vocabulary. `byte_offsets` are (begin, end) in the UTF-8 of the text, `char_offsets`
    in its characters: those that the token touches, so that the parts of a cut character all name it whole. A token
    that stands for nothing in the text has an empty range.
    """

    ids: list[int]
    tokens: list[bytes]
    byte_offsets: list[tuple[int, int]]
    char_offsets: list[tuple[int, int]]


class Tokenizer:
    """Text to ids by an exact encoder, and ids to text. Immutable; threads may share it.

    >>> import numpy as np
    >>> tables = EncoderTables(
    ...     tokens=(b"a", b"b", b"ab"), ids=np.array([0, 1, 2], np.uint32), merges=np.array([[0, 1, 2]], np.uint32)
    ... )
    >>> Tokenizer(tables).encode("abba")
    [2, 1, 0]
    """

    def __init__(self, tables: EncoderTables, *, model: Model | None = None) -> None:
        self._tables = tables
        self._model = model
        self._form = None if tables.normalizer is None else NormalForm(tables.normalizer)
        self._core = self._encoder(tables)
        named = dict(tables.specials)
        self.specials = {text: token for text, token in named.items() if text not in tables.user_defined}
        self.user_defined = {text: token for text, token in named.items() if text in tables.user_defined}
        self._always = list(self.user_defined.values()) or None
        self._tokens = {special: text.encode() for text, special in reversed(named.items())}
        self._tokens.update(zip(reversed(tables.ids.tolist()), reversed(tables.tokens), strict=True))

    @classmethod
    def from_model(cls, model: Model) -> "Tokenizer":
        """The tokenizer of a trained or loaded model.

        Raises:
            TokenizerError: the model's vocabulary contradicts itself, or its log needs a replay to encode.
        """
        if model.inference == "boundless":
            from tokkit.model.boundless import BoundlessTokenizer

            return BoundlessTokenizer(model)
        return cls(EncoderTables.from_model(model), model=model)

    @classmethod
    def from_pretrained(cls, path_or_id: str | Path, revision: str | None = None) -> "Tokenizer":
        """Loads an artefact, tokenizer.json, .tiktoken or .model file, or one from the hub.

        Kinds that our encoder does not reproduce come back as a `tokkit.load.LibraryTokenizer` by
        `tokkit.load.load_tokenizer`; here they are refused.

        Raises:
            InputError: no such file. TokenizerError: bad or not for this encoder. NetworkError: hub out of reach.
        """
        from tokkit.load import load_tokenizer

        loaded = load_tokenizer(path_or_id, revision=revision)
        if not isinstance(loaded, cls):
            raise TokenizerError(
                f"{path_or_id}: needs another library to encode", hint="use tokkit.load.load_tokenizer(path)"
            )
        return loaded

    @property
    def model(self) -> Model | None:
        """The model it was made from, if any."""
        return self._model

    @property
    def tables(self) -> EncoderTables:
        """What the encoder was built from."""
        return self._tables

    @property
    def vocab_size(self) -> int:
        """One more than the largest id; without holes the number of tokens, specials included."""
        return max(self._tokens, default=-1) + 1

    @property
    def ids(self) -> list[int]:
        """All ids, ascending; holes are possible."""
        return sorted(self._tokens)

    @property
    def inference(self) -> str:
        """How the vocabulary reads a pretoken."""
        return self._tables.inference if self._model is None else self._model.inference

    @property
    def pretokenizer(self) -> str:
        """The scheme that cuts text in pretokens."""
        return self._tables.pretokenizer

    def encode(self, text: str, *, allowed_special: Allowed = (), dropout: float = 0.0, seed: int = 0) -> list[int]:
        """Ids of a text.

        `dropout` > 0 passes over each best merge with that probability, until the next merge is done (BPE-dropout,
        Provilkov et al. 2020); the same `seed` gives the same ids.

        Raises:
            InputError: a lone surrogate in the text; names its place.
            UsageError: dropout outside 0..1 or with a mode that does not merge; a special that does not exist.
        """
        if self._form is not None and not self._form.holds(text):
            return self._encode_changed(text, self._form, allowed_special, dropout, seed)
        if not allowed_special and not dropout:
            return self._core.encode(text, self._always)
        allowed, every = self._allowed(allowed_special)
        if dropout:
            return self._core.encode_with_dropout(text, dropout, seed, allowed, every)
        return self._core.encode(text, allowed, every)

    def encode_bytes(self, text: bytes, *, allowed_special: Allowed = ()) -> list[int]:
        """Ids of any bytes; what is not UTF-8 counts as characters that are no letter, number or space.

        Raises:
            InputError: the tokenizer normalises, and the bytes are not UTF-8; names the place.
        """
        if self._form is not None:
            try:
                return self.encode(text.decode(), allowed_special=allowed_special)
            except UnicodeDecodeError as error:
                raise InputError(f"byte {error.start} is not UTF-8, and this tokenizer normalises") from error
        allowed, every = self._allowed(allowed_special)
        return self._core.encode_bytes(text, allowed, every)

    def encode_batch(
        self,
        texts: Sequence[str],
        *,
        threads: int = 0,
        allowed_special: Allowed = (),
        dropout: float = 0.0,
        seed: int = 0,
    ) -> Encodings:
        """Ids of many texts, the same for any number of threads (0: one per core that this process may use).

        With `dropout` text `i` is encoded with the seed `seed + i`.

        Raises:
            InputError: a lone surrogate; names text and place.
        """
        if dropout:
            rows = [
                self.encode(text, allowed_special=allowed_special, dropout=dropout, seed=seed + place)
                for place, text in enumerate(texts)
            ]
            offsets = np.zeros(len(rows) + 1, np.uint64)
            np.cumsum([len(row) for row in rows], out=offsets[1:])
            return Encodings(np.array([token for row in rows for token in row], np.uint32), offsets)
        texts = list(texts)
        changed: dict[int, list[int]] = {}
        if self._form is not None:
            for place, text in enumerate(texts):
                if not self._form.holds(text):
                    changed[place] = self.encode(text, allowed_special=allowed_special)
                    texts[place] = ""
        allowed, every = self._allowed(allowed_special)
        ids, ends = self._core.encode_batch(texts, allowed, every, threads)
        found = Encodings(np.frombuffer(ids, np.uint32), np.frombuffer(ends, np.uint64))
        return found.replaced(changed) if changed else found

    def encode_offsets(self, text: str, *, allowed_special: Allowed = ()) -> Encoding:
        """Ids with the bytes and characters that each token came from.

        Where the normaliser changes the text, a token comes from the whole of each stretch that it has a part of.
        """
        if self._form is not None and not self._form.holds(text):
            return self._encode_changed_offsets(text, self._form, allowed_special)
        allowed, every = self._allowed(allowed_special)
        ids, byte_pairs, char_pairs = self._core.encode_located(text, allowed, every)
        return self._encoding(np.frombuffer(ids, np.uint32).tolist(), _pairs(byte_pairs), _pairs(char_pairs))

    def decode(self, ids: Sequence[int] | NDArray[np.integer], *, errors: Errors = "replace") -> str:
        """The text of any sequence of ids; bytes that are not UTF-8 become U+FFFD, or an error if `strict`.

        Raises:
            InputError: an unknown id, named with its position; bytes that are not UTF-8 (`strict`).
            UsageError: another value of `errors`.
        """
        if errors not in get_args(Errors):
            raise UsageError(f"errors must be `replace` or `strict`, got {errors!r}")
        data = self.decode_bytes(ids)
        try:
            return data.decode(errors=errors)
        except UnicodeDecodeError as error:
            raise InputError(f"the decoded byte {error.start} is not UTF-8", hint="errors='replace'") from error

    def decode_bytes(self, ids: Sequence[int] | NDArray[np.integer]) -> bytes:
        """The bytes of any sequence of ids: markers are spaces again, prefix and suffix marks are gone.

        Raises:
            InputError: an unknown id, named with its position.
        """
        tables = self._tables
        if tables.prefix or tables.suffix:
            return self._decode_marked(ids)
        if isinstance(ids, np.ndarray) and ids.dtype == np.uint32 and ids.ndim == 1:
            data = self._core.decode_buffer(ids.tobytes())
        else:
            numbers: Sequence[int] = ids.tolist() if isinstance(ids, np.ndarray) else ids
            try:
                data = self._core.decode(numbers)
            except (OverflowError, TypeError):
                self._refuse_unknown(ids)
                raise
        if cuts_at_space_runs(tables.pretokenizer):
            # As their decoders do: the first space goes, whatever spells it.
            data = data.replace(_MARKER, b" ")
            return data if tables.pretokenizer.startswith("gemma@") else data.removeprefix(b" ")
        if marks_spaces(tables.pretokenizer):
            # The marker in front of the text is the pre-tokenizer's, unless the text had its own.
            data = data.removeprefix(_MARKER).replace(_MARKER, b" ")
        return data

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of a token as the vocabulary has them.

        Raises:
            InputError: an unknown id.
        """
        token = self._tokens.get(token_id)
        if token is None:
            raise InputError(f"id {token_id} is not in the vocabulary", hint=f"ids end at {self.vocab_size - 1}")
        return token

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes the artefact folder.

        Raises:
            TokenizerError: made from tables, not from a model. UsageError: the folder exists.
        """
        if self._model is None:
            raise TokenizerError("this tokenizer was made from tables, only one of a model can be saved")
        from tokkit import artifact

        artifact.save(self._model, Path(folder))

    def _encoder(self, tables: EncoderTables) -> "_core.Encoder":
        return build_encoder(tables)

    def _allowed(self, allowed: Allowed) -> tuple[list[int] | None, bool]:
        if allowed == "all":
            return None, True
        return [self._tables.specials[text] for text in self._active(allowed)], False

    def _active(self, allowed: Allowed) -> list[str]:
        """The special tokens that count, the user-defined ones among them."""
        if allowed == "all":
            return list(self._tables.specials)
        if isinstance(allowed, str):
            raise UsageError(f"allowed_special must be `all` or a collection of strings, got {allowed!r}")
        unknown = sorted(set(allowed) - self._tables.specials.keys())
        if unknown:
            known = ", ".join(sorted(self.specials)) or "none"
            raise UsageError(f"no special token {unknown[0]!r}", hint=f"special tokens: {known}")
        return [*(text for text in allowed if text not in self.user_defined), *self.user_defined]

    def _changed_sections(self, text: str, allowed: Allowed) -> Iterator[tuple[int, str, int | None, list[int]]]:
        """(first character, part, id if it is a special token, the special tokens to look for in the part)."""
        names, late = self._active(allowed), self._tables.found_normalized
        ids = self._tables.specials
        inside = [ids[name] for name in names if name in late]
        for start, part, is_token in sections(text, [name for name in names if name not in late]):
            yield start, part, ids[part] if is_token else None, inside

    def _encode_changed(self, text: str, form: NormalForm, allowed: Allowed, dropout: float, seed: int) -> list[int]:
        """Ids of a text that the normalizer changes: special tokens are cut out before it does."""
        found: list[int] = []
        for start, part, token, inside in self._changed_sections(text, allowed):
            if token is not None:
                found.append(token)
            elif dropout:
                found += self._core.encode_with_dropout(form.apply(part), dropout, seed + start, inside)
            else:
                found += self._core.encode(form.apply(part), inside)
        return found

    def _encode_changed_offsets(self, text: str, form: NormalForm, allowed: Allowed) -> Encoding:
        """The same with the stretches of the text that each token came from."""
        numbers: list[int] = []
        places: list[tuple[int, int]] = []
        for start, part, token, inside in self._changed_sections(text, allowed):
            if token is not None:
                numbers.append(token)
                places.append((start, start + len(part)))
                continue
            normal, begins, ends = form.sources(part)
            ids, _, pairs = self._core.encode_located(normal, inside)
            numbers += np.frombuffer(ids, np.uint32).tolist()
            places += [
                (start + int(begins[low]), start + int(ends[high - 1])) if low < high else (start, start)
                for low, high in _pairs(pairs)
            ]
        bytes_before = np.concatenate([[0], np.cumsum([len(character.encode()) for character in text])])
        return self._encoding(numbers, [(int(bytes_before[a]), int(bytes_before[b])) for a, b in places], places)

    def _encoding(
        self, ids: list[int], byte_offsets: list[tuple[int, int]], char_offsets: list[tuple[int, int]]
    ) -> Encoding:
        return Encoding(
            ids=ids,
            tokens=[self._tokens[number] for number in ids],
            byte_offsets=byte_offsets,
            char_offsets=char_offsets,
        )

    def _decode_marked(self, ids: Sequence[int] | NDArray[np.integer]) -> bytes:
        """Marks say where words end, and words were cut at spaces: one space between two.

        Not so where tokens hold the spaces themselves.
        """
        self._refuse_unknown(ids)
        prefix, suffix = self._tables.prefix.encode(), self._tables.suffix.encode()
        if keeps_spaces(self._tables.unit, self._tables.prefix):
            return b"".join(self._tokens[int(token_id)].removeprefix(prefix) for token_id in ids)
        out = bytearray()
        is_open = not suffix
        for place, token_id in enumerate(ids):
            token = self._tokens[int(token_id)]
            continues = prefix and token.startswith(prefix) and place > 0
            if place > 0 and not continues and (prefix or not is_open):
                out += b" "
            body = token[len(prefix) :] if continues else token
            is_open = not (suffix and body.endswith(suffix))
            out += body if is_open else body[: len(body) - len(suffix)]
        return bytes(out)

    def _refuse_unknown(self, ids: Iterator[int] | Sequence[int] | NDArray[np.integer]) -> None:
        for position, token_id in enumerate(ids):
            if not isinstance(token_id, (int, np.integer)) or int(token_id) not in self._tokens:
                raise InputError(f"id {token_id!r} at position {position} is not in the vocabulary")


def build_encoder(
    tables: EncoderTables,
    *,
    cutter: "_core.Pretokens | None" = None,
    superwords: bytes | None = None,
    ngrams: bytes | None = None,
) -> "_core.Encoder":
    """The compiled encoder of the tables; with `cutter` and `superwords` of BoundlessBPE, with `ngrams` adapted.

    `superwords` are rows of (left, right, token), uint32 [n, 3]; `ngrams` is `tokkit.model.program.Program.flat` of the
    rows that take removed tokens apart and join new ones.

    Raises:
        TokenizerError: tables or rows that contradict each other.
    """
    tokens, ids = list(tables.tokens), np.asarray(tables.ids, np.uint32)
    known = set(ids.tolist())
    extra = {special: text.encode() for text, special in tables.specials.items() if special not in known}
    tokens += extra.values()
    ids = np.concatenate([ids, np.array(list(extra), np.uint32)])
    offsets = np.zeros(len(tokens) + 1, np.uint64)
    np.cumsum([len(token) for token in tokens], out=offsets[1:])
    scores = None
    if tables.scores is not None:
        scores = np.concatenate([tables.scores, np.full(len(extra), -np.inf)]).astype(np.float64).tobytes()
    return _core.Encoder(
        b"".join(tokens),
        offsets.tobytes(),
        ids.tobytes(),
        merges=np.ascontiguousarray(tables.merges, np.uint32).tobytes(),
        scheme=None if tables.pretokenizer == "none@1" else tables.pretokenizer,
        unit=tables.unit,
        mode=tables.inference,
        unk_id=tables.unk_id,
        fuse_unk=tables.fuse_unk,
        byte_ids=None if tables.byte_ids is None else np.asarray(tables.byte_ids, np.uint32).tobytes(),
        prefix=tables.prefix.encode(),
        suffix=tables.suffix.encode(),
        ignore_merges=tables.ignore_merges,
        scores=scores,
        specials=[(text.encode(), special) for text, special in tables.specials.items()],
        log=np.ascontiguousarray(tables.log, np.uint32).tobytes(),
        cutter=cutter,
        superwords=superwords,
        ngrams=ngrams,
    )


def _pairs(buffer: bytes) -> list[tuple[int, int]]:
    rows: list[list[int]] = np.frombuffer(buffer, np.uint64).reshape(-1, 2).tolist()
    return [(low, high) for low, high in rows]
