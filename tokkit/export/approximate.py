"""Plain tokenizer.json of models that have no exact one: same ids, read greedily or with ghosts; lossy.

Chosen before a model is trained (`--inference greedy` or `ghost`) they are exact by definition; for a model that
is trained already they change what it reads, by the share that `fidelity` measures.
"""

from collections.abc import Mapping
from pathlib import Path

from tokkit.export import EXPORTERS, hf
from tokkit.model.inference import with_inference
from tokkit.model.model import Model


@EXPORTERS.register("hf-greedy")
def export_greedy(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:
    """tokenizer.json that takes the longest token from the left (WordPiece without prefix): no token is unreachable.

    Raises:
        TokenizerError: the pre-tokenizer has no form in tokenizer.json.
    """
    return hf.export(with_inference(model, "greedy"), folder, roles=roles)


@EXPORTERS.register("hf-ghost")
def export_ghost(model: Model, folder: Path, *, roles: Mapping[str, str] | None = None) -> list[Path]:
    """tokenizer.json with all merges of the log; tokens that left the vocabulary have ids after it and can come out.

    Raises:
        TokenizerError: the pre-tokenizer has no form in tokenizer.json.
    """
    return hf.export(with_inference(model, "ghost"), folder, roles=roles)
