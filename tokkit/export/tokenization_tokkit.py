"""The exact encoder of a tokkit vocabulary for `transformers`: carried in the folder of a tokenizer, needs no tokkit.

Load with `AutoTokenizer.from_pretrained(folder, trust_remote_code=True)`. All that it knows is in tokkit_encoder.json.
"""

import heapq
import json
import shutil
from bisect import bisect_left
from itertools import pairwise
from pathlib import Path
from typing import Any

import tokenizers
from transformers import BatchEncoding, PreTrainedTokenizer

ENCODER_FILE = "tokkit_encoder.json"
FORMAT = 1
CACHE_SIZE = 1 << 16
MERGE, SPLIT, JOIN = 0, 1, 6
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
        self._is_byte: bool = data["unit"] == "byte"
        self._has_marker: bool = data["marker"]
        self._byte_of = {character: byte for byte, character in enumerate(byte_alphabet())}
        self._byte_tokens = {self._strings[token]: byte for byte, token in enumerate(data["byte_ids"] or ())}
        front = {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {}, "merges": []}}
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
        data = bytearray()
        for token in tokens:
            if token in self._added_tokens_encoder:
                data += token.encode()
            elif token in self._byte_tokens:
                data.append(self._byte_tokens[token])
            elif self._is_byte:
                data += bytes(self._byte_of[character] for character in token)
            else:
                data += token.encode()
        text = data.decode(errors="replace")
        return text.removeprefix(MARKER).replace(MARKER, " ") if self._has_marker else text

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
        if self._front.normalizer is not None:
            text = self._front.normalizer.normalize_str(text)
        if self._front.pre_tokenizer is None:
            words = [(text, (0, len(text)))] if text else []
        else:
            words = self._front.pre_tokenizer.pre_tokenize_str(text)
        placed = [self._in_word(text, word, *span) for word, span in words]
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


class WordEncoder:
    """One pretoken to (id, length in characters of the pretoken)."""

    def __init__(self, data: dict[str, Any]) -> None:
        """`data` is the content of tokkit_encoder.json."""
        self._atoms: dict[str, int] = data["atoms"]
        self._unk_id: int | None = data["unk_id"]
        self._fuse: bool = data["fuse_unk"]
        self._byte_ids: list[int] | None = data["byte_ids"]
        merges: list[list[int]] = data["merges"]
        rows: list[list[Any]] = data["rows"]
        self._by_rank = bool(merges)
        self._joins = [(token, tuple(parts)) for kind, token, parts in rows if kind == JOIN]
        self._join_starts: dict[tuple[int, int], list[int]] = {}
        for rank, (_, parts) in enumerate(self._joins):
            self._join_starts.setdefault(parts[:2], []).append(rank)
        self._pair_events: dict[tuple[int, int], list[int]] = {}
        self._split_events: dict[int, list[int]] = {}
        steps = [(MERGE, token, (left, right)) for left, right, token in merges]
        steps += [(kind, token, tuple(parts)) for kind, token, parts in rows if kind != JOIN]
        self._steps = steps
        for event, (kind, token, parts) in enumerate(steps):
            events = (
                self._pair_events.setdefault(parts, []) if kind == MERGE else self._split_events.setdefault(token, [])
            )
            if self._by_rank and kind == MERGE:
                events.clear()  # of a pair that is listed twice the later rank counts, as in HF
            events.append(event)
        self._n_atoms: dict[int, int] = {}
        for kind, token, parts in [*steps, *((JOIN, *join) for join in self._joins)]:
            if kind != SPLIT:
                self._n_atoms.setdefault(token, sum(self._n_atoms.get(part, 1) for part in parts))
        self._cache: dict[str, list[tuple[int, int]]] = {}

    def encode(self, word: str) -> list[tuple[int, int]]:
        """The tokens of a pretoken."""
        known = self._cache.get(word)
        if known is None:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            known = self._cache[word] = self._encode(word)
        return known

    def _encode(self, word: str) -> list[tuple[int, int]]:
        atoms = self._split(word)
        tokens = [token for token, _ in atoms]
        tokens = self._join(tokens) if self._joins else self._replay(tokens)
        out, at = [], 0
        for token in tokens:
            end = at + self._n_atoms.get(token, 1)
            out.append((token, sum(length for _, length in atoms[at:end])))
            at = end
        return out

    def _split(self, word: str) -> list[tuple[int, int]]:
        """Atoms; unknown characters become bytes, the unknown token, or nothing."""
        out: list[tuple[int, int]] = []
        for character in word:
            token = self._atoms.get(character)
            if token is not None:
                out.append((token, 1))
            elif self._byte_ids is not None:
                spelled = character.encode("utf-8", "replace")
                out.extend((self._byte_ids[byte], int(place == 0)) for place, byte in enumerate(spelled))
            elif self._unk_id is not None:
                if self._fuse and out and out[-1][0] == self._unk_id:
                    out[-1] = (self._unk_id, out[-1][1] + 1)
                else:
                    out.append((self._unk_id, 1))
        return out

    def _replay(self, tokens: list[int]) -> list[int]:
        """The steps in order, found through the pairs and tokens that they act on."""
        ids: list[int | None] = list(tokens)
        n = len(ids)
        before, after = list(range(-1, n - 1)), list(range(1, n + 1))
        heap: list[tuple[int, int]] = []

        def watch(at: int, now: int) -> None:
            if 0 <= at < n and after[at] < n:
                self._queue(heap, self._pair_events.get((ids[at], ids[after[at]])), at, -1 if self._by_rank else now)  # type: ignore[arg-type]

        def watch_token(at: int, now: int) -> None:
            self._queue(heap, self._split_events.get(ids[at]), at, now)  # type: ignore[arg-type]

        for at in range(n):
            watch(at, -1)
        while heap:
            event, at = heapq.heappop(heap)
            kind, token, parts = self._steps[event]
            if kind == MERGE:
                second = after[at]
                if ids[at] != parts[0] or second >= n or ids[second] != parts[1]:
                    continue
                ids[at], ids[second], after[at] = token, None, after[second]
                if after[at] < n:
                    before[after[at]] = at
                watch(before[at], event)
                watch(at, event)
                watch_token(at, event)
            elif ids[at] == token:
                end, place, previous = after[at], at, before[at]
                for piece in parts:
                    ids[place], before[place] = piece, previous
                    after[place] = place + self._n_atoms.get(piece, 1)
                    previous, place = place, after[place]
                if end < n:
                    before[end] = previous
                if self._by_rank:
                    continue  # scaffolds are taken down last, and nothing is merged after that
                watch(before[at], event)
                place = at
                while place != end:
                    watch(place, event)
                    watch_token(place, event)
                    place = after[place]
        return [token for token in ids if token is not None]

    @staticmethod
    def _queue(heap: list[tuple[int, int]], events: list[int] | None, at: int, now: int) -> None:
        if events:
            place = bisect_left(events, now + 1)
            if place < len(events):
                heapq.heappush(heap, (events[place], at))

    def _join(self, tokens: list[int]) -> list[int]:
        """The first join that stands anywhere, at all its places, until none stands."""
        while True:
            standing = [
                rank
                for at, pair in enumerate(pairwise(tokens))
                for rank in self._join_starts.get(pair, ())
                if tuple(tokens[at : at + len(self._joins[rank][1])]) == self._joins[rank][1]
            ]
            if not standing:
                return tokens
            token, parts = self._joins[min(standing)]
            joined, at = [], 0
            while at < len(tokens):
                is_here = tuple(tokens[at : at + len(parts)]) == parts
                joined.append(token if is_here else tokens[at])
                at += len(parts) if is_here else 1
            tokens = joined
