"""Supertokens: BPE over chunks that spaces end only by chance."""

from dataclasses import replace

from pydantic import Field

from tokkit import _core
from tokkit.corpus.read import Inputs
from tokkit.counts import CountConfig, CountTable
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import Bpe
from tokkit.trainers.superbpe import SCHEMES, Generation
from tokkit.trainers.superword import SuperwordTrainer, count_cut


@TRAINERS.register("supertoken")
class SuperToken(SuperwordTrainer):
    """Words are joined by chance while training, and never cut at spaces while encoding (tokkit's own definition).

    The supertokens of TokenAdapt (Sharthak et al., 2025) were trained by a program that was never published; this is
    what its description allows. Text i is walked with splitmix64 seeded by seed XOR i. A boundary between pretokens is
    a cut when the next does not begin with a space, or with probability `p_cut`, or after `max_words`
    pretokens. BPE then learns from the chunks, and encodes what the second-stage regex of SuperBPE leaves.
    """

    class Config(SuperwordTrainer.Config):
        """How chunks are cut, and BPE's lower bound."""

        min_frequency: int = Field(0, ge=0, description="stop when the best pair is rarer than this")
        generation: Generation = Field("paper", description="regexes of SuperBPE's scripts: until 10/2025, or since")
        p_cut: float = Field(0.5, ge=0, le=1, description="probability that a space ends a chunk")
        max_words: int = Field(4, ge=1, description="most pretokens in a chunk")
        seed: int = Field(0, ge=0, description="seed of the cuts")

    config: Config
    reads_twice = False

    def default_pretokenizer(self) -> str:
        """The scheme whose pretokens are joined."""
        return SCHEMES[self.config.generation][0]

    def count_words(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """The chunks of the corpus.

        Raises: as `tokkit.counts.count`.
        """
        options = self.config
        scheme = self.default_pretokenizer()
        cuts = _core.ChanceCuts(scheme, p_cut=options.p_cut, max_words=options.max_words, seed=options.seed)
        return count_cut(inputs, cuts.cut, label=scheme, config=config, progress=progress)

    def count_again(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """The same as `count_words`: these chunks are all that is learned from."""
        return self.count_words(inputs, config=config, progress=progress)

    def train(self, counts: CountTable, *, again: CountTable | None = None, progress: Progress = silent) -> Model:
        """Plain BPE on the chunks of `counts`."""
        config = self.config
        options = Bpe.Config(
            vocab_size=config.vocab_size,
            special_tokens=config.special_tokens,
            min_frequency=config.min_frequency,
            layout=config.layout,
        )
        model = Bpe(options).train(counts, progress=progress)
        scheme = SCHEMES[config.generation][1]
        return replace(model, method=self.method_name(), pretokenizer=scheme, config=self.lasting_config())
