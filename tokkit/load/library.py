"""Tokenizers that other libraries must run, behind the methods of our own Tokenizer."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tokkit.errors import InputError, UsageError

if TYPE_CHECKING:
    from tokkit.model.tokenizer import Encoding, Encodings

Allowed = Literal["all"] | Collection[str]


class LibraryTokenizer(ABC):
    """The methods of `tokkit.Tokenizer` over another library; `reason` says why our own encoder does not do it.

    Truncation and padding are off and no special token is ever added. Specials in the text are ordinary text unless
    allowed. Not thread-safe where the library is not.
    """

    inference = "library"

    def __init__(self, *, reason: str, specials: dict[str, int], pretokenizer: str, known_ids: Collection[int]) -> None:
        self.reason = reason
        self.specials = specials
        self.pretokenizer = pretokenizer
        self._known = frozenset(known_ids)

    @property
    def vocab_size(self) -> int:
        """One more than the largest id."""
        return max(self._known, default=-1) + 1

    @property
    def ids(self) -> list[int]:
        """All ids, ascending; holes are possible."""
        return sorted(self._known)

    def encode(self, text: str, *, allowed_special: Allowed = (), dropout: float = 0.0, seed: int = 0) -> list[int]:
        """Ids of a text.

        Raises:
            InputError: a lone surrogate in the text.
            UsageError: dropout, or a special that the tokenizer does not have.
        """
        return self.encode_batch([text], allowed_special=allowed_special, dropout=dropout, seed=seed).lists()[0]

    def encode_bytes(self, text: bytes, *, allowed_special: Allowed = ()) -> list[int]:
        """Ids of UTF-8 text.

        Raises:
            InputError: not UTF-8: these libraries take text only.
        """
        try:
            return self.encode(text.decode(), allowed_special=allowed_special)
        except UnicodeDecodeError as error:
            raise InputError(f"byte {error.start} is not UTF-8, which this tokenizer cannot take") from error

    def encode_batch(
        self,
        texts: Sequence[str],
        *,
        threads: int = 0,
        allowed_special: Allowed = (),
        dropout: float = 0.0,
        seed: int = 0,
    ) -> "Encodings":
        """Ids of many texts; `threads` and `seed` are for the sake of the interface, the library does as it likes."""
        import numpy as np

        from tokkit.model.tokenizer import Encodings

        del threads, seed
        if dropout:
            raise UsageError(f"dropout works with tokkit's own encoder only, got {dropout}")
        for text in texts:
            check_text(text)
        rows = self._encode_all(texts, self._check_allowed(allowed_special))
        offsets = np.zeros(len(rows) + 1, np.uint64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        flat = np.fromiter((number for row in rows for number in row), np.uint32, count=int(offsets[-1]))
        return Encodings(flat, offsets)

    def encode_offsets(self, text: str, *, allowed_special: Allowed = ()) -> "Encoding":
        """Ids with the span of each token in the text, in bytes and in characters.

        A token that is part of a character has the span of the whole character.
        """
        from tokkit.model.tokenizer import Encoding

        check_text(text)
        ids, spans = self._encode_spans(text, self._check_allowed(allowed_special))
        starts = [0]
        for character in text:
            starts.append(starts[-1] + len(character.encode()))
        return Encoding(
            ids=ids,
            tokens=[self.token_bytes(number) for number in ids],
            byte_offsets=[(starts[low], starts[high]) for low, high in spans],
            char_offsets=spans,
        )

    def decode(self, ids: Sequence[int], *, errors: str = "replace") -> str:
        """The text of ids as the library decodes it.

        Raises:
            InputError: an unknown id; names it and its place.
        """
        del errors  # these libraries replace what is not UTF-8 and cannot be told otherwise
        for place, number in enumerate(ids):
            if int(number) not in self._known:
                raise InputError(f"unknown id at position {place}, got {number}", hint=self._ids_end())
        return self._decode([int(number) for number in ids])

    def decode_bytes(self, ids: Sequence[int]) -> bytes:
        """UTF-8 of `decode`."""
        return self.decode(ids).encode()

    def token_bytes(self, token_id: int) -> bytes:
        """What a token stands for in the middle of a text.

        Raises:
            InputError: an unknown id.
        """
        if token_id not in self._known:
            raise InputError(f"unknown id, got {token_id}", hint=self._ids_end())
        return self._token_bytes(token_id)

    def _ids_end(self) -> str:
        return f"ids end at {self.vocab_size - 1}"

    @abstractmethod
    def save_pretrained(self, folder: Path | str) -> None:
        """Writes the library's own file into a new folder."""

    @abstractmethod
    def _encode_all(self, texts: Sequence[str], allowed: frozenset[str]) -> list[list[int]]: ...

    @abstractmethod
    def _encode_spans(self, text: str, allowed: frozenset[str]) -> tuple[list[int], list[tuple[int, int]]]: ...

    @abstractmethod
    def _decode(self, ids: list[int]) -> str: ...

    @abstractmethod
    def _token_bytes(self, token_id: int) -> bytes: ...

    def _check_allowed(self, allowed: Allowed) -> frozenset[str]:
        if allowed == "all":
            return frozenset(self.specials)
        unknown = sorted(set(allowed) - set(self.specials))
        if unknown:
            raise UsageError(f"allowed_special: no such special token, got {unknown[0]!r}")
        return frozenset(allowed)


def check_text(text: str) -> None:
    """Raises InputError for a lone surrogate, which no UTF-8 can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"lone surrogate at character {error.start}, got {text[error.start]!a}") from error
