"""The functions of the package's top level that take whatever a user has at hand: text, counts, tokenizers by name."""

from pathlib import Path
from typing import TYPE_CHECKING, Union

from tokkit.counts import CountConfig, CountTable, count
from tokkit.errors import TokenizerError
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers import TRAINERS
from tokkit.trainers.extend import ExtendConfig
from tokkit.trainers.extend import extend as extend_model
from tokkit.trainers.prune import PruneConfig
from tokkit.trainers.prune import prune as prune_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tokkit.corpus import Inputs
    from tokkit.model.tokenizer import Tokenizer
    from tokkit.trainers.superword import SuperwordTrainer

# A model, a tokenizer made from one, or where one lies (anything that `tokkit.load_tokenizer` reads).
Trained = Union[Model, "Tokenizer", str, Path]


def train(
    inputs_or_counts: "Inputs | CountTable",
    *,
    method: str = "bpe",
    pretokenizer: str | None = None,
    progress: Progress = silent,
    **options: object,
) -> Model:
    """Trains on texts (paths, sources, or an iterable of str) or on a count table.

    `options` are those of the method, see `tokkit.trainers.TRAINERS.get(method).Config`. `pretokenizer` is for texts,
    llama-bpe@1 unless the method has its own: a table says what cut it. Methods across words read the texts twice, so
    they want texts and no table.

    >>> import tokkit
    >>> counts = tokkit.CountTable.from_items([(b"low", 5), (b"lower", 2)], pretokenizer="none@1")
    >>> tokkit.train(counts, vocab_size=258).tokens[-2:]
    (b'lo', b'low')

    Raises:
        UsageError: an unknown method or pre-tokenizer, or options that cannot work.
        pydantic.ValidationError: an option out of its range; a ValueError.
        InputError: texts that are missing, empty or not UTF-8. ResourceError, NetworkError: as reading raises them.
    """
    from tokkit.trainers.superword import SuperwordTrainer

    trainer_class = TRAINERS.get(method)
    config = trainer_class.Config.model_validate(options)
    trainer = trainer_class(config)
    if isinstance(trainer, SuperwordTrainer) and not isinstance(inputs_or_counts, CountTable):
        return _train_on_texts(trainer, inputs_or_counts, pretokenizer, progress)
    table = _counted(inputs_or_counts, pretokenizer or "llama-bpe@1", config.special_tokens, None, progress)
    return trainer.train(table, progress=progress)


def extend(
    trained: Trained,
    inputs_or_counts: "Inputs | CountTable",
    *,
    protect: CountTable | None = None,
    progress: Progress = silent,
    **options: object,
) -> Model:
    """Learns more merges after those of `trained`; every old id stays. Options: `tokkit.trainers.extend.ExtendConfig`.

    Raises:
        As `tokkit.trainers.extend.extend`, and as loading and counting do.
    """
    model = model_of(trained)
    table = _counted(inputs_or_counts, model.pretokenizer, model.specials, model.normalizer, progress)
    config = ExtendConfig.model_validate(options)
    return extend_model(model, table, config=config, protect=protect, progress=progress)


def prune(
    trained: Trained,
    inputs_or_counts: "Inputs | CountTable | None" = None,
    *,
    progress: Progress = silent,
    **options: object,
) -> "tuple[Model, NDArray[np.uint32]]":
    """Drops tokens so that none of the others becomes unreachable. Options: `tokkit.trainers.prune.PruneConfig`.

    The second value gives the new id of each old one, `tokkit.model.vocab.NOT_IN_VOCAB` where it is gone.

    Raises:
        As `tokkit.trainers.prune.prune`, and as loading and counting do.
    """
    model = model_of(trained)
    table = None
    if inputs_or_counts is not None:
        table = _counted(inputs_or_counts, model.pretokenizer, model.specials, model.normalizer, progress)
    return prune_model(model, table, config=PruneConfig.model_validate(options))


def _train_on_texts(
    trainer: "SuperwordTrainer", inputs: "Inputs", pretokenizer: str | None, progress: Progress
) -> Model:
    from tokkit.corpus.read import rereadable

    if trainer.reads_twice:
        inputs = rereadable(inputs)
    config = CountConfig(specials=trainer.config.special_tokens)
    if pretokenizer is None:
        words = trainer.count_words(inputs, config=config, progress=progress)
    else:
        words = count(inputs, pretokenizer=pretokenizer, config=config, progress=progress)
    if not trainer.reads_twice:
        return trainer.train(words, progress=progress)
    again = trainer.count_again(inputs, config=config, progress=progress)
    return trainer.train(words, again=again, progress=progress)


def _counted(
    inputs_or_counts: "Inputs | CountTable",
    pretokenizer: str,
    specials: tuple[str, ...],
    normalizer: str | None,
    progress: Progress,
) -> CountTable:
    if isinstance(inputs_or_counts, CountTable):
        return inputs_or_counts
    config = CountConfig(specials=specials)
    return count(inputs_or_counts, pretokenizer=pretokenizer, normalizer=normalizer, config=config, progress=progress)


def model_of(trained: Trained) -> Model:
    """The model of a tokenizer that our encoder runs.

    Raises:
        TokenizerError: it needs another library, or has no model.
    """
    from tokkit.load import load_tokenizer
    from tokkit.model.tokenizer import Tokenizer

    if isinstance(trained, Model):
        return trained
    loaded = load_tokenizer(trained) if isinstance(trained, (str, Path)) else trained
    model = loaded.model if isinstance(loaded, Tokenizer) else None
    if model is None:
        reason = getattr(loaded, "reason", "it has no log of merges")
        raise TokenizerError(
            f"{_name(trained)}: cannot be taken apart: {reason}", hint="this needs plain BPE that tokkit runs itself"
        )
    return model


def _name(trained: Trained) -> str:
    return str(trained) if isinstance(trained, (str, Path)) else "the tokenizer"
