"""BoundlessBPE and its SuperBPE: superwords over whole words, beside words or after them."""

from pydantic import Field

from tokkit.counts import CountTable
from tokkit.model.events import Kind
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers.base import TRAINERS
from tokkit.trainers.whole_words import WholeWordTrainer, Words


@TRAINERS.register("superbpe-pretoken")
class SuperBpePretoken(WholeWordTrainer):
    """Words up to the transition, then superwords over whole words (the SuperBPE of Schmidt et al., 2025)."""

    class Config(WholeWordTrainer.Config):
        """Where the phases meet."""

        transition: float = Field(0.8, gt=0, le=1, description="share of the vocabulary that are words")
        n_superwords: int | None = Field(None, ge=0, description="superwords to learn, instead of `transition`")

    config: Config

    def train(self, counts: CountTable, *, again: CountTable | None = None, progress: Progress = silent) -> Model:
        """Learns from words and runs; see `SuperwordTrainer.train`."""
        config = self.config
        size = config.vocab_size - len(config.special_tokens)
        n_words = (
            max(256, round(config.transition * size)) if config.n_superwords is None else size - config.n_superwords
        )
        self.check(counts, n_words + len(config.special_tokens))
        words = self.learn_words(counts, n_words, progress=progress)
        superwords = self.superwords(words, again, progress)
        vocabulary = dict.fromkeys(words.vocabulary)
        while len(vocabulary) < size and superwords.best_count() > 0:
            progress("merge superwords", len(vocabulary), size)
            vocabulary.setdefault(superwords.merge())
        return self.model(
            tuple(superwords.tokens),
            words.events,
            tuple(vocabulary),
            tuple(superwords.events),
            is_reached=len(vocabulary) >= size,
        )


@TRAINERS.register("boundless")
class Boundless(WholeWordTrainer):
    """Words and superwords in one vocabulary, the more frequent merge first (Schmidt et al., COLM 2025).

    All words are learned first. Then the vocabulary begins anew with the bytes: the next word merge, with the count it
    had, stands against the best superword; the word wins ties. Deviation from the authors' code, unless `reference`:
    when no superword is left the words go on until the vocabulary is full.
    """

    def train(self, counts: CountTable, *, again: CountTable | None = None, progress: Progress = silent) -> Model:
        """Learns from words and runs; see `SuperwordTrainer.train`."""
        config = self.config
        size = config.vocab_size - len(config.special_tokens)
        self.check(counts, config.vocab_size)
        words = self.learn_words(counts, size, progress=progress)
        superwords = self.superwords(words, again, progress)
        vocabulary = dict.fromkeys(range(256))
        n_events = 0
        while len(vocabulary) < size:
            progress("merge superwords", len(vocabulary), size)
            n_events = _leave(words, n_events, vocabulary)
            best = superwords.best_count()
            word = words.events[n_events] if n_events < len(words.events) else None
            if best > (-1 if word is None else word.count):
                vocabulary.setdefault(superwords.merge())
            elif word is not None:
                vocabulary.setdefault(word.token)
                n_events = _leave(words, n_events + 1, vocabulary)
            else:
                break
            if config.reference and superwords.best_count() < 0:
                break
        return self.model(
            tuple(superwords.tokens),
            words.events[:n_events],
            tuple(vocabulary),
            tuple(superwords.events),
            is_reached=len(vocabulary) >= size,
        )


def _leave(words: Words, n_events: int, vocabulary: dict[int, None]) -> int:
    """Takes out the tokens that leave next; the number of events done then."""
    while n_events < len(words.events) and words.events[n_events].kind == Kind.SPLIT:
        vocabulary.pop(words.events[n_events].token, None)
        n_events += 1
    return n_events
