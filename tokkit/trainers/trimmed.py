"""Trimmed BPE: plain BPE, then all tokens that its encoding hardly uses leave the vocabulary at once."""

from pydantic import Field

from tokkit import _core
from tokkit.progress import Progress
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import MergeTrainer


@TRAINERS.register("trimmed")
class Trimmed(MergeTrainer):
    """Drop every token that the encoded training text uses at most so often (Cognetta et al., 2024).

    `vocab_size` is the size before trimming. Encoding is plain BPE, then a trimmed token falls into the tokens it was
    made of. Atoms and special tokens stay. The paper finds that it usually costs a little BLEU (second hand).
    """

    class Config(MergeTrainer.Config):
        """`MergeTrainer.Config` and the bound."""

        max_uses: int = Field(100, ge=0, description="tokens used at most so often are dropped")

    config: Config
    default_inference = "exact"

    def run(self, session: _core.TrainSession, *, progress: Progress) -> bool:
        """See `MergeTrainer.run`."""
        is_reached = super().run(session, progress=progress)
        for token in range(session.n_tokens):
            if session.parents(token) is not None and session.frequency(token) <= self.config.max_uses:
                session.flag(token)
        return is_reached
