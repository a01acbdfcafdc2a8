"""LiteToken: drop the residues of merging, tokens that were only ever stations on the way to a few longer ones."""

import math
from collections import defaultdict

from pydantic import Field

from tokkit import _core
from tokkit.progress import Progress
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import MergeTrainer


@TRAINERS.register("litetoken")
class LiteToken(MergeTrainer):
    """Plain BPE without tokens that hardly stand for themselves and have few partners (LiteToken, 2026).

    R(t) = F1 / (F1 + F2): F1 uses of t in the final segmentation, F2 uses that later merges consumed. A residue has a
    low R and a low entropy of what it was merged with (side and partner, in bits, weighted by use).

    Encoding is plain BPE, then a residue falls into the tokens it was made of, and a word that fell apart is merged
    again, by the merges of tokens that stay. The paper is known to us at second hand: it merges again, the order is
    ours. `vocab_size` is the size before pruning.
    """

    class Config(MergeTrainer.Config):
        """`MergeTrainer.Config` and the bounds."""

        max_final_share: float = Field(0.05, ge=0, le=1, description="residues have R = F1 / (F1 + F2) up to this")
        max_entropy: float = Field(1.0, ge=0, description="residues have partners of at most so many bits")
        remerge: bool = Field(True, description="merge again where a residue was taken apart")

    config: Config
    default_inference = "exact"

    def run(self, session: _core.TrainSession, *, progress: Progress) -> bool:
        """See `MergeTrainer.run`."""
        self._partners: dict[int, dict[tuple[bool, int], int]] = defaultdict(lambda: defaultdict(int))
        is_reached = super().run(session, progress=progress)
        for token in range(session.n_tokens):
            if session.parents(token) is not None and self._is_residue(token, session.frequency(token)):
                session.flag(token)
        return is_reached

    def after_merge(
        self,
        session: _core.TrainSession,
        left: int,
        right: int,
        token: int,
        count: int,
        replaced: int,
        grew: bool,
    ) -> None:
        """Notes who consumed whom, and how often."""
        self._partners[left][True, right] += replaced
        self._partners[right][False, left] += replaced

    def _is_residue(self, token: int, final: int) -> bool:
        consumed = list(self._partners[token].values())
        total = sum(consumed)
        if not total or final / (final + total) > self.config.max_final_share:
            return False
        return -sum(n / total * math.log2(n / total) for n in consumed) <= self.config.max_entropy
