"""The functions of the package's top level that take whatever a user has at hand: text, counts, tokenizers by name."""

from pathlib import Path
from typing import TYPE_CHECKING, Union

from tokkit.corpus.memory import Texts, texts
from tokkit.corpus.spec import SourceSpec
from tokkit.counts import CountConfig, CountTable, count
from tokkit.errors import TokenizerError
from tokkit.model.model import Model
from tokkit.progress import Progress, silent
from tokkit.trainers import TRAINERS
from tokkit.trainers.extend import ExtendConfig
from tokkit.trainers.extend import extend as extend_model
from tokkit.trainers.prune import PruneConfig
from tokkit.trainers.prune import prune as prune_model
from tokkit.trainers.superword import SuperwordTrainer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tokkit.corpus import Inputs
    from tokkit.model.tokenizer import Tokenizer

# A model, a tokenizer made from one, or where one lies (anything that `tokkit.load_tokenizer` reads).
Trained = Union[Model, "Tokenizer", str, Path]


def train(
    inputs_or_counts: "Inputs | CountTable",
    *,
    method: str = "bpe",
    pretokenizer: str = "llama-bpe@1",
    progress: Progress = silent,
    **options: object,
) -> Model:
    """Trains on texts (paths, sources, or an iterable of str) or on a count table.

    `options` are those of the method, see `tokkit.trainers.TRAINERS.get(method).Config`. `pretokenizer` is for texts:
    a table says what cut it.

    >>> import tokkit
    >>> counts = tokkit.CountTable.from_items([(b"low", 5), (b"lower", 2)], pretokenizer="none@1")
    >>> tokkit.train(counts, vocab_size=258).tokens[-2:]
    (b'lo', b'low')

    Raises:
        UsageError: an unknown method or pre-tokenizer, or options that cannot work.
        pydantic.ValidationError: an option out of its range; a ValueError.
        InputError: texts that are missing, empty or not UTF-8. ResourceError, NetworkError: as reading raises them.
    """
    trainer = TRAINERS.get(method)
    config = trainer.Config.model_validate(options)
    made = trainer(config)
    if isinstance(inputs_or_counts, CountTable) or not isinstance(made, SuperwordTrainer) or not made.reads_twice:
        table = _counted(inputs_or_counts, pretokenizer, config.special_tokens, progress)
        return made.train(table, progress=progress)
    if not isinstance(inputs_or_counts, (str, Path, SourceSpec, Texts, list, tuple)):
        inputs_or_counts = texts([*inputs_or_counts])  # type: ignore[misc]  # a path of another kind is a str
    table = _counted(inputs_or_counts, pretokenizer, config.special_tokens, progress)
    again = made.count_again(inputs_or_counts, config=CountConfig(specials=config.special_tokens), progress=progress)
    return made.train(table, again=again, progress=progress)


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
    table = _counted(inputs_or_counts, model.pretokenizer, model.specials, progress)
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
        table = _counted(inputs_or_counts, model.pretokenizer, model.specials, progress)
    return prune_model(model, table, config=PruneConfig.model_validate(options), progress=progress)


def _counted(
    inputs_or_counts: "Inputs | CountTable", pretokenizer: str, specials: tuple[str, ...], progress: Progress
) -> CountTable:
    if isinstance(inputs_or_counts, CountTable):
        return inputs_or_counts
    config = CountConfig(specials=specials)
    return count(inputs_or_counts, pretokenizer=pretokenizer, config=config, progress=progress)


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
