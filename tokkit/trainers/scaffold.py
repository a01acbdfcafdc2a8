"""Scaffold-BPE: tokens that are rarer than what would be merged next serve merging only."""

from heapq import heappop, heappush

from pydantic import Field

from tokkit import _core
from tokkit.progress import Progress
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.bpe import MergeTrainer
from tokkit.trainers.picky import Engine


@TRAINERS.register("scaffold")
class Scaffold(MergeTrainer):
    """Plain BPE run longer; parents that became rare keep merging but leave the vocabulary (Lian et al., AAAI 2025).

    The queue holds pairs by count and flagged tokens by frequency. A pair at its head is merged; then each parent
    rarer than the new head is flagged. A flagged token at its head gets its flag taken back. Encoding is plain BPE over
    all merges, and then every flagged token falls into the tokens it was made of (Algorithm 2).

    The paper says nothing of atoms and special tokens: they are never flagged.
    """

    class Config(MergeTrainer.Config):
        """`MergeTrainer.Config` and the engine."""

        engine: Engine = Field("rust", description="who decides: compiled policy or Python, same events")

    config: Config
    default_inference = "exact"

    def session_min_frequency(self) -> int:
        """None: parents are held against the head of the queue whatever its frequency."""
        return 0

    def run(self, session: _core.TrainSession, *, progress: Progress) -> bool:
        """See `MergeTrainer.run`; the size counts tokens without a flag."""
        config = self.config
        if config.engine == "rust":
            return _core.run_scaffold(session, config.vocab_size, min_frequency=config.min_frequency, progress=progress)
        flagged: list[tuple[int, int]] = []
        while session.n_present < config.vocab_size:
            progress("merge", session.n_present, config.vocab_size)
            if not self._step(session, flagged):
                return False
        return True

    def _step(self, session: _core.TrainSession, flagged: list[tuple[int, int]]) -> bool:
        token, pair = _best_flagged(session, flagged), session.best()
        frequency = session.frequency(token) if token is not None else 0
        if max(frequency, pair[2] if pair else 0) < max(1, self.config.min_frequency):
            return False
        if token is not None and (pair is None or frequency >= pair[2]):
            heappop(flagged)
            session.unflag(token)
            return True
        assert pair is not None  # a head there is, and it is no token
        left, right, _ = pair
        session.merge(left, right)
        # The head after the merge: the one before it would flag too much.
        token, pair = _best_flagged(session, flagged), session.best()
        head = max(session.frequency(token) if token is not None else 0, pair[2] if pair else 0)
        for parent in (left,) if left == right else (left, right):
            frequency = session.frequency(parent)
            if session.parents(parent) is not None and session.is_present(parent) and frequency < head:
                session.flag(parent)
                if frequency:
                    heappush(flagged, (-frequency, parent))
        return True


def _best_flagged(session: _core.TrainSession, flagged: list[tuple[int, int]]) -> int | None:
    """The most frequent flagged token; entries are corrected where merges used some of its occurrences."""
    while flagged:
        stored, token = flagged[0]
        frequency = session.frequency(token)
        if frequency == -stored and frequency and not session.is_present(token):
            return token
        heappop(flagged)
        if frequency and not session.is_present(token):
            heappush(flagged, (-frequency, token))
    return None
