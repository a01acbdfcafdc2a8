"""What `tokkit hyper tune` and `tokkit hyper generate` do."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokkit.cli.listed import options_of
from tokkit.cli.verb import Talk
from tokkit.errors import InputError, UsageError

if TYPE_CHECKING:
    from tokkit.hyper import HypertokenCodec
    from tokkit.load import AnyTokenizer


def more_options(arguments: Sequence[str]) -> list[click.Option]:
    """The options of the action, if it is one of these."""
    if "tune" in arguments:
        home = "tokkit.hyper.options"
        return [
            *options_of(f"{home}:TuneConfig", "tune", arguments, heading="Options of tune"),
            *options_of(f"{home}:EncoderConfig", "encoder", arguments, heading="Options of tune: the encoder"),
        ]
    return []


def tune(
    talk: Talk,
    base: Path,
    tokenizer: "AnyTokenizer",
    codec: "HypertokenCodec",
    inputs: Sequence[str],
    output: Path,
    *,
    chosen: dict[str, Any],
    seed: int,
    resume: bool,
    overwrite: bool,
    threads: int,
    as_json: bool,
) -> None:
    """Trains and writes the folder `output`; checkpoints lie in it until it is complete."""
    from tokkit.hyper.options import EncoderConfig, TuneConfig, require_models_extra

    config = _spec(TuneConfig, {**_given(chosen, "tune"), "seed": seed})
    encoder = _spec(EncoderConfig, _given(chosen, "encoder"))
    _refuse(output, resume=resume, overwrite=overwrite)
    require_models_extra()
    import torch

    from tokkit.cli.lines import whole_texts
    from tokkit.hyper.examples import examples
    from tokkit.hyper.folder import load_base, write_model
    from tokkit.hyper.model import HyperModel
    from tokkit.hyper.tune import tune as train

    _no_bars()
    documents = [row for batch in whole_texts(inputs) for row in tokenizer.encode_batch(batch, threads=threads)]
    _, stops = start_and_stops(base)
    rows = examples(codec, documents, config.row_codes, stops[0] if stops else None)
    torch.manual_seed(config.seed)
    torch.set_num_threads(threads)
    model = HyperModel(load_base(base), codec.config, encoder)
    n_ids, n_codes = sum(row.n_ids for row in rows), sum(len(row.codes) for row in rows)
    talk.say(f"{n_ids:,} ids became {n_codes:,} codes in {len(rows):,} rows; {config.steps:,} steps")
    output.mkdir(parents=True, exist_ok=True)
    checkpoint = output / "checkpoint"

    def report(step: int, loss: float) -> None:
        if step == config.steps or step % max(1, config.steps // 20) == 0:
            talk.say(f"step {step}: loss {loss:.4f}")

    tuned = train(model, rows, config, checkpoint=checkpoint, resume=resume, report=report)
    about = {"tune": config.model_dump(mode="json"), "nats_per_id": {"before": tuned.before, "after": tuned.after}}
    write_model(output, model, encoder, base, about)
    _remove(checkpoint)
    if as_json:
        head = {"schema": "tokkit.hyper-tuning", "version": 1, "output": str(output), "ids": n_ids, "codes": n_codes}
        click.echo(json.dumps({**head, "losses": tuned.losses, **about}))
    elif tuned.before is not None:
        click.echo(f"{output}: {tuned.before:.4f} nats per id of the held-out rows before, {tuned.after:.4f} after")
    elif tuned.losses:
        click.echo(f"{output}: loss {tuned.losses[0]:.4f} at the first step, {tuned.losses[-1]:.4f} at the last")


def generate(
    folder: Path,
    inputs: Sequence[str],
    *,
    max_codes: int,
    temperature: float,
    seed: int,
    as_json: bool,
) -> None:
    """Continues each line of the inputs by a tuned model."""
    from tokkit.hyper.options import require_models_extra

    require_models_extra()
    from tokkit.cli.lines import batches_of_lines
    from tokkit.hyper.folder import load_model
    from tokkit.hyper.generate import generate as write
    from tokkit.load import load_tokenizer

    _no_bars()
    model = load_model(folder)
    base = Path(model.base.config._name_or_path)  # where transformers keeps the folder
    tokenizer = load_tokenizer(str(base))
    bos, stops = start_and_stops(base)
    documents = []
    for lines in batches_of_lines(inputs):
        prompts = [[*bos, *row.tolist()] for row in tokenizer.encode_batch(lines)]
        written = write(model, prompts, max_codes=max_codes, stop_ids=stops, temperature=temperature, seed=seed)
        for line, found in zip(lines, written, strict=True):
            text = tokenizer.decode(found.ids)
            if as_json:
                documents.append({"prompt": line, "text": text, "codes": found.codes, "ids": found.ids})
            else:
                sys.stdout.write(line + text + "\n")
    if as_json:
        click.echo(json.dumps({"schema": "tokkit.hyper-writing", "version": 1, "documents": documents}))


def start_and_stops(base: Path) -> tuple[list[int], list[int]]:
    """Ids of bos (none or one) and eos by a model's config.json. Raises InputError: it is missing or not JSON."""
    try:
        config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{base / 'config.json'}: cannot be read: {error}") from None
    bos, eos = config.get("bos_token_id"), config.get("eos_token_id")
    return ([bos] if isinstance(bos, int) else []), (eos if isinstance(eos, list) else [] if eos is None else [eos])


def _no_bars() -> None:
    from transformers.utils import logging

    # Untyped in some versions.
    disable: Any = logging.disable_progress_bar
    disable()


def _spec(kind: Any, values: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        flag = "--" + str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"{flag}: {first['msg'].lower()}, got {first['input']!r}") from None


def _given(chosen: dict[str, Any], section: str) -> dict[str, Any]:
    from tokkit.cli.derived import given

    return given(chosen, section)


def _refuse(output: Path, *, resume: bool, overwrite: bool) -> None:
    from tokkit.atomic import refuse_overwrite

    # A folder without the card is an unfinished run, if it is ours at all.
    if (output / "hyper.json").exists() or not (output / "checkpoint").is_dir():
        refuse_overwrite(output, overwrite=overwrite)
    if overwrite or not resume:
        _remove(output / "checkpoint")


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
