"""The rules of sentencepiece's BPE trainer (Kudo and Richardson, 2018; `bpe_model_trainer.cc`).

They differ from HF's in the alphabet (characters by frequency up to a coverage; the rest block merges), in which
pieces are allowed, in the tie rule (shortest, then smallest piece), and in that a piece reached by a second route is
dropped instead of merged.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tokkit import _core
from tokkit.counts import CountTable
from tokkit.errors import UsageError

DEFAULT_SPECIALS = ("<unk>", "<s>", "</s>")
"""Meta pieces that sentencepiece adds when none are named: unknown, begin, end of sentence."""

_NEVER_IN_ALPHABET = frozenset("\0\t ")


def required_characters(counts: CountTable, coverage: float) -> list[str]:
    """Characters of the alphabet by falling count, ties by code point, until their share reaches `coverage`.

    The shares are compared in single precision, as sentencepiece does.
    """
    seen = [(text, count) for text, count, _ in _core.character_counts(counts.raw) if text not in _NEVER_IN_ALPHABET]
    total = sum(count for _, count in seen)
    kept: list[str] = []
    taken = 0
    for text, count in sorted(seen, key=lambda item: (-item[1], item[0])):
        if np.float32(taken / total) >= np.float32(coverage):
            break
        taken += count
        kept.append(text)
    return kept


def piece_scores(n_meta: int, n_characters: int, n_tokens: int) -> NDArray[np.float64]:
    """Scores by internal id: meta pieces 0, merges 0, -1, -2, … in order, then characters below them; [n_tokens]."""
    scores = np.zeros(n_tokens)
    n_made = n_tokens - n_meta - n_characters
    scores[n_meta : n_meta + n_characters] = -(n_made + np.arange(n_characters))
    scores[n_meta + n_characters :] = -np.arange(n_made)
    return scores


def check_options(unit: str, tie: str, specials: Sequence[str], unk_token: str | None) -> None:
    """Refuses options that sentencepiece has no counterpart of."""
    if unit != "char":
        raise UsageError("rules: `sentencepiece` works on characters", hint="add --unit char")
    if tie not in ("hf", "shortest"):
        raise UsageError(f"tie: the rules of sentencepiece have their own, got `{tie}`", hint="leave --tie out")
    if unk_token is not None and unk_token not in specials:
        raise UsageError(f"unk_token: {unk_token!r} is not among special_tokens", hint="add it there")
