"""A tokenizer.json run by the `tokenizers` library: WordPiece, Unigram and whatever our encoder does not do."""

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.atomic import atomic_folder
from tokkit.errors import TokenizerError
from tokkit.load.hf_file import HfFile
from tokkit.load.library import LibraryTokenizer
from tokkit.model.vocab import string_to_bytes

if TYPE_CHECKING:
    import tokenizers

_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


class HuggingFaceTokenizer(LibraryTokenizer):
    """A checked tokenizer.json in the `tokenizers` library."""

    def __init__(self, file: HfFile, *, reason: str) -> None:
        part = file.part("pre_tokenizer")
        self._file = file
        self._runners: dict[frozenset[str], tokenizers.Tokenizer] = {}
        self._added = {token.id: token.content for token in file.added}
        self._names = {**{number: token for token, number in file.vocab.items()}, **self._added}
        self._decoders = _kinds(file.part("decoder"))
        super().__init__(
            reason=reason,
            specials={token.content: token.id for token in file.added if token.is_special},
            pretokenizer=f"hf:{part.get('type')}" if part else "hf:none",
            known_ids=self._names.keys(),
        )
        self._runner(frozenset(self.specials))  # a file that the library refuses is refused now

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes tokenizer.json, without truncation and padding, into a new folder."""
        with atomic_folder(Path(folder)) as temporary:
            (temporary / "tokenizer.json").write_text(
                json.dumps(self._file.raw, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
            )

    def _encode_all(self, texts: Sequence[str], allowed: frozenset[str]) -> list[list[int]]:
        with guarded(self._file.path):
            encoded = self._runner(allowed).encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encoded]

    def _encode_spans(self, text: str, allowed: frozenset[str]) -> tuple[list[int], list[tuple[int, int]]]:
        with guarded(self._file.path):
            encoding = self._runner(allowed).encode(text, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def _decode(self, ids: list[int]) -> str:
        with guarded(self._file.path):
            return str(self._runner(frozenset(self.specials)).decode(ids, skip_special_tokens=False))

    def _token_bytes(self, token_id: int) -> bytes:
        token = self._names[token_id]
        if token_id in self._added:
            return token.encode()
        if "ByteLevel" in self._decoders:
            try:
                return string_to_bytes(token)
            except TokenizerError:
                return token.encode()
        byte = _BYTE_TOKEN.fullmatch(token) if "ByteFallback" in self._decoders else None
        if byte is not None:
            return bytes([int(byte[1], 16)])
        if self._decoders & {"Metaspace", "Replace"}:
            token = token.replace("\N{LOWER ONE EIGHTH BLOCK}", " ")
        if "WordPiece" in self._decoders:
            token = token.removeprefix("##")
        return token.encode()

    def _runner(self, allowed: frozenset[str]) -> "tokenizers.Tokenizer":
        """The library's tokenizer with just these specials read from text."""
        if allowed not in self._runners:
            import tokenizers

            rows = [dict(row) for row in self._file.raw.get("added_tokens") or []]  # type: ignore[attr-defined]  # checked
            everything = allowed == frozenset(self.specials)
            for row in rows:
                # "special" tokens are read as text below; those that are allowed must not count as such.
                row["special"] = row.get("special", False) and (everything or row["content"] not in allowed)
            content = json.dumps({**self._file.raw, "added_tokens": rows})
            with guarded(self._file.path):
                runner = tokenizers.Tokenizer.from_str(content)
            runner.encode_special_tokens = not everything
            self._runners[allowed] = runner
        return self._runners[allowed]


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turns what the library raises, its Rust panics included, into TokenizerError."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        # A panic is a BaseException that can be told by its name only; a bare Exception is how it reports the rest.
        if type(error) is Exception or type(error).__name__ == "PanicException" or isinstance(error, ValueError):
            message = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise TokenizerError(f"{path}: the `tokenizers` library fails: {message}") from error
        raise


def _kinds(part: dict[str, object] | None) -> frozenset[str]:
    if part is None:
        return frozenset()
    steps = part.get("decoders")
    below = [_kinds(step) for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    return frozenset({str(part.get("type"))}).union(*below)
