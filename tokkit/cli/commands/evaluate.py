"""`tokkit eval`: measure tokenizers side by side, keep them within gates, write tables and pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokkit.cli import options
from tokkit.cli.measuring import named_models, named_subjects, named_texts, whole_texts
from tokkit.cli.verb import Talk, verb
from tokkit.errors import GateError, UsageError

if TYPE_CHECKING:
    from tokkit.evaluate import Results
    from tokkit.evaluate.gates import Gate
    from tokkit.evaluate.suite import Suite
    from tokkit.metrics.lexical import WordList

FORMATS = ("table", "json", "csv", "markdown", "latex")


def _more_options(arguments: Sequence[str]) -> list[click.Option]:
    """Those of reading with models, where a model is named; --help shows them too."""
    if not any(argument == "--model" or argument.startswith(("--model=", "--help", "-h")) for argument in arguments):
        return []
    from tokkit.cli.derived import derived_options
    from tokkit.extrinsic.config import Reading

    return list(derived_options(Reading, "reading", heading="Options of --model"))


@verb(
    "eval",
    examples=(
        "tokkit eval mytok gpt2=tokenizer.json bytes --on en=english.txt --on tr=turkish.txt --json",
        "tokkit eval mytok --suite fairness@1 --html fairness.html --gate 'premium[tur]<=1.5'",
        "tokkit eval --model models/base --model new=models/base-mytok english.txt",
    ),
    more_options=_more_options,
)
@click.argument("tokenizers", nargs=-1, metavar="[NAME=]TOKENIZER...")
@click.option("--on", "texts", multiple=True, metavar="[NAME=]FILE", help="Text to measure on (repeatable).")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="[NAME=]DIR",
    help="Read the texts with this language model (repeatable).",
)
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
    models: tuple[str, ...],
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
    **chosen_reading: Any,
) -> None:
    """TOKENIZER is what `tokkit encode` takes, or `bytes` or `characters` as a baseline. Texts of the same NAME are
    taken together. With --model (extra `models`) the arguments are texts, and what is measured are bits per byte and
    perplexities of causal language models in safetensors. A broken gate or a regression ends with exit code 1, after
    the numbers are printed.
    """
    from tokkit.evaluate import DEFAULT_METRICS, evaluate
    from tokkit.evaluate.gates import parse_gate, parse_share
    from tokkit.evaluate.results import Results
    from tokkit.evaluate.suite import load_suite
    from tokkit.metrics.base import find

    if explained is not None:
        click.echo(find(explained).explain())
        return
    if not tokenizers and not models:
        raise UsageError("no tokenizer is given", hint="tokkit eval TOKENIZER --on FILE")
    limits = [parse_gate(gate) for gate in gates]
    most = parse_share(max_regress)
    chosen = [load_suite(suite) for suite in suites]
    old = None if baseline is None else Results.from_json(_read(baseline), str(baseline))
    if models:
        if chosen or words or reference is not None:
            raise UsageError("--suite, --ref and --words measure tokenizers, not models", hint="leave --model away")
        results, documents = _read_with_models(
            talk, models, (*texts, *tokenizers), metrics, chosen_reading, intervals=intervals, seed=seed
        )
        _write(results, {}, documents, html=html, png=png, parquet=parquet, overwrite=overwrite)
        _finish(talk, results, limits, old, most, "json" if as_json else form)
        return
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
    _finish(talk, results, limits, old, most, "json" if as_json else form)


def _finish(
    talk: Talk, results: "Results", limits: "list[Gate]", old: "Results | None", most: float, form: str
) -> None:
    """Prints the numbers, then holds them against gates and baseline."""
    from tokkit.evaluate.gates import broken_gates, regressions

    talk.warn(results.warnings)
    click.echo(_formatted(results, form))
    broken = broken_gates(results, limits)
    if old is not None:
        broken += regressions(results, old, max_regress=most)
    if broken:
        raise GateError("; ".join(broken), hint="exit code 1: a gate is broken or a number got worse")


def _read_with_models(
    talk: Talk,
    models: tuple[str, ...],
    texts: tuple[str, ...],
    metrics: tuple[str, ...],
    options: dict[str, Any],
    *,
    intervals: bool,
    seed: int,
) -> "tuple[Results, dict[str, list[str]]]":
    """(the numbers, the texts) of language models."""
    from tokkit.cli.derived import given
    from tokkit.extrinsic.config import Reading
    from tokkit.extrinsic.evaluate import DEFAULT, evaluate_models
    from tokkit.machine import available_cores

    reading = Reading(**given(options, "reading"))
    documents = whole_texts(texts, unit=reading.unit)
    if not documents:
        raise UsageError("no text is given", hint="tokkit eval --model DIR FILE")
    with talk.display() as display:
        results = evaluate_models(
            named_models(models),
            documents,
            metrics or DEFAULT,
            reading=reading,
            intervals=intervals,
            seed=seed,
            threads=available_cores(),
            progress=display,
        )
    return results, documents


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
