"""What `train` and `run` share: from a loaded table to a finished folder, or its plan."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from tokkit.amounts import duration
from tokkit.cli.verb import Talk
from tokkit.errors import UsageError
from tokkit.recipe.faults import Fault, RecipeError
from tokkit.recipe.load import Loaded
from tokkit.recipe.plan import make_plan
from tokkit.recipe.run import run
from tokkit.recipe.schema import Recipe, parse, runtime_options


def run_recipe(
    talk: Talk,
    loaded: Loaded,
    *,
    flags: Mapping[str, str],
    output: Path | None,
    threads: int,
    memory: int | None,
    overwrite: bool,
    resume: bool,
    dry_run: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Parses, then plans or runs. `flags` maps key paths to the flags that set them: faults name the flag."""
    runtime = runtime_options(threads, memory)
    try:
        recipe = parse(loaded, runtime=runtime)
    except RecipeError as error:
        raise RecipeError([_by_flag(fault, flags) for fault in error.faults]) from None
    target = _output(recipe, output)
    plan = make_plan(recipe, target, threads=threads)
    if dry_run:
        click.echo(json.dumps(plan.to_json()) if as_json else plan.text())
        return
    talk.say(f"plan: {plan.sentence()}")
    with talk.display() as display:
        outcome = run(recipe, target, overwrite=overwrite, resume=resume, strict=strict, progress=display, say=talk.say)
    talk.warn(outcome.warnings)
    if as_json:
        click.echo(json.dumps(outcome.to_json(), ensure_ascii=False))
        return
    for name, table in outcome.tables.items():
        click.echo(f"{name}\n{table}\n")
    click.echo(str(target))
    seconds = sum(step.seconds or 0.0 for step in outcome.steps)
    talk.say(f'done in {duration(seconds)}; try: tokkit show {target} "some text"')


def _output(recipe: Recipe, output: Path | None) -> Path:
    if output is not None:
        return output
    if recipe.output:
        return Path(recipe.output)
    if recipe.name == "train" or recipe.lock:
        raise UsageError("-o/--output: is missing", hint="name the folder to make: -o mytok")
    return Path(recipe.name)


def _by_flag(fault: Fault, flags: Mapping[str, str]) -> Fault:
    return Fault(flags.get(fault.where, fault.where), fault.what, fault.hint)
