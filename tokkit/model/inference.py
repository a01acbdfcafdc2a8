"""Another way to read the same vocabulary, chosen before a model is trained on it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokenizerError, UsageError
from tokkit.model.model import Model
from tokkit.model.program import is_plain
from tokkit.model.tables import INFERENCES
from tokkit.model.vocab import NOT_IN_VOCAB, output_ids

if TYPE_CHECKING:
    from tokkit.counts import CountTable

Inference = Literal[
    "exact",
    "greedy",
    "ghost",
    "merge",
    "vocab_rank",
    "longest_prefix",
    "longest_suffix",
    "longest_token",
    "least_tokens",
    "likelihood",
]
"""`exact`: what the log means. `greedy`: longest prefix. `ghost`: merges only, removed tokens keep ids, the last.
The rest are rules over the final vocabulary (Uzan et al., 2024)."""

UNUSED_ATOM_PENALTY: Final = 10.0
"""How far below the rarest token an atom lies that the text never uses."""


def with_inference(model: Model, inference: str, *, frequencies: NDArray[np.uint64] | None = None) -> Model:
    """The model, read by `inference`; ids stay the same, under `ghost` there are more of them.

    `frequencies` (uint64 [len(tokens)], by internal id) are the uses of each token in the training text; `likelihood`
    needs them unless the model has scores.

    Raises:
        UsageError: unknown inference, or `likelihood` without scores.
        TokenizerError: `merge` where merges alone do not say how to encode.
    """
    if inference not in INFERENCES:
        raise UsageError(f"unknown inference, got `{inference}`", hint="one of: " + ", ".join(INFERENCES))
    if inference == "merge" and not is_plain(model):
        raise TokenizerError(
            f"a {model.method} vocabulary is more than its merges: `merge` cannot read it",
            hint="exact: its own encoder; greedy or ghost: plain files of other programs",
        )
    if inference != "likelihood":
        return replace(model, inference=inference)
    if frequencies is None and model.scores is None:
        raise UsageError("inference `likelihood` needs to know how often tokens are used", hint="give --counts")
    scores = model.scores if frequencies is None else likelihood_scores(model, frequencies)
    return replace(model, inference=inference, scores=scores)


def likelihood_scores(model: Model, frequencies: NDArray[np.uint64]) -> NDArray[np.float64]:
    """log(uses / all uses) of each token; -inf for tokens never used, but atoms lie 10 below the rarest; [len(tokens)].

    Raises:
        UsageError: the text uses no token.
    """
    total = int(frequencies.sum())
    if total == 0:
        raise UsageError("inference `likelihood`: the counts use no token of the vocabulary")
    scores = np.full(len(frequencies), -np.inf)
    used = frequencies > 0
    scores[used] = np.log(frequencies[used].astype(np.float64) / total)
    atoms = np.zeros(len(frequencies), np.bool_)
    atoms[model.first_atom : model.first_made] = True
    scores[atoms & ~used] = scores[used].min() - UNUSED_ATOM_PENALTY
    return scores


def token_uses(model: Model, counts: "CountTable") -> NDArray[np.uint64]:
    """How often each token stands in the encoding of the table by the model itself; uint64 [len(tokens)]."""
    from tokkit.model.tokenizer import Tokenizer

    tokenizer = Tokenizer.from_model(replace(model, pretokenizer="none@1"))
    uses = np.zeros(tokenizer.vocab_size, np.uint64)
    for pretoken, count in counts:
        for token in tokenizer.encode_bytes(pretoken):
            uses[token] += np.uint64(count)
    ids = output_ids(model)
    in_vocab = ids != NOT_IN_VOCAB
    by_internal = np.zeros(len(ids), np.uint64)
    by_internal[in_vocab] = uses[ids[in_vocab]]
    return by_internal
