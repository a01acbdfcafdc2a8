"""Picky BPE: drop a parent token once nearly all of its uses lie inside a longer one."""

from typing import Literal

from pydantic import Field

from tokkit import _core
from tokkit.counts import CountTable
from tokkit.errors import UsageError
from tokkit.progress import Progress
from tokkit.trainers.alphabet import Ground, characters_in_order, cut_to_coverage, lay_ground
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import MergeTrainer

Comparison = Literal[">", ">="]
SelfPairIos = Literal["reference", "paper"]
AtomOrder = Literal["codepoint", "first"]
Engine = Literal["rust", "python"]
EVENTS_PER_TOKEN = 50
"""Events that training may log for each token asked for before it is given up."""


@TRAINERS.register("picky")
class Picky(MergeTrainer):
    """Drop a parent token once nearly all of its uses lie inside a longer one (Chizhov et al., 2024).

    After a merge of l and r into t that replaced m pairs, each parent x that is no atom has
    IoS(x) = m / (f(x) + m), f(x) its uses that are left; above the threshold x leaves the vocabulary and each use
    falls into the tokens that x was made of. A removed token comes back when a merge spells it again. Encoding replays
    merges and splits in order.

    The event order is that of the authors' code (pchizhov/picky_bpe) with its defects mended: ties are total, pair
    counts exact, the vocabulary full, no merge makes a special token, coverage never empties the alphabet.
    """

    class Config(MergeTrainer.Config):
        """`MergeTrainer.Config` and what decides removals."""

        threshold: float = Field(0.9, gt=0, le=1, description="intersection over self at which a parent is removed")
        comparison: Comparison = Field(">", description="remove above the threshold (code) or also at it (paper)")
        self_pair_ios: SelfPairIos = Field(
            "reference", description="uses of x in a pair x x: left ones plus merges (code), or all before (paper)"
        )
        coverage: float = Field(1.0, gt=0, le=1, description="share of the text that the alphabet covers (unit char)")
        atom_order: AtomOrder = Field("codepoint", description="ids of characters: code point, or first appearance")
        max_events: int | None = Field(None, ge=1, description=f"give up after so many ({EVENTS_PER_TOKEN} a token)")
        engine: Engine = Field("rust", description="who decides: compiled policy or the Python hook, same events")

    config: Config
    default_inference = "exact"
    can_split = True
    keeps_specials = True

    def lay_ground(self, counts: CountTable) -> Ground:
        """See `MergeTrainer.lay_ground`; with `coverage` or `atom_order` the alphabet is chosen as the authors do."""
        config = self.config
        if config.coverage == 1 and config.atom_order == "codepoint":
            return super().lay_ground(counts)
        if config.unit != "char":
            raise UsageError("coverage and atom_order are for unit `char`: every byte is in a byte-level alphabet")
        if config.limit_alphabet or config.continuing_subword_prefix or config.end_of_word_suffix:
            raise UsageError("coverage and atom_order do not go with limit_alphabet, prefix or suffix")
        if config.atom_order == "first":
            characters = characters_in_order(counts)
        else:
            characters = [(text, count) for text, count, _ in _core.character_counts(counts.raw)]
        kept = cut_to_coverage(characters, config.coverage)
        extra = [text for text in config.initial_alphabet if text not in kept]
        return lay_ground("char", config.special_tokens, self._has_byte_tokens(), [c.encode() for c in kept + extra])

    def blocks_unknown(self) -> bool:
        """An unknown character is a token of its own (or bytes), so its neighbours never meet."""
        return self.config.unknown != "drop"

    def max_events(self) -> int:
        """The length of the log at which training is given up."""
        return self.config.max_events or EVENTS_PER_TOKEN * self.config.vocab_size

    def run(self, session: _core.TrainSession, *, progress: Progress) -> bool:
        """See `MergeTrainer.run`.

        Raises:
            UsageError: removing and making tokens goes round in circles.
        """
        config = self.config
        if config.engine == "python":
            return super().run(session, progress=progress)
        return _core.run_picky(
            session,
            config.vocab_size,
            threshold=config.threshold,
            comparison=config.comparison,
            self_pair_ios=config.self_pair_ios,
            max_events=self.max_events(),
            progress=progress,
        )

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
        """Looks at both parents, each as the one before it left the segmentation."""
        for parent in (left,) if left == right else (left, right):
            if session.parents(parent) is not None and self._is_over(
                session.frequency(parent), replaced, is_self_pair=left == right
            ):
                session.remove(parent)
        if session.n_events > self.max_events():
            raise UsageError(
                f"picky: {session.n_events} events and the vocabulary has {session.n_present} tokens: removing and "
                "making tokens goes round in circles; raise threshold or max_events"
            )

    def _is_over(self, rest: int, replaced: int, *, is_self_pair: bool) -> bool:
        config = self.config
        uses = rest + (2 * replaced if is_self_pair and config.self_pair_ios == "paper" else replaced)
        ratio = replaced / uses
        return ratio >= config.threshold if config.comparison == ">=" else ratio > config.threshold
