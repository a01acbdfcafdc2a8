"""A tokenizer mode `tokkit` for vLLM: the exact encoder of an artefact without remote code.

`vllm serve MODEL --tokenizer MYTOK --tokenizer-mode tokkit` finds it by the entry point `vllm.general_plugins`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import TokenizerError

if TYPE_CHECKING:
    from tokkit.export.tokenization_tokkit import TokkitTokenizer

MODE = "tokkit"


def register() -> None:
    """Tells vLLM of the mode; does nothing in versions without a registry."""
    try:
        from vllm.tokenizers import TokenizerRegistry  # type: ignore[import-not-found]  # its plug-in, not our need
    except ImportError:
        return
    TokenizerRegistry.register(MODE, __name__, "VllmTokenizer")


class VllmTokenizer:
    """Makes a `transformers` tokenizer of an exported or artefact folder; its code is ours, not the folder's."""

    @classmethod
    def from_pretrained(
        cls,
        path_or_repo_id: str | Path,
        *arguments: Any,
        trust_remote_code: bool = False,  # noqa: ARG003 - vLLM passes it
        revision: str | None = None,
        download_dir: str | None = None,
        **options: Any,
    ) -> "TokkitTokenizer":
        """The tokenizer of a folder or hub id that holds tokkit_encoder.json.

        `trust_remote_code` changes nothing: no code of the folder is run.

        Raises:
            TokenizerError: a folder without tokkit_encoder.json.
        """
        from tokkit.export.tokenization_tokkit import ENCODER_FILE, TokkitTokenizer

        folder = Path(path_or_repo_id)
        if folder.is_dir() and not (folder / ENCODER_FILE).exists():
            raise TokenizerError(
                f"{folder}: no {ENCODER_FILE}",
                hint="its plain files are exact: leave out --tokenizer-mode; or `tokkit export --to hf-loader`",
            )
        if revision is not None:
            options["revision"] = revision
        loaded: TokkitTokenizer = TokkitTokenizer.from_pretrained(
            str(path_or_repo_id), *arguments, cache_dir=download_dir, **options
        )
        return loaded
