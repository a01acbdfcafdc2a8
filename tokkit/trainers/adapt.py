"""Specialise a tokenizer to a domain: rare tokens make room for n-grams of the others (AdaptiVocab)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tokkit.errors import InputError, TokenizerError, UsageError
from tokkit.model.adapted import AdaptedTokenizer, NewToken
from tokkit.model.tokenizer import Tokenizer
from tokkit.progress import Progress, silent
from tokkit.spec import Spec
from tokkit.trainers.ngrams import Ngram, choose_ngrams


class AdaptConfig(Spec):
    """How many tokens change places, and which n-grams may come."""

    n_new: int = Field(1000, ge=1, description="tokens to replace by n-grams")
    max_n: int = Field(3, ge=2, le=16, description="longest n-gram, in tokens")
    cross_words: bool = Field(False, description="n-grams may reach across spaces")
    by_length: bool = Field(False, description="rank by count times length (code) instead of what an n-gram saves")
    min_overlap: int = Field(3, ge=1, description="overlaps rarer than this are not subtracted")
    grow: bool = Field(False, description="give n-grams new ids and remove nothing")


def adapt(
    base: Tokenizer, texts: Sequence[str], *, config: AdaptConfig | None = None, progress: Progress = silent
) -> AdaptedTokenizer:
    """The tokenizer for the domain of `texts` (Nakash et al., 2025).

    The `n_new` rarest tokens leave, but for specials, single bytes and single characters; each falls into the tokens
    that it was made of. Their ids go to the n-grams that save the most, the best to the smallest id. With `grow`
    nothing leaves, and n-grams get the ids after the largest. N-grams of digits only never come.

    Raises:
        InputError: no text. TokenizerError: a vocabulary whose tokens have no parts. UsageError: nothing to replace.
    """
    config = config or AdaptConfig()
    rows = base.encode_batch(list(texts))
    if len(rows.ids) == 0:
        raise InputError("there is no text to adapt to", hint="check the inputs")
    removed = {} if config.grow else rare_tokens(base, rows.ids, config.n_new)
    if not removed and not config.grow:
        raise UsageError("no token can be replaced: all are bytes, characters or specials", hint="use --grow")
    progress("count n-grams", 0, len(rows))
    sequences = AdaptedTokenizer(base, removed, ()).encode_batch(list(texts)).lists()
    spelled = {token: base.token_bytes(token) for token in {token for row in sequences for token in row}}
    specials = set(base.specials.values())

    def is_wanted(ngram: Ngram[int]) -> bool:
        parts = [spelled[token] for token in ngram]
        if specials.intersection(ngram) or all(part.isdigit() for part in parts):
            return False
        return config.cross_words or not any(part.startswith((b" ", "▁".encode())) for part in parts[1:])

    n_new = config.n_new if config.grow else len(removed)
    chosen = choose_ngrams(
        sequences,
        n_new=n_new,
        max_n=config.max_n,
        n_candidates=5 * (base.vocab_size + (n_new if config.grow else 0)),
        is_wanted=is_wanted,
        min_overlap=config.min_overlap,
        is_saving=not config.by_length,
    )
    free = range(base.vocab_size, base.vocab_size + n_new) if config.grow else sorted(removed)
    new = [NewToken(token, ngram, count) for token, (ngram, count) in zip(free, chosen, strict=False)]
    return AdaptedTokenizer(base, removed, new)


def rare_tokens(base: Tokenizer, ids: NDArray[np.uint32], n: int) -> dict[int, tuple[int, ...]]:
    """The `n` rarest tokens with the tokens that they fall into; of equally rare ones the largest ids.

    Raises:
        TokenizerError: the tokenizer does not say what its tokens are made of.
    """
    parents: dict[int, tuple[int, int]] = {}
    for left, right, token in base.tables.merges.tolist():
        parents.setdefault(token, (left, right))
    if not parents:
        raise TokenizerError("the tokenizer has no merges, so its tokens cannot be taken apart")
    counts = np.bincount(ids, minlength=base.vocab_size)
    reserved = base.tables.reserved

    def is_open(token: int) -> bool:
        if token in reserved or token not in parents:
            return False
        spelled = base.token_bytes(token)
        return len(spelled) > 1 and len(spelled.decode("utf-8", "replace")) > 1

    ranked = sorted((token for token in base.ids if is_open(token)), key=lambda token: (counts[token], -token))
    gone = set(ranked[:n])
    pieces: dict[int, tuple[int, ...]] = {}

    def fall(token: int) -> tuple[int, ...]:
        # Parts are made before what they make, so this ends; the depth is that of the merge tree.
        if token not in gone:
            return (token,)
        if token not in pieces:
            left, right = parents[token]
            pieces[token] = (*fall(left), *fall(right))
        return pieces[token]

    for token in gone:
        fall(token)
    return pieces
