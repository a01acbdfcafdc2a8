"""`tokkit eval`: measure tokenizers side by side, keep them within gates, write tables and pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokkit.cli import options
from tokkit.cli.measuring import named_subjects, named_texts
from tokkit.cli.verb import Talk, verb
from tokkit.errors import GateError, UsageError

if TYPE_CHECKING:
    from tokkit.evaluate import Results
    from tokkit.evaluate.suite import Suite
    from tokkit.metrics.lexical import WordList

FORMATS = ("table", "json", "csv", "markdown", "latex")


@verb(
    "eval",
    examples=(
        "tokkit eval mytok gpt2=tokenizer.json bytes --on en=english.txt --on tr=turkish.txt --json",
        "tokkit eval mytok --suite fairness@1 --html fairness.html --gate 'premium[tur]<=1.5'",
    ),
)
@click.argument("tokenizers", nargs=-1, metavar="[NAME=]TOKENIZER...")
@click.option("--on", "texts", multiple=True, metavar="[NAME=]FILE", help="Text to measure on (repeatable).")
@click.option("--suite", "suites", multiple=True, metavar="SUITE", help="Metrics and texts of a suite (repeatable).")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="One of `tokkit list metrics` (repeatable).")
@click.option(
    "--ref", "reference", metavar="NAME", help="The text that premiums refer to; all texts are parallel then."
)
@click.option("--words", multiple=True, metavar="NAME=FILE", help="Word list of the language of a text (repeatable).")
@click.option("--intervals/--no-intervals", default=False, help="95 % bootstrap intervals over documents.")
@options.seed_option
@click.option(
    "--gate", "gates", multiple=True, metavar="GATE", help="Limit such as 'fertility.ws[tr]<=2.1' (repeatable)."
)
@click.option("--baseline", type=click.Path(path_type=Path), metavar="JSON", help="Results that must not get worse.")
@click.option("--max-regress", default="1%", show_default=True, metavar="SHARE", help="How much worse they may get.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="What to print.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page that needs nothing else.")
@click.option("--png", type=click.Path(path_type=Path), metavar="FILE", help="Write a figure (extra `report`).")
@click.option("--parquet", type=click.Path(path_type=Path), metavar="FILE", help="Write the rows.")
@options.overwrite_option
@click.option("--explain", "explained", metavar="METRIC", help="Say what a metric is, and stop.")
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizers: tuple[str, ...],
    texts: tuple[str, ...],
    suites: tuple[str, ...],
    metrics: tuple[str, ...],
    reference: str | None,
    words: tuple[str, ...],
    intervals: bool,
    seed: int,
    gates: tuple[str, ...],
    baseline: Path | None,
    max_regress: str,
    form: str,
    html: Path | None,
    png: Path | None,
    parquet: Path | None,
    overwrite: bool,
    explained: str | None,
    as_json: bool,
) -> None:
    """TOKENIZER is what `tokkit encode` takes, or `bytes` or `characters` as a baseline. Texts of the same NAME are
    taken together. A broken gate or a regression ends with exit code 1, after the numbers are printed.
    """
    from tokkit.evaluate import DEFAULT_METRICS, evaluate
    from tokkit.evaluate.gates import broken_gates, parse_gate, parse_share, regressions
    from tokkit.evaluate.results import Results
    from tokkit.evaluate.suite import load_suite
    from tokkit.metrics.base import find

    if explained is not None:
        click.echo(find(explained).explain())
        return
    if not tokenizers:
        raise UsageError("no tokenizer is given", hint="tokkit eval TOKENIZER --on FILE")
    limits = [parse_gate(gate) for gate in gates]
    most = parse_share(max_regress)
    chosen = [load_suite(suite) for suite in suites]
    old = None if baseline is None else Results.from_json(_read(baseline), str(baseline))
    subjects = named_subjects(tokenizers)
    documents = named_texts(texts, chosen)
    if not documents and not any(suite.spec.morphology or suite.spec.health for suite in chosen):
        raise UsageError("no text is given", hint="add --on FILE, or a --suite that has texts")
    names = tuple(dict.fromkeys([*(name for suite in chosen for name in suite.spec.metrics), *metrics]))
    wanted: Sequence[str] = names or (() if chosen else DEFAULT_METRICS)
    if reference is None:
        reference = next((suite.spec.reference for suite in chosen if suite.spec.reference is not None), None)
    with talk.display() as display:
        results = evaluate(
            subjects,
            documents if wanted else {},
            wanted,
            reference=reference,
            word_lists=_word_lists(words, chosen),
            morphology={name: gold for suite in chosen for name, gold in suite.morphology().items()},
            vocabulary=any(suite.spec.health for suite in chosen),
            intervals=intervals,
            seed=seed,
            progress=display,
        )
    _write(results, subjects, documents, html=html, png=png, parquet=parquet, overwrite=overwrite)
    talk.warn(results.warnings)
    click.echo(_formatted(results, "json" if as_json else form))
    broken = broken_gates(results, limits)
    if old is not None:
        broken += regressions(results, old, max_regress=most)
    if broken:
        raise GateError("; ".join(broken), hint="exit code 1: a gate is broken or a number got worse")


def _word_lists(words: tuple[str, ...], suites: "list[Suite]") -> "dict[str, WordList]":
    from tokkit.metrics.lexical import WordList

    found = {text: entry for suite in suites for text, entry in suite.word_lists().items()}
    for item in words:
        text, equals, path = item.partition("=")
        if not equals:
            raise UsageError(f"--words: must be TEXT=FILE, got `{item}`")
        found[text] = WordList.load(Path(path), language=text)
    return found


def _read(path: Path) -> str:
    from tokkit.errors import InputError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def _formatted(results: "Results", form: str) -> str:
    from tokkit.report.tables import to_csv, to_latex, to_markdown

    if form == "json":
        return results.to_json()
    if form == "csv":
        return to_csv(results).rstrip("\n")
    if form == "markdown":
        return to_markdown(results.cells())
    return to_latex(results.cells()) if form == "latex" else results.table()


def _write(
    results: "Results",
    subjects: dict[str, object],
    documents: dict[str, list[str]],
    *,
    html: Path | None,
    png: Path | None,
    parquet: Path | None,
    overwrite: bool,
) -> None:
    from tokkit.atomic import atomic_file

    if html is not None:
        from tokkit.report.page import page

        samples = {name: next(filter(None, texts), "") for name, texts in documents.items()}
        few = dict(list(samples.items())[:4])
        with atomic_file(html, overwrite=overwrite) as temporary:
            temporary.write_text(page(results, tokenizers=subjects, samples=few), encoding="utf-8")  # type: ignore[arg-type]  # they are subjects
    if png is not None:
        from tokkit.report.picture import write_picture

        with atomic_file(png, overwrite=overwrite) as temporary:
            write_picture(results, temporary)
    if parquet is not None:
        with atomic_file(parquet, overwrite=overwrite) as temporary:
            results.to_pandas().to_parquet(temporary, index=False)
