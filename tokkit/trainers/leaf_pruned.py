"""Leaf-pruned BPE: train too large a vocabulary, then take away the rarest tokens that nothing is made of."""

from dataclasses import replace

from pydantic import Field

from tokkit.counts import CountTable
from tokkit.errors import UsageError
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import MergeTrainer
from tokkit.trainers.prune import PruneConfig, prune


@TRAINERS.register("leaf-pruned")
class LeafPruned(MergeTrainer):
    """Plain BPE, pruned to the size asked for by leaves, rarest first (Purason et al., 2025).

    No token that stays becomes unreachable, so the result is plain BPE and every export of it is exact.
    `tokkit prune` does the same to a vocabulary that is there already.
    """

    class Config(MergeTrainer.Config):
        """`MergeTrainer.Config` and the size to start from."""

        grow_to: float = Field(1.25, gt=1, le=16, description="train this many times vocab_size before pruning")

    config: Config

    def train(self, counts: CountTable, *, progress: Progress = silent) -> Model:
        """See `Trainer.train`."""
        config = self.config
        if config.inference not in (None, "merge", "exact"):
            raise UsageError(f"leaf-pruned is read by its merges, got inference `{config.inference}`")
        large = config.model_copy(update={"vocab_size": int(config.vocab_size * config.grow_to), "inference": None})
        model = MergeTrainer.train(type(self)(large), counts, progress=progress)
        if int(model.present.sum()) > config.vocab_size:
            model, _ = prune(model, counts, config=PruneConfig(vocab_size=config.vocab_size))
        return replace(model, config=config.model_dump(mode="json"))
