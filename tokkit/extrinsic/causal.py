"""A causal language model from a folder: safetensors only, no code of the folder, no key missing, really causal."""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tokkit.errors import MissingExtraError, ResourceError, TokenizerError, UsageError
from tokkit.load import load_tokenizer
from tokkit.load.json_file import read_object
from tokkit.transplant.checkpoint import Checkpoint, open_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokkit.load.any import AnyTokenizer

_POSITIONS: Final = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "seq_length",
    "max_sequence_length",
)


@dataclass(frozen=True)
class CausalModel:
    """A model ready to run. `prefix` is what stands before each window (None: nothing), `limit` the most positions."""

    folder: Path
    network: Any
    tokenizer: "AnyTokenizer"
    vocab_size: int
    prefix: int | None
    limit: int | None
    device: str
    notes: tuple[str, ...] = ()

    def batch(self, rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """(ids, attention mask), both [rows, longest] and filled up on the right, on the model's device."""
        import torch

        longest = max(map(len, rows))
        ids = torch.zeros((len(rows), longest), dtype=torch.long)
        seen = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.as_tensor(row, dtype=torch.long)
            seen[place, : len(row)] = 1
        return ids.to(self.device), seen.to(self.device)

    def logits(self, rows: Sequence[Sequence[int]]) -> Any:
        """[rows, longest, vocabulary] of id sequences, without gradients."""
        import torch

        ids, seen = self.batch(rows)
        with torch.no_grad():  # not inference_mode: what it caches cannot be trained through
            return self.network(input_ids=ids, attention_mask=seen, use_cache=False).logits


def has_torch() -> bool:
    """Whether the extra `models` is installed; imports nothing."""
    from importlib.util import find_spec

    return find_spec("torch") is not None and find_spec("transformers") is not None


def need_torch(what: str) -> None:
    """Raises MissingExtraError when the extra `models` is not installed."""
    if not has_torch():
        raise MissingExtraError(f"torch and transformers are needed {what}", hint="pip install 'tokkit[models]'")


def chosen_device(wanted: str) -> str:
    """`cpu` or `cuda` for `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: there is no such device.
    """
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: there is no GPU that torch can use", hint="--device cpu, or auto")
    return wanted


def load_causal(folder: str | Path, *, device: str = "auto", dtype: str = "float32", threads: int = 0) -> CausalModel:
    """Loads a folder with config.json, safetensors and a tokenizer. `threads` 0 leaves torch's own number.

    Raises:
        MissingExtraError: no torch. InputError: no such folder or file. ResourceError: no memory for it.
        TokenizerError: pickled or broken weights, code in the folder, missing tensors, no causal model, ids beyond it.
    """
    need_torch("to run a model")
    folder = Path(folder)
    checkpoint = open_checkpoint(folder)
    tokenizer = load_tokenizer(folder)
    place = chosen_device(device)
    from transformers import AutoModelForCausalLM

    network, notes = load_network(checkpoint, AutoModelForCausalLM, dtype, threads)
    with as_errors(folder):
        network = network.to(place)
    rows = int(network.get_output_embeddings().weight.shape[0]) if network.get_output_embeddings() else 0
    size = rows or tokenizer.vocab_size
    if tokenizer.vocab_size > size:
        raise TokenizerError(f"{folder}: the tokenizer has {tokenizer.vocab_size} ids, the model {size} rows")
    model = CausalModel(folder, network, tokenizer, size, prefix_id(folder, size), _limit(checkpoint), place, notes)
    _check_causal(model)
    return model


def prefix_id(folder: Path, rows: int) -> int | None:
    """The id of bos, or of eos where there is no bos, as the folder's configs tell; None without either."""
    config = read_object(folder / "config.json")
    parts = [config, *(part for part in (config.get("text_config"),) if isinstance(part, dict))]
    for role in ("bos", "eos"):
        for part in parts:
            value = part.get(f"{role}_token_id")
            number = value[0] if isinstance(value, list) and value else value
            if isinstance(number, int) and 0 <= number < rows:
                return number
    return None


def _limit(checkpoint: Checkpoint) -> int | None:
    config = checkpoint.config
    parts = [config, *(part for part in (config.get("text_config"),) if isinstance(part, dict))]
    found = [part[name] for part in parts for name in _POSITIONS if isinstance(part.get(name), int)]
    return min(int(str(value)) for value in found) if found else None


def is_causal(folder: Path) -> bool:
    """Whether config.json names a causal model, or nothing else."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    config = read_object(folder / "config.json")
    names = config.get("architectures")
    if not isinstance(names, list) or not names:
        return config.get("model_type") in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return names[0] in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()


def network_class(config: Mapping[str, object]) -> Any:
    """The class of transformers that config.json names; TokenizerError for any other name."""
    import transformers

    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""
    found = getattr(transformers, name, None) if name else transformers.AutoModel
    if not isinstance(found, type) or not hasattr(found, "from_pretrained"):
        raise TokenizerError(f"config.json: architecture `{name}` is none of transformers")
    return found


def load_network(checkpoint: Checkpoint, kind: Any, dtype: str, threads: int) -> tuple[Any, tuple[str, ...]]:
    """(the network in evaluation mode, notes); `kind` is a class of transformers.

    Raises:
        TokenizerError: it cannot be loaded, or some of its weights are not in the folder.
    """
    import torch

    if threads:
        torch.set_num_threads(threads)
    _check_size(checkpoint, kind)
    with as_errors(checkpoint.folder):
        network, info = kind.from_pretrained(
            str(checkpoint.folder),
            dtype=getattr(torch, dtype),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    missing = sorted(info["missing_keys"])
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise TokenizerError(
            f"{checkpoint.folder}: no weights for {missing[0]}{more}", hint="is this the folder of such a model?"
        )
    unexpected = sorted(info["unexpected_keys"])
    notes = (f"{len(unexpected)} tensors are not used, such as {unexpected[0]}",) if unexpected else ()
    return network.eval(), notes


def _check_size(checkpoint: Checkpoint, kind: Any) -> None:
    """A config of some kilobytes can describe a model of any size, which the library would fill with chance numbers."""
    import torch
    from transformers import AutoConfig

    with as_errors(checkpoint.folder), torch.device("meta"):
        config = AutoConfig.from_pretrained(str(checkpoint.folder), local_files_only=True, trust_remote_code=False)
        make = kind.from_config if hasattr(kind, "from_config") else kind
        wanted = sum(int(part.numel()) for part in make(config).parameters())
    there = sum(math.prod(tensor.shape) for tensor in checkpoint.tensors.values())
    # Packed weights hold up to eight numbers in one; tables that are tied are stored once.
    if wanted > 16 * there:
        raise TokenizerError(
            f"{checkpoint.folder}: config.json describes {wanted:,} parameters, the weights have {there:,} numbers",
            hint="config.json belongs to another model",
        )


def _check_causal(model: CausalModel) -> None:
    """A masked model sees what it should guess: its number of bits would mean nothing."""
    import torch

    n = min(model.vocab_size, 7)
    ids = [number % n for number in range(8)][: model.limit or 8]
    with as_errors(model.folder):
        first, second = model.logits([ids])[0, :-1], model.logits([[*ids[:-1], (ids[-1] + 1) % n]])[0, :-1]
    if not bool(torch.isfinite(first).all()):
        raise TokenizerError(f"{model.folder}: the model's output is not finite")
    spread = float(first.float().abs().max()) or 1.0
    if float((first.float() - second.float()).abs().max()) > 1e-5 * spread:
        raise TokenizerError(
            f"{model.folder}: sees the tokens that it should foretell: not a causal model",
            hint="bits per byte are defined for causal models (decoders) only",
        )


@contextmanager
def as_errors(folder: Path) -> "Iterator[None]":
    """What transformers and torch raise, as ours; and quiet, since progress is our own matter."""
    import torch
    from huggingface_hub import errors as hub_errors
    from transformers.utils import logging as transformers_logging

    # A config whose fields are of other types; older versions of the library let those through.
    bad_config: type[Exception] = getattr(hub_errors, "StrictDataclassError", ValueError)
    logging: Any = transformers_logging
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ResourceError(f"{folder}: no memory for this model: {error}") from error
    except (ValueError, RuntimeError, KeyError, ImportError, TypeError, AttributeError, OSError, bad_config) as error:
        text = " ".join(str(error).split())
        is_code = "trust_remote_code" in text or "remote code" in text
        hint = "tokkit never runs code of a model folder" if is_code else None
        raise TokenizerError(f"{folder}: transformers cannot run this model: {text[:300]}", hint=hint) from error
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def describe(model: CausalModel) -> dict[str, object]:
    """Facts for a manifest."""
    return {
        "architecture": type(model.network).__name__,
        "vocab_size": model.vocab_size,
        "parameters": sum(int(part.numel()) for part in model.network.parameters()),
        "prefix": model.prefix,
        "device": model.device,
        "dtype": str(next(model.network.parameters()).dtype).removeprefix("torch."),
        "tie_word_embeddings": json.loads(json.dumps(model.network.config.get_text_config().tie_word_embeddings)),
    }
