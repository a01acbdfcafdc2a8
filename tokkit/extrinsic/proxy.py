"""The cheapest real predictor of what a tokenizer is worth: a small language model trained on it, in bits per byte.

Each tokenizer gets the same model but for its table of rows, the same bytes in the same order in each step, and the
same seeds. Ids that the training text doesn't have share one row and its probability, so that a vocabulary costs what
it is used for. Numbers compare within one run only: they belong to this text, size and number of steps.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

import tokkit
from tokkit.errors import InputError, InternalError, UsageError
from tokkit.evaluate.results import Results, Row
from tokkit.extrinsic.causal import chosen_device, need_torch
from tokkit.extrinsic.evaluate import text_digest
from tokkit.extrinsic.proxy_config import Proxy
from tokkit.metrics.base import METRICS, Metric, Subject, Value
from tokkit.metrics.evidence import Evidence
from tokkit.progress import Progress, silent

if TYPE_CHECKING:
    from tokkit.extrinsic.proxy_train import Tokens

_DRAWS: Final = 2_000
_HELD_OUT: Final = 10
"""One passage in ten is held out where no text to train on is named."""
_FEW_PASSAGES: Final = 20
_NEEDS: Final = "needs training: tokkit eval --proxy-lm"


def _undefined(evidence: Evidence) -> Value:
    del evidence
    return Value(None, _NEEDS)


BITS: Final = METRICS.register("proxy_lm.bits_per_byte")(
    Metric(
        name="proxy_lm.bits_per_byte",
        unit="bits",
        better="lower",
        summary="bits that a small transformer, trained on the tokenizer, needs for each byte of held-out text",
        formula="mean over seeds of -sum log p / (ln 2 x B)",
        caveat="small models on little text may order tokenizers otherwise than large ones; compare within a run only",
        compute=_undefined,
        source="intervals: bootstrap over seeds and passages",
        decimals=4,
    )
)
RATIO: Final = METRICS.register("proxy_lm.ratio")(
    Metric(
        name="proxy_lm.ratio",
        unit="",
        better="lower",
        summary="bits per byte over those of the first tokenizer, on the same seeds and passages",
        formula="bits_per_byte / bits_per_byte of the first",
        caveat="an interval that holds 1 says that this run cannot tell the two apart",
        compute=_undefined,
        source="intervals: paired bootstrap over seeds and passages",
        decimals=4,
    )
)


@dataclass(frozen=True)
class _Read:
    """Nats [seeds, passages] of each text, and facts for the manifest."""

    nats: dict[str, NDArray[np.float64]]
    facts: dict[str, object]


def evaluate_proxies(
    tokenizers: Mapping[str, Subject],
    texts: Mapping[str, Sequence[str]],
    *,
    train: Sequence[str] | None = None,
    proxy: Proxy | None = None,
    state: Path | None = None,
    seed: int = 0,
    threads: int = 0,
    progress: Progress = silent,
) -> Results:
    """Trains `proxy.seeds` models of each tokenizer and reads each text with them.

    `texts` are named, each its lines; `train` are the lines to train on. Without it one passage in ten of each text is
    held out, and the models of a tokenizer train on all others. Lines are joined to passages of about four windows,
    which are the unit of the intervals. `state` is a folder in which trainings are kept: the same call goes on there.

    Raises:
        MissingExtraError: no torch. UsageError: no tokenizer or text, no such device, `state` of other trainings.
        InputError: too little text, or a text that a tokenizer changes.
    """
    proxy = proxy or Proxy()
    for what, given in (("tokenizer", tokenizers), ("text", texts)):
        if not given:
            raise UsageError(f"evaluate_proxies: no {what} is given")
    need_torch("to train proxies")
    import torch

    if threads:
        torch.set_num_threads(threads)
    learnt, held = _parts(texts, train, proxy.context)
    sizes = {name: np.array([len(text.encode()) for text in passages]) for name, passages in held.items()}
    # All of them before the first training: a text that one of them changes is known at once.
    encoded = {name: _encode(name, subject, learnt, held, proxy) for name, subject in tokenizers.items()}
    found: dict[str, _Read] = {}
    budget: float | None = None
    for name, subject in tokenizers.items():
        found[name], budget = _run(
            name, subject, *encoded[name], proxy, budget, state=state, seed=seed, progress=progress
        )
    rows = [row for name in tokenizers for text in held for row in _rows(name, text, found, sizes[text], seed)]
    warnings = [
        f"{name}: {len(passages)} held-out passages are few: its intervals are too narrow"
        for name, passages in held.items()
        if len(passages) < _FEW_PASSAGES
    ]
    manifest = {
        "tokkit": tokkit.__version__,
        "torch": torch.__version__,
        "proxy": {**proxy.model_dump(), "seed": seed, "threads": torch.get_num_threads()},
        "train": {
            "passages": len(learnt),
            "bytes": sum(len(text.encode()) for text in learnt),
            "sha256": text_digest(learnt),
        },
        "tokenizers": {name: read.facts for name, read in found.items()},
        "texts": {
            name: {"passages": len(passages), "bytes": int(sizes[name].sum()), "sha256": text_digest(passages)}
            for name, passages in held.items()
        },
    }
    return Results(tuple(rows), tuple(warnings), manifest)


def passages(lines: Sequence[str], size: int) -> list[str]:
    r"""Lines joined, ends of lines kept, to passages of at least `size` bytes; the last may be shorter.

    A passage begins with white space only where four times the size went by without a better place: many tokenizers
    take a space at the beginning of a text for their own.

    >>> passages(["ab", "c", "defg", " h"], 4)
    ['ab\nc\n', 'defg\n h\n']
    """
    made: list[str] = []
    kept: list[str] = []
    n = 0
    for line in lines:
        if n >= size and (not line[:1].isspace() or n >= 4 * size):
            made.append("".join(kept))
            kept, n = [], 0
        kept.append(line + "\n")
        n += len(kept[-1].encode())
    return [*made, "".join(kept)] if kept else made


def _parts(
    texts: Mapping[str, Sequence[str]], train: Sequence[str] | None, context: int
) -> tuple[list[str], dict[str, list[str]]]:
    """(passages to train on, passages of each text to read)."""
    cut = {name: [text for text in passages(lines, 4 * context) if text.strip()] for name, lines in texts.items()}
    learnt = [] if train is None else [text for text in passages(train, 4 * context) if text.strip()]
    if train is None:
        for name, all_of_it in cut.items():
            if len(all_of_it) < 2:
                raise InputError(
                    f"{name}: too little text to hold some out: {len(all_of_it)} passages of {4 * context} bytes",
                    hint="name more text, text to train on (--train), or a smaller --context",
                )
            held = all_of_it[_HELD_OUT - 1 :: _HELD_OUT] or all_of_it[-1:]
            kept = set(held)
            learnt += [text for text in all_of_it if text not in kept]
            cut[name] = held
    for what, some in (("--train", learnt), *cut.items()):
        if not some:
            raise InputError(f"{what}: no text to {'train on' if some is learnt else 'read'}")
    return learnt, cut


def _encode(
    name: str, subject: Subject, learnt: Sequence[str], held: Mapping[str, Sequence[str]], proxy: Proxy
) -> "tuple[Tokens, dict[str, Tokens]]":
    """(tokens to train on, tokens of each text to read)."""
    from tokkit.extrinsic.proxy_train import tokens_of

    texts = {text: tokens_of(subject, some, f"{name} on {text}", lossy=proxy.lossy) for text, some in held.items()}
    return tokens_of(subject, learnt, f"{name} on the text to train on", lossy=proxy.lossy), texts


def _run(
    name: str,
    subject: Subject,
    tokens: "Tokens",
    texts: "Mapping[str, Tokens]",
    proxy: Proxy,
    budget: float | None,
    *,
    state: Path | None,
    seed: int,
    progress: Progress,
) -> tuple[_Read, float]:
    """(what the models of one tokenizer read, the arithmetic that the first tokenizer had)."""
    from tokkit.extrinsic.proxy_train import Trainee

    device = chosen_device(proxy.device)
    nats: dict[str, list[NDArray[np.float64]]] = {text: [] for text in texts}
    facts: dict[str, object] = {}
    for place in range(proxy.seeds):
        trainee = Trainee(tokens, subject.vocab_size, proxy, steps=proxy.steps, seed=seed + place, device=device)
        budget = trainee.flops if budget is None else budget
        if proxy.match == "flops":
            trainee.steps = max(1, round(proxy.steps * budget / trainee.flops))
        if place == 0:
            _check_uniform(trainee, texts)
        kept = None if state is None else _file(state, name, seed + place)
        trainee.train(state=kept, progress=progress, stage=f"train {name}, seed {seed + place}")
        for text, some in texts.items():
            nats[text].append(trainee.read(some))
        facts = _facts(trainee, tokens, subject)
    per_seed = {
        text: [float(row.sum() / math.log(2) / sum(texts[text].sizes)) for row in rows] for text, rows in nats.items()
    }
    assert budget is not None
    return _Read({text: np.stack(rows) for text, rows in nats.items()}, {**facts, "bits_per_byte": per_seed}), budget


def _check_uniform(trainee: Any, texts: "Mapping[str, Tokens]") -> None:
    for text, some in texts.items():
        got, wanted = trainee.uniform(some)
        if not math.isclose(got, wanted, rel_tol=1e-4):
            raise InternalError(f"{text}: a uniform model gets {got} bits per byte, not {wanted}")


def _facts(trainee: Any, tokens: "Tokens", subject: Subject) -> dict[str, object]:
    return {
        "vocab_size": subject.vocab_size,
        "ids_in_training": trainee.n_rows - 2,
        "bytes_per_token": sum(tokens.sizes) / max(tokens.n_tokens, 1),
        "parameters": trainee.n_parameters,
        "steps": trainee.steps,
        "bytes_of_training": trainee.steps * trainee.config.batch * sum(tokens.sizes) / len(trainee.grid),
        "flops": trainee.flops,
        "device": trainee.device,
    }


def _file(folder: Path, name: str, seed: int) -> Path:
    """Where a training is kept: names of tokenizers may hold anything, names of files may not."""
    import hashlib

    folder.mkdir(parents=True, exist_ok=True)
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)[:40]
    return folder / f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}-{seed}.safetensors"


def _rows(name: str, text: str, found: Mapping[str, _Read], sizes: NDArray[np.int64], seed: int) -> list[Row]:
    """Bits per byte and the ratio to the first tokenizer, each with its interval; the draws are the same for all."""
    first = next(iter(found))
    own, base = found[name].nats[text], found[first].nats[text]
    value = float(own.sum() / len(own) / math.log(2) / sizes.sum())
    drawn, below = _draws(own, sizes, seed), _draws(base, sizes, seed)
    has_bounds = own.size > 1
    bits = (*np.percentile(drawn, [2.5, 97.5]),)
    rows = [Row.of(name, text, BITS, Value(value), (float(bits[0]), float(bits[1])) if has_bounds else None)]
    if name != first:
        ratio = (*np.percentile(drawn / below, [2.5, 97.5]),)
        bounds = (float(ratio[0]), float(ratio[1])) if has_bounds else None
        rows.append(Row.of(name, text, RATIO, Value(float(own.sum() / base.sum())), bounds))
    elif len(found) > 1:
        rows.append(Row.of(name, text, RATIO, Value(1.0), (1.0, 1.0) if has_bounds else None))
    return rows


def _draws(nats: NDArray[np.float64], sizes: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Bits per byte [draws] of seeds and of passages drawn with replacement."""
    source = np.random.default_rng(seed)
    n_seeds, n_passages = nats.shape
    found = np.zeros(_DRAWS)
    for place in range(_DRAWS):
        chosen = source.integers(0, n_passages, n_passages)
        mean = nats[source.integers(0, n_seeds, n_seeds)].mean(axis=0)
        found[place] = mean[chosen].sum() / sizes[chosen].sum()
    return found / math.log(2)
