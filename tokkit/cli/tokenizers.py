"""What several verbs do with tokenizers: special tokens allowed, models to work on, counts to work with."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tokkit.errors import UsageError

if TYPE_CHECKING:
    from tokkit.counts import CountTable
    from tokkit.load import AnyTokenizer
    from tokkit.model.model import Model
    from tokkit.progress import Progress

Allowed = Literal["all"] | Collection[str]


def allowed_specials(names: tuple[str, ...], tokenizer: "AnyTokenizer") -> Allowed:
    """What --allow-special means.

    Raises:
        UsageError: a name that is no special token.
    """
    if "all" in names:
        return "all"
    unknown = [name for name in names if name not in tokenizer.specials]
    if unknown:
        known = ", ".join(sorted(tokenizer.specials)) or "none"
        raise UsageError(f"--allow-special: no special token, got `{unknown[0]}`", hint=f"special tokens: {known}")
    return frozenset(names)


def counts_for(
    model: "Model", inputs: tuple[str, ...], counts: str | None, options: Mapping[str, Any], progress: "Progress"
) -> "CountTable | None":
    """The counts given, or those of the inputs cut by the model's own pre-tokenizer; None when neither is given.

    Raises:
        UsageError: both are given.
    """
    from tokkit.counts import CountConfig, CountTable, count

    if counts is not None and inputs:
        raise UsageError("--counts: and INPUT exclude each other", hint="give one of them")
    if counts is not None:
        return CountTable.load(Path(counts), pretokenizer=model.pretokenizer)
    if not inputs:
        return None
    from tokkit.recipe.inputs import resolve

    config = CountConfig(**{"specials": model.specials, **options})
    sources = [resolve(path) for path in inputs]
    form = model.normalizer
    return count(sources, pretokenizer=model.pretokenizer, normalizer=form, config=config, progress=progress)


def roles_of_option(roles: tuple[str, ...]) -> dict[str, str] | None:
    """What --role ROLE=TOKEN means; None without any.

    Raises:
        UsageError: no `=`.
    """
    for role in roles:
        if "=" not in role:
            raise UsageError(f"--role: must be ROLE=TOKEN, got `{role}`", hint='for example --role "eos=<|endoftext|>"')
    pairs = (role.partition("=") for role in roles)
    return {name: token for name, _, token in pairs} or None
