"""`tokkit transplant --cpt-probe`: the method that reads best after a little training."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.cli.verb import Talk
from tokkit.errors import UsageError

if TYPE_CHECKING:
    from tokkit.extrinsic.select import Candidate
    from tokkit.transplant.config import TransplantConfig


def probe_methods(
    talk: Talk,
    base: str,
    target: str,
    steps: int | None,
    text: str | None,
    named: str | None,
    config: "TransplantConfig",
    more: dict[str, Any],
    *,
    seed: int,
    threads: int,
) -> "list[Candidate]":
    """All candidates, the best first; `named` is what --candidates says, `more` goes to `transplant`.

    Raises:
        UsageError: --cpt-probe without --probe-text or the other way round, or an unknown method.
    """
    from tokkit.cli.measuring import whole_texts
    from tokkit.extrinsic.probe import Probing
    from tokkit.extrinsic.select import candidates_table, default_candidates, select_method
    from tokkit.transplant.base import METHODS

    if steps is None or text is None:
        raise UsageError(
            "a probe needs --cpt-probe N and --probe-text FILE",
            hint="tokkit transplant BASE TARGET -o OUT --cpt-probe 50",
        )
    has = {"donor": more.get("donor") is not None, "auxiliary": bool(more.get("auxiliary") or more.get("learn_from"))}
    names = [name.strip() for name in named.split(",") if name.strip()] if named else default_candidates(**has)
    for name in names:
        METHODS.get(name)
    if not names:
        raise UsageError("--candidates: names no method", hint="for example --candidates auto,mean")
    documents = [document for texts in whole_texts([text], unit="document").values() for document in texts]
    with talk.display() as display:
        found = select_method(
            Path(base),
            Path(target),
            names,
            documents,
            Probing(steps=steps),
            config=config,
            options=more,
            seed=seed,
            threads=threads,
            progress=display,
        )
    talk.say(candidates_table(found, steps))
    return found
