"""A sentencepiece `.model`, run by the sentencepiece library."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.atomic import atomic_folder
from tokkit.errors import TokenizerError
from tokkit.load.json_file import read_bytes
from tokkit.load.library import LibraryTokenizer

if TYPE_CHECKING:
    import sentencepiece


class SentencePieceTokenizer(LibraryTokenizer):
    """A sentencepiece model. The library never reads control symbols from text, so `allowed_special` does nothing."""

    def __init__(self, path: Path) -> None:
        self._content = read_bytes(path)
        self._processor = _processor(self._content, path)
        n = self._processor.get_piece_size()
        controls = [i for i in range(n) if self._processor.is_control(i) or self._processor.is_unknown(i)]
        super().__init__(
            reason="a sentencepiece model",
            specials={self._processor.id_to_piece(i): i for i in controls},
            pretokenizer="sentencepiece-library",
            known_ids=range(n),
        )

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes tokenizer.model into a new folder."""
        with atomic_folder(Path(folder)) as temporary:
            (temporary / "tokenizer.model").write_bytes(self._content)

    def _encode_all(self, texts: Sequence[str], allowed: frozenset[str]) -> list[list[int]]:
        return [list(self._processor.encode(text, out_type=int)) for text in texts]

    def _encode_spans(
        self,
        text: str,
        allowed: frozenset[str],
    ) -> tuple[list[int], list[tuple[int, int]]]:
        try:
            found = self._processor.encode(text, out_type="offset_mapping")
        except (ValueError, TypeError, RuntimeError):  # sentencepiece before 0.2.3
            old: Any = self._processor.encode(text, out_type="immutable_proto")  # type: ignore[arg-type]  # older API
            return [piece.id for piece in old.pieces], [(piece.begin, piece.end) for piece in old.pieces]
        return list(found["ids"]), [(int(low), int(high)) for low, high in found["offsets"]]

    def _decode(self, ids: list[int]) -> str:
        return str(self._processor.decode(ids))

    def _token_bytes(self, token_id: int) -> bytes:
        piece = str(self._processor.id_to_piece(token_id))
        if self._processor.is_byte(token_id):
            return bytes([int(piece[3:5], 16)])
        return piece.replace("\N{LOWER ONE EIGHTH BLOCK}", " ").encode()


def _processor(content: bytes, path: Path) -> "sentencepiece.SentencePieceProcessor":
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(content)
        n_pieces = processor.get_piece_size()
    except (RuntimeError, OSError, ValueError, TypeError) as error:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TokenizerError(f"{path}: not a sentencepiece model: {message}") from error
    if n_pieces == 0:
        raise TokenizerError(f"{path}: not a sentencepiece model: no pieces")
    return processor
