"""`tokkit list`: what there is to choose from."""

import json

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb

KINDS = ("trainers", "pretokenizers", "exports", "metrics", "suites", "transplants", "recipes")


@verb("list", examples=("tokkit list", "tokkit list trainers --json"))
@click.argument("kind", required=False, type=click.Choice(KINDS), metavar="[KIND]")
@options.json_option
def command(talk: Talk, *, kind: str | None, as_json: bool) -> None:
    """KIND is trainers, pretokenizers, exports, metrics, suites, transplants or recipes; all of them without it."""
    found = {name: _rows(name) for name in ((kind,) if kind else KINDS)}
    if as_json:
        click.echo(json.dumps({"schema": "tokkit.list", "version": 1, **found}, ensure_ascii=False))
        return
    for name, rows in found.items():
        if kind is None:
            click.echo(f"{name}:")
        width = max(map(len, rows), default=0)
        for row, summary in rows.items():
            click.echo(f"  {row.ljust(width)}  {summary}".rstrip())


def _rows(kind: str) -> dict[str, str]:
    """Name -> one line."""
    if kind == "pretokenizers":
        from tokkit.pretokenizers import names, summary

        return {name: _cut(summary(name), 90) for name in names()}
    if kind == "recipes":
        from tokkit.recipe import find

        return {name: find.summary(path) for name, path in find.shipped_recipes().items()}
    if kind == "trainers":
        from tokkit.trainers import TRAINERS

        return {name: _first_line(TRAINERS.get(name)) for name in TRAINERS}
    if kind == "exports":
        import sys

        from tokkit.export import EXPORTERS

        # An exporter is a function called `export`: its module says what the format is.
        return {name: _first_line(sys.modules[EXPORTERS.get(name).__module__]) for name in EXPORTERS}
    if kind == "transplants":
        from tokkit.transplant import METHODS

        return {name: _first_line(METHODS.get(name)) for name in METHODS}
    if kind == "suites":
        from tokkit.evaluate.suite import load_suite, shipped_suites

        suites = [load_suite(name) for name in shipped_suites()]
        return {suite.id: suite.spec.description for suite in suites}
    from tokkit.metrics import METRICS

    return {METRICS.get(name).id: _cut(METRICS.get(name).summary, 100) for name in METRICS}


def _first_line(thing: object) -> str:
    doc = (thing.__doc__ or "").strip()
    return _cut(doc.split("\n", 1)[0].rstrip("."), 100)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
