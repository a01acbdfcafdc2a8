"""A model whose tokens were admitted as they are, without merges: phrases and spans."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tokkit.counts import CountTable
from tokkit.model.events import Events, Kind
from tokkit.model.model import Alphabet, Layout, Model
from tokkit.trainers.alphabet import byte_atoms, lay_ground


def admitted_model(
    method: str,
    counts: CountTable,
    tokens: Sequence[bytes],
    uses: Sequence[int],
    *,
    specials: Sequence[str],
    layout: Layout,
    inference: str,
    exhausted: bool,
    config: dict[str, Any],
    prefix: str = "",
) -> Model:
    """The 256 bytes and `tokens`, one ADMIT event each with its uses; text is read by `inference`.

    With a `prefix` the bytes begin a pretoken only; tokens for other places have it in front.

    Raises:
        UsageError: an empty or repeated special token.
    """
    ground = lay_ground("byte", specials, byte_tokens=False, atoms=byte_atoms("codepoint"))
    first, n = len(ground.tokens), len(tokens)
    events = Events(
        kind=np.full(n, Kind.ADMIT, np.uint8),
        token=np.arange(first, first + n, dtype=np.uint32),
        left=np.zeros(n, np.uint32),
        right=np.zeros(n, np.uint32),
        count=np.asarray(uses, np.uint64),
        pieces=np.zeros(0, np.uint32),
        piece_offsets=np.zeros(n + 1, np.uint64),
    )
    return Model(
        method=method,
        pretokenizer=counts.pretokenizer or "none@1",
        alphabet=Alphabet(prefix=prefix),
        specials=tuple(specials),
        n_byte_tokens=ground.n_byte_tokens,
        n_atoms=ground.n_atoms,
        tokens=(*ground.tokens, *tokens),
        events=events,
        layout=layout,
        inference=inference,
        exhausted=exhausted,
        config=config,
    )
