"""Is a model plain merging? The formats of other programs can say nothing else exactly."""

import numpy as np

from tokkit.errors import TokenizerError
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.model.vocab import merged_specials, output_ids


def require_plain(model: Model, target: str, *, modes: tuple[str, ...] = ("merge",)) -> None:
    """Checks that the log holds merges only and that they are applied by rank.

    Raises:
        TokenizerError: the model needs more than `target` can say.
    """
    others = model.events.kind[(model.events.kind != Kind.MERGE) & (model.events.kind != Kind.ADMIT)]
    if len(others):
        name = Kind(int(others[0])).name.lower()
        raise TokenizerError(
            f"{target}: a {model.method} model whose log holds {len(others)} {name} events has no exact form there",
            hint="use the artefact with tokkit itself",
        )
    # What a log of merges means is merging by rank.
    if ("merge" if model.inference == "exact" else model.inference) not in modes:
        raise TokenizerError(
            f"{target}: inference `{model.inference}` has no exact form there",
            hint="use the artefact with tokkit itself",
        )


def require_rank_is_id(model: Model, target: str) -> None:
    """Checks that the format's only order, ids, says the order of the merges: byte unit, layout tokkit, no collisions.

    Raises:
        TokenizerError: names what stands in the way.
    """
    # "Join the neighbours whose concatenation has the lowest rank" is how these programs encode.
    require_plain(model, target, modes=("merge", "vocab_rank"))
    if model.alphabet.unit != "byte" or model.alphabet.prefix or model.alphabet.suffix:
        raise TokenizerError(
            f"{target}: only byte-level models without prefix and suffix fit, got unit `{model.alphabet.unit}`",
            hint="train with --unit byte, or export to hf",
        )
    shared = merged_specials(model)
    if shared:
        name = model.specials[min(shared)]
        raise TokenizerError(f"{target}: special token {name!r} is also made by merges, which gives it two places")
    if model.user_defined:
        raise TokenizerError(
            f"{target}: {min(model.user_defined)!r} counts in every text, but special tokens there only if allowed",
            hint="export to hf",
        )
    if model.normalizer is not None:
        raise TokenizerError(f"{target}: normalizer `{model.normalizer}` has no place there", hint="export to hf")
    if model.ids is None and model.layout == "tokkit":
        return
    made = output_ids(model)[model.events.token[model.events.kind == Kind.MERGE]].astype(np.int64)
    if model.n_byte_tokens or (len(made) and bool((np.diff(made) <= 0).any())):
        raise TokenizerError(
            f"{target}: ids must rise in the order of merges, layout `{model.layout}` does not",
            hint="use --layout tokkit",
        )
