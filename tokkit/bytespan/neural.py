"""Signals of a causal byte-level language model in a local folder of `transformers` (extra `models`).

Long documents are read in windows; each byte is predicted by the last window that holds it first, so that all but the
first window's see at least `window - stride` bytes before them (the published runs: window 2048, stride 512). The
distribution is that over the model's whole vocabulary. Weights are read from safetensors only, never from a pickle; the
folder's own code is never run, and nothing is fetched.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import MissingExtraError, ResourceError, TokenizerError, UsageError
from tokkit.model.vocab import BYTE_ALPHABET
from tokkit.progress import Progress, silent

if TYPE_CHECKING:
    import torch

_WINDOW: Final = 2048
_UNIFORM_BITS: Final = 8.0


@dataclass(frozen=True)
class _Window:
    """Inputs `begin .. begin + length` of a document's ids; predictions from `skip` on count."""

    document: int
    begin: int
    length: int
    skip: int


class NeuralByteLm:
    """A model that predicts bytes, with the ids that stand for them.

    The ids come from tokenizer.json (the 256 characters of GPT-2's byte alphabet), else byte b is `first_id` + b.
    Before a document stands the model's bos or else eos token; without either its first byte counts as any of 256.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        window: int | None = None,
        stride: int | None = None,
        batch_size: int = 8,
        device: str | None = None,
        first_id: int | None = None,
    ) -> None:
        """Loads the model.

        Raises:
            MissingExtraError: without torch or transformers. TokenizerError: no model there, one that needs code or
                pickles of its own, or none of bytes. UsageError: sizes or a device that cannot work.
        """
        folder = Path(folder)
        config = _config(folder)
        self._model, self._device = _load(folder, device)
        n_ids = int(self._model.get_output_embeddings().weight.shape[0])
        self._ids = _byte_ids(folder, n_ids, first_id)
        self._start = _start_id(config, n_ids, self._ids)
        most = int(config.get("max_position_embeddings") or config.get("n_positions") or _WINDOW)
        self.window = min(most, _WINDOW) if window is None else window
        self.stride = max(1, self.window // 4) if stride is None else stride
        if not 1 <= self.window <= most:
            raise UsageError(f"window must be from 1 to the model's {most}, got {self.window}")
        if not 1 <= self.stride <= self.window:
            raise UsageError(f"stride must be from 1 to the window of {self.window}, got {self.stride}")
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, got {batch_size}")
        self.batch_size = batch_size

    def signals(
        self, documents: Sequence[bytes], *, progress: Progress = silent
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Surprisal and entropy in bits of every byte, end to end; float64 [bytes] each.

        Raises:
            ResourceError: the device has too little memory for a batch.
        """
        starts = np.zeros(len(documents) + 1, np.int64)
        np.cumsum([len(document) for document in documents], out=starts[1:])
        surprisal = np.full(int(starts[-1]), _UNIFORM_BITS)
        entropy = np.full(int(starts[-1]), _UNIFORM_BITS)
        inputs = [self._inputs(document) for document in documents]
        # Like lengths together: little padding. The order of the windows changes no result.
        windows = sorted(self._windows(inputs), key=lambda one: (one.length, one.document, one.begin))
        lead = 0 if self._start is not None else 1
        for at in range(0, len(windows), self.batch_size):
            batch = windows[at : at + self.batch_size]
            progress("predict bytes", at, len(windows))
            for one, bits in zip(batch, self._predict(batch, inputs, documents, lead), strict=True):
                low = int(starts[one.document]) + one.begin + one.skip + lead
                surprisal[low : low + bits.shape[1]], entropy[low : low + bits.shape[1]] = bits
        return surprisal, entropy

    def _inputs(self, document: bytes) -> NDArray[np.int64]:
        """What is read to predict the document: its start and all bytes but the last."""
        ids = self._ids[np.frombuffer(document, np.uint8)]
        return ids[:-1] if self._start is None else np.concatenate([[self._start], ids])[: len(ids)]

    def _windows(self, inputs: Sequence[NDArray[np.int64]]) -> Iterator[_Window]:
        for document, ids in enumerate(inputs):
            end = 0
            for begin in range(0, len(ids), self.stride):
                length = min(self.window, len(ids) - begin)
                if begin + length > end:
                    yield _Window(document, begin, length, end - begin)
                    end = begin + length

    def _predict(
        self, batch: Sequence[_Window], inputs: Sequence[NDArray[np.int64]], documents: Sequence[bytes], lead: int
    ) -> Iterator[NDArray[np.float64]]:
        """Surprisal and entropy of what each window counts for; float64 [2, bytes]."""
        import torch

        longest = max(one.length for one in batch)
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        mask = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, one in enumerate(batch):
            ids[row, : one.length] = torch.from_numpy(inputs[one.document][one.begin : one.begin + one.length])
            mask[row, : one.length] = 1
        try:
            with torch.inference_mode():
                logits = self._model(input_ids=ids.to(self._device), attention_mask=mask.to(self._device)).logits
                for row, one in enumerate(batch):
                    text = documents[one.document][one.begin + one.skip + lead : one.begin + one.length + lead]
                    wanted = torch.from_numpy(self._ids[np.frombuffer(text, np.uint8)]).to(self._device)
                    logs = torch.log_softmax(logits[row, one.skip : one.length].float(), dim=-1)
                    surprisal = -logs.gather(1, wanted[:, None])[:, 0]
                    # A token that cannot come has log 0: it adds nothing.
                    entropy = -(logs.exp() * logs.clamp(min=torch.finfo(logs.dtype).min)).sum(dim=-1)
                    bits = torch.stack([surprisal, entropy]).double() / math.log(2)
                    yield bits.cpu().numpy()
        except torch.cuda.OutOfMemoryError as error:
            raise ResourceError(
                f"{self._device}: out of memory with {len(batch)} windows of {longest} bytes",
                hint="lower --batch-size or --window",
            ) from error


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise TokenizerError(
            f"{folder}: no config.json: not a model folder of transformers", hint="give a local folder, not a hub id"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TokenizerError(f"{path}: not JSON: {error}") from None
    if not isinstance(config, dict):
        raise TokenizerError(f"{path}: not an object")
    if "auto_map" in config:
        raise TokenizerError(f"{path}: names code of its own (`auto_map`), which is never run")
    return config


def _load(folder: Path, device: str | None) -> "tuple[Any, torch.device]":
    try:
        import torch
        from transformers import AutoModelForCausalLM
    except ImportError:
        raise MissingExtraError(
            "torch and transformers are needed to run a model", hint="pip install 'tokkit[models]'"
        ) from None
    name = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"device {name}: {str(error).splitlines()[0]}") from None
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
    # The library raises whatever its parts do: a damaged file must not look like a fault of ours.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise TokenizerError(f"{folder}: transformers cannot load a causal model from safetensors: {reason}") from error
    return model.eval().to(chosen), chosen


def _byte_ids(folder: Path, n_ids: int, first_id: int | None) -> NDArray[np.int64]:
    path = folder / "tokenizer.json"
    if first_id is None and path.is_file():
        try:
            vocabulary = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
            ids = [int(vocabulary[character]) for character in BYTE_ALPHABET]
        except (OSError, ValueError, KeyError, TypeError):
            raise TokenizerError(
                f"{path}: not a byte-level vocabulary with all 256 bytes", hint="--first-id says which id is byte 0"
            ) from None
    elif first_id is not None or n_ids == 256:
        ids = list(range(first_id or 0, (first_id or 0) + 256))
    else:
        raise TokenizerError(
            f"{folder}: no tokenizer.json says which of the {n_ids} ids are bytes",
            hint="--first-id N: byte b has the id N + b",
        )
    if not all(0 <= number < n_ids for number in ids) or len(set(ids)) < 256:
        raise TokenizerError(f"{folder}: the model has {n_ids} ids, the 256 bytes do not fit in")
    return np.array(ids, np.int64)


def _start_id(config: dict[str, Any], n_ids: int, byte_ids: NDArray[np.int64]) -> int | None:
    taken = set(byte_ids.tolist())
    for name in ("bos_token_id", "eos_token_id"):
        value = config.get(name)
        number = value[0] if isinstance(value, list) and value else value
        if isinstance(number, int) and 0 <= number < n_ids and number not in taken:
            return number
    return None
