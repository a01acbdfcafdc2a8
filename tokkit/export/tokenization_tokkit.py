"""The exact encoder of a tokkit vocabulary for `transformers`: carried in the folder of a tokenizer, needs no tokkit.

Load with `AutoTokenizer.from_pretrained(folder, trust_remote_code=True)`. All that it knows is in tokkit_encoder.json.
"""

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import tokenizers
from transformers import BatchEncoding, PreTrainedTokenizer

from .tokkit_words import WordEncoder  # noqa: TID252 - this file works outside of any package

ENCODER_FILE = "tokkit_encoder.json"
FORMAT = 1
MARKER = "\u2581"


def byte_alphabet() -> list[str]:
    """The printable character of each byte (GPT-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) if byte in printable else chr(0x100 + others.index(byte)) for byte in range(256)]


class TokkitTokenizer(PreTrainedTokenizer):
    """Merges, splits and joins as training logged them. Offsets are in characters; text pairs have none."""

    vocab_files_names = {"vocab_file": ENCODER_FILE}  # noqa: RUF012 - as the base class declares it
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012

    def __init__(self, vocab_file: str, **kwargs: Any) -> None:
        """Reads tokkit_encoder.json."""
        data = json.loads(Path(vocab_file).read_text(encoding="utf-8"))
        if data.get("format") != FORMAT:
            raise ValueError(
                f"{vocab_file}: format {data.get('format')!r} is not {FORMAT}, the one that this code reads"
            )
        self.vocab_file = vocab_file
        self._strings: list[str] = data["tokens"]
        self._ids = {token: place for place, token in reversed(list(enumerate(self._strings))) if token is not None}
        self._longest = max((len(token) for token in self._strings if token is not None), default=1)
        self._is_byte: bool = data["unit"] == "byte"
        self._has_marker: bool = data["marker"]
        self._byte_of = {character: byte for byte, character in enumerate(byte_alphabet())}
        self._prefix: str = data["prefix"]
        self._suffix: str = data["suffix"]
        self._byte_tokens = {self._strings[token]: byte for byte, token in enumerate(data["byte_ids"] or ())}
        # Whatever the word, one token: what counts are the words and where they lie in the text.
        words = {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}
        front = {"version": "1.0", "added_tokens": [], "model": words}
        front |= {"normalizer": data["normalizer"], "pre_tokenizer": data["pre_tokenizer"]}
        self._front = tokenizers.Tokenizer.from_str(json.dumps(front))
        self._words = WordEncoder(data)
        self._superwords = {
            (left, right): (rank, token)
            for rank, (left, right, token) in reversed(list(enumerate(data.get("superwords", ()))))
        }
        self._joinable = {token for pair in self._superwords for token in pair}
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]  # transformers leaves it untyped

    @property
    def vocab_size(self) -> int:
        """One more than the largest id, special tokens included."""
        return len(self._strings)

    @property
    def max_token_id(self) -> int:
        """The largest id; servers (vLLM) refuse larger ones."""
        return max([len(self._strings) - 1, *self._added_tokens_decoder])

    @property
    def max_chars_per_token(self) -> int:
        """The length of the longest token; servers (vLLM) bound prompts by it."""
        return self._longest

    def get_vocab(self) -> dict[str, int]:
        """Token to id, added tokens included."""
        return {**self._ids, **self._added_tokens_encoder}

    def _tokenize(self, text: str, **kwargs: Any) -> list[str]:
        return [self._strings[token] for token, _, _ in self._placed(text)]

    def _convert_token_to_id(self, token: str) -> int | None:
        unknown: int | None = self.unk_token_id
        return self._ids.get(token, unknown)

    def _convert_id_to_token(self, index: int) -> str:
        return (self._strings[index] if 0 <= index < len(self._strings) else self.unk_token) or ""

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The text of tokens; bytes that are not UTF-8 become U+FFFD."""
        if self._prefix or self._suffix:
            return self._marked_text(tokens).decode(errors="replace")
        text = b"".join(map(self._spelled, tokens)).decode(errors="replace")
        return text.removeprefix(MARKER).replace(MARKER, " ") if self._has_marker else text

    def _spelled(self, token: str) -> bytes:
        if token in self._byte_tokens:
            return bytes([self._byte_tokens[token]])
        if self._is_byte and token not in self._added_tokens_encoder:
            return bytes(self._byte_of[character] for character in token)
        return token.encode()

    def _marked_text(self, tokens: list[str]) -> bytes:
        """Marks say where words end, and words were cut at spaces: one space between two."""
        data, is_open = bytearray(), not self._suffix
        for place, token in enumerate(tokens):
            continues = bool(self._prefix) and place > 0 and token.startswith(self._prefix)
            if place > 0 and not continues and (self._prefix or not is_open):
                data += b" "
            body = token[len(self._prefix) :] if continues else token
            is_open = not (self._suffix and body.endswith(self._suffix))
            data += self._spelled(body if is_open else body[: len(body) - len(self._suffix)])
        return bytes(data)

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """Adds none: the vocabulary says nothing about templates."""
        return token_ids_0 + (token_ids_1 or [])

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        """Copies the encoder file."""
        target = Path(save_directory) / ((f"{filename_prefix}-" if filename_prefix else "") + ENCODER_FILE)
        if target.resolve() != Path(self.vocab_file).resolve():
            shutil.copyfile(self.vocab_file, target)
        return (str(target),)

    def __call__(self, text: Any = None, *args: Any, **kwargs: Any) -> BatchEncoding:
        """As in `transformers`, and `return_offsets_mapping` works."""
        if not kwargs.pop("return_offsets_mapping", False):
            plain: BatchEncoding = super().__call__(text, *args, **kwargs)
            return plain
        tensors = kwargs.pop("return_tensors", None)
        is_batch = not isinstance(text, str)
        texts = list(text) if is_batch else [text]
        if args or kwargs.get("text_pair") is not None or not all(isinstance(one, str) for one in texts):
            raise ValueError("offsets are for single texts and batches of texts")
        encoded = super().__call__(texts, **kwargs)
        encoded["offset_mapping"] = [
            self._fitted(self.offsets(one), ids, mask)
            for one, ids, mask in zip(texts, encoded["input_ids"], encoded["attention_mask"], strict=True)
        ]
        data = dict(encoded) if is_batch or tensors else {name: rows[0] for name, rows in encoded.items()}
        fitted: BatchEncoding = BatchEncoding(data, tensor_type=tensors)
        return fitted

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """(begin, end) in characters of every token, special tokens too."""
        found, start = [], 0
        for part in self.tokens_trie.split(text):
            if part in self._added_tokens_encoder:
                found.append((start, start + len(part)))
            else:
                found.extend((start + low, start + high) for _, low, high in self._placed(part))
            start += len(part)
        return found

    def _fitted(self, offsets: list[tuple[int, int]], ids: list[int], mask: list[int]) -> list[tuple[int, int]]:
        """Cut and padded as the ids were; padding has (0, 0)."""
        kept = sum(mask)
        cut = offsets[-kept:] if self.truncation_side == "left" and kept else offsets[:kept]
        padding = [(0, 0)] * (len(ids) - kept)
        return padding + cut if self.padding_side == "left" else cut + padding

    def _placed(self, text: str) -> list[tuple[int, int, int]]:
        """(id, begin, end) of every token of a text without special tokens."""
        normal = text if self._front.normalizer is None else self._front.normalizer.normalize_str(text)
        if self._front.pre_tokenizer is None:
            words = [normal] if normal else []
        else:
            words = [word for word, _ in self._front.pre_tokenizer.pre_tokenize_str(normal)]
        spans = self._front.encode(text, add_special_tokens=False).offsets
        placed = [self._in_word(text, word, *span) for word, span in zip(words, spans, strict=True)]
        return self._across_words(placed) if self._superwords else [token for word in placed for token in word]

    def _across_words(self, words: list[list[tuple[int, int, int]]]) -> list[tuple[int, int, int]]:
        """Joins runs of words that are one token each: the lowest rank first, everywhere from left to right."""
        out: list[tuple[int, int, int]] = []
        run: list[tuple[int, int, int]] = []
        for word in words:
            if len(word) == 1 and word[0][0] in self._joinable:
                run.append(word[0])
            else:
                out += [*self._joined(run), *word]
                run = []
        return out + self._joined(run)

    def _joined(self, run: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        none = (len(self._superwords), -1)
        while len(run) > 1:
            best = min(self._superwords.get((a[0], b[0]), none) for a, b in pairwise(run))
            if best == none:
                break
            joined, at = [], 0
            while at < len(run):
                here = run[at]
                behind = run[at + 1] if at + 1 < len(run) else None
                if behind is not None and self._superwords.get((here[0], behind[0])) == best:
                    joined.append((best[1], here[1], behind[2]))
                    at += 2
                else:
                    joined.append(here)
                    at += 1
            run = joined
        return run

    def _in_word(self, text: str, word: str, start: int, end: int) -> list[tuple[int, int, int]]:
        if self._is_byte:
            # Character that each byte of the word belongs to.
            place = [at for at in range(start, end) for _ in text[at].encode("utf-8", "surrogatepass")]
            if len(place) != len(word):
                place = [start] * len(word)
        else:
            added = len(word) - (end - start)  # a marker in front of the text stands for nothing
            place = [max(start, start + at - added) for at in range(len(word))]
        out, at = [], 0
        for token, length in self._words.encode(word):
            last = place[at + length - 1] + 1 if length else start
            out.append((token, place[at] if length else start, min(last, end)))
            at += length
        return out
