"""Tokenizer files from the hub, through huggingface_hub and its cache; nothing else is fetched."""

import logging
from pathlib import Path
from typing import Final

from tokkit.errors import MissingExtraError, NetworkError

log = logging.getLogger(__name__)

# Names, not patterns of weights: a tokenizer must never cost gigabytes.
_WANTED: Final = (
    "tokkit.json",
    "events.parquet",
    "vocab.txt",
    "recipe.lock.toml",
    "README.md",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tekken.json",
    "*.tiktoken",
    "tokkit_encoding.json",
)


def download(repository: str, revision: str | None) -> Path:
    """The local folder with the tokenizer files of a hub repository at a revision (branch, tag or commit).

    HF_HUB_OFFLINE, HF_ENDPOINT, HF_HOME and HF_TOKEN have their usual meaning.

    Raises:
        NetworkError: offline and not in the cache, no connection, or no such repository or revision.
    """
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingExtraError(
            f"huggingface_hub is needed to load {repository}", hint="pip install huggingface_hub"
        ) from error

    try:
        folder = huggingface_hub.snapshot_download(repository, revision=revision, allow_patterns=list(_WANTED))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        # The first line only: what follows may hold request headers.
        message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise NetworkError(
            f"{repository}: cannot be had from the hub: {message}",
            hint="check the name, the connection and HF_HUB_OFFLINE; a local tokenizer is named by its path",
        ) from error
    log.info("%s at %s", repository, Path(folder).name)
    return Path(folder)
