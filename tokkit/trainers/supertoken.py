"""Supertokens: BPE over chunks that spaces end only by chance."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from pydantic import Field

from tokkit import _core
from tokkit.corpus.batch import read_offsets
from tokkit.corpus.read import Inputs, read
from tokkit.counts import CountConfig, CountTable
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import Bpe
from tokkit.trainers.superbpe import SCHEMES, Generation
from tokkit.trainers.superword import SuperwordTrainer

_MASK = (1 << 64) - 1


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
        config = config or CountConfig()
        scheme = self.default_pretokenizer()
        counts: Counter[bytes] = Counter()
        corpus = read(inputs, options=config.source)
        place = 0
        for batch in corpus.batches(progress):
            offsets = read_offsets(batch.offsets)
            for start, end in pairwise(offsets):
                text = bytes(batch.blob[start:end])
                pretokens = [text[low:high] for low, high in _core.pretokenize(text, scheme)]
                for chunk in self.chunks(pretokens, place):
                    counts[chunk] += int(batch.weight)
                place += 1
        table = CountTable.from_items(counts.items(), pretokenizer=scheme)
        table.report = corpus.report
        return table

    def count_again(
        self, inputs: Inputs, *, config: CountConfig | None = None, progress: Progress = silent
    ) -> CountTable:
        """The same as `count_words`: these chunks are all that is learned from."""
        return self.count_words(inputs, config=config, progress=progress)

    def chunks(self, pretokens: list[bytes], place: int) -> list[bytes]:
        """The chunks of text number `place`."""
        config = self.config
        random = SplitMix64(config.seed ^ place)
        # A cut is drawn for each boundary before a space, taken or not, so that caps shift nothing.
        bound = round(config.p_cut * (1 << 53))
        made: list[bytes] = []
        n_words = 0
        for pretoken in pretokens:
            is_cut = not pretoken.startswith(b" ") or random.next() >> 11 < bound or n_words >= config.max_words
            if is_cut or not made:
                made.append(pretoken)
                n_words = 1
            else:
                made[-1] += pretoken
                n_words += 1
        return made

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


class SplitMix64:
    """The generator of Steele, Lea and Flood (2014): 64 bits a step, the same on every machine."""

    def __init__(self, seed: int) -> None:
        self.state = seed & _MASK

    def next(self) -> int:
        """The next number below 2^64.

        >>> hex(SplitMix64(0).next())
        '0xe220a8397b1dcdaf'
        """
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)
