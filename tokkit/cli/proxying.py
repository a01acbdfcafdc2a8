"""`tokkit eval --proxy-lm`: from options to trained proxies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.cli.verb import Talk
from tokkit.errors import UsageError

if TYPE_CHECKING:
    from tokkit.evaluate import Results
    from tokkit.metrics.base import Subject


def train_proxies(
    talk: Talk,
    subjects: "Mapping[str, Subject]",
    documents: Mapping[str, Sequence[str]],
    options: Mapping[str, Any],
    *,
    train: Sequence[str],
    state: Path | None,
    seed: int,
    threads: int,
) -> "Results":
    """Bits per byte of a small model of each tokenizer.

    Raises:
        UsageError: no text is given.
    """
    from tokkit.cli.derived import given
    from tokkit.extrinsic.proxy import evaluate_proxies
    from tokkit.extrinsic.proxy_config import Proxy
    from tokkit.recipe.evaluation import read_texts

    if not documents:
        raise UsageError("no text is given", hint="tokkit eval TOKENIZER --proxy-lm --on FILE")
    proxy = Proxy(**given(options, "proxy"))
    with talk.display() as display:
        return evaluate_proxies(
            subjects,
            documents,
            train=read_texts(train) if train else None,
            proxy=proxy,
            state=state,
            seed=seed,
            threads=threads,
            progress=display,
        )
