"""`tokkit eval`: measure tokenizers side by side, keep them within gates, write tables and pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokkit.cli import options
from tokkit.cli.listed import options_of
from tokkit.cli.measuring import (
    Reading,
    by_text,
    digests,
    limit_libraries,
    named_models,
    named_subjects,
    named_texts,
    whole_texts,
)
from tokkit.cli.verb import Talk, verb
from tokkit.errors import GateError, ResourceError, UsageError

if TYPE_CHECKING:
    from tokkit.evaluate import Results
    from tokkit.evaluate.gates import Gate
    from tokkit.metrics import Subject
    from tokkit.metrics.fairness import Price

FORMATS = ("table", "json", "csv", "markdown", "latex")


def _more_options(arguments: Sequence[str]) -> list[click.Option]:
    """Those of reading with models or of training proxies, where that is asked for."""

    def asks(option: str) -> bool:
        return any(argument == option or argument.startswith(f"{option}=") for argument in arguments)

    made: list[click.Option] = []
    if asks("--proxy-lm"):
        place = "tokkit.extrinsic.proxy_config:Proxy"
        made += options_of(place, "proxy", arguments, heading="Options of --proxy-lm")
    elif asks("--model") or asks("--help") or asks("-h"):
        made += options_of("tokkit.extrinsic.config:Reading", "reading", arguments, heading="Options of --model")
    return made


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
@click.option(
    "--proxy-lm",
    is_flag=True,
    help="Train a small language model on each tokenizer; `--proxy-lm --help` shows its options.",
)
@click.option("--train", "train", multiple=True, metavar="FILE", help="Text that --proxy-lm trains on (repeatable).")
@click.option(
    "--state", type=click.Path(path_type=Path), metavar="DIR", help="Keep the trainings of --proxy-lm, and go on there."
)
@click.option("--suite", "suites", multiple=True, metavar="SUITE", help="Metrics and texts of a suite (repeatable).")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="One of `tokkit list metrics` (repeatable).")
@click.option(
    "--as", "tools", multiple=True, metavar="TOOL", help="Numbers as another tool computes them (repeatable)."
)
@click.option(
    "--ref", "reference", metavar="NAME", help="The text that premiums refer to; all texts are parallel then."
)
@click.option("--words", multiple=True, metavar="TEXT=FILE", help="Word list of the language of a text (repeatable).")
@click.option("--morphemes", multiple=True, metavar="TEXT=FILE", help="Its list of roots and affixes (repeatable).")
@click.option("--morphology", multiple=True, metavar="NAME=FILE", help="Gold: `word TAB morphemes` (repeatable).")
@click.option("--prices", type=click.Path(path_type=Path), metavar="TOML", help="Your prices of a million tokens.")
@click.option("--worst-words", type=click.IntRange(1), metavar="N", help="List the N words that cost most.")
@options.reading_options
@click.option("--intervals/--no-intervals", default=False, help="95 % bootstrap intervals over documents.")
@options.seed_option
@options.threads_option
@click.option(
    "--gate", "gates", multiple=True, metavar="GATE", help="Limit such as 'fertility.ws[tr]<=2.1' (repeatable)."
)
@click.option("--baseline", type=click.Path(path_type=Path), metavar="JSON", help="Results that must not get worse.")
@click.option("--max-regress", default="1%", show_default=True, metavar="SHARE", help="How much worse they may get.")
@click.option("--verify", type=click.Path(path_type=Path), metavar="JSON", help="Results that must come out the same.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="What to print.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page that needs nothing else.")
@click.option(
    "--figure",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a figure: .png, .pdf or .svg (extra `report`).",
)
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
    proxy_lm: bool,
    train: tuple[str, ...],
    state: Path | None,
    suites: tuple[str, ...],
    metrics: tuple[str, ...],
    tools: tuple[str, ...],
    reference: str | None,
    words: tuple[str, ...],
    morphemes: tuple[str, ...],
    morphology: tuple[str, ...],
    prices: Path | None,
    worst_words: int | None,
    field: str,
    whole: bool,
    normalize: str,
    sample: int | None,
    intervals: bool,
    seed: int,
    threads: int,
    gates: tuple[str, ...],
    baseline: Path | None,
    max_regress: str,
    verify: Path | None,
    form: str,
    html: Path | None,
    figure: Path | None,
    parquet: Path | None,
    overwrite: bool,
    explained: str | None,
    as_json: bool,
    **chosen_reading: Any,
) -> None:
    """TOKENIZER is what `tokkit encode` takes, hyper:TOKENIZER for hypertokens over it, or `bytes` or `characters` as
    a baseline. Texts of the same NAME are taken together. With --model (extra `models`) the arguments are texts, and
    what is measured are bits per byte and perplexities of causal language models in safetensors. A broken gate, a
    regression or a number that cannot be verified ends with exit code 1, after the numbers are printed.
    """
    from tokkit.evaluate import DEFAULT_METRICS, evaluate
    from tokkit.evaluate.gates import parse_gate, parse_share
    from tokkit.evaluate.modes import mode
    from tokkit.evaluate.suite import load_suite, read_morphemes
    from tokkit.metrics.base import find
    from tokkit.metrics.fairness import load_prices
    from tokkit.metrics.lexical import WordList
    from tokkit.report.page import COUNTERS

    if explained is not None:
        click.echo(find(explained).explain())
        return
    if not tokenizers and not models:
        raise UsageError("no tokenizer is given", hint="tokkit eval TOKENIZER --on FILE")
    limit_libraries(threads)
    outputs = Outputs(html, figure, parquet, overwrite)
    _check_outputs(outputs)
    limits = [parse_gate(gate) for gate in gates]
    most = parse_share(max_regress)
    chosen = [load_suite(suite) for suite in suites]
    old = None if baseline is None else _results(baseline)
    same = None if verify is None else _results(verify)
    ending = Ending(limits, old, most, same, "json" if as_json else form)
    if models:
        if chosen or words or tools or reference is not None:
            raise UsageError(
                "--suite, --ref, --as and --words measure tokenizers, not models", hint="leave --model away"
            )
        results, documents = _read_with_models(
            talk,
            models,
            (*texts, *tokenizers),
            metrics,
            chosen_reading,
            intervals=intervals,
            seed=seed,
            threads=threads,
        )
        _write(results, {}, documents, outputs)
        _finish(talk, results, ending)
        return
    modes = [mode(name).name for name in tools]
    gold = {name: words for suite in chosen for name, words in suite.morphology().items()}
    gold |= {name: read_morphemes(path) for name, path in by_text("--morphology", morphology).items()}
    names = list(dict.fromkeys([*(name for suite in chosen for name in suite.spec.metrics), *metrics]))
    is_health = any(suite.spec.health for suite in chosen)
    needs_text = not (gold or is_health or any(find(name).scope == "vocabulary" for name in names))
    costs = None if prices is None else load_prices(prices)
    reading = Reading(field, whole, normalize, sample, seed)
    subjects = named_subjects(tokenizers)
    documents = named_texts(texts, chosen, reading)
    if proxy_lm:
        from tokkit.cli.proxying import train_proxies

        results = train_proxies(
            talk, subjects, documents, chosen_reading, train=train, state=state, seed=seed, threads=threads
        )
        _write(results, subjects, documents, outputs)
        _finish(talk, results, ending)
        return
    if not documents and needs_text:
        raise UsageError("no text is given", hint="add --on FILE, or a --suite that has texts")
    if reference is None:
        reference = next((suite.spec.reference for suite in chosen if suite.spec.reference is not None), None)
    _check_prices(costs, subjects)
    # `names` empty: the default metrics, unless suites, tools or lists say what is wanted.
    wanted: list[str] = names or ([] if chosen or modes or (gold and not documents) else list(DEFAULT_METRICS))
    if costs is not None and not any(name.startswith("cost.") for name in wanted):
        wanted += ["cost.text", *(["cost.reference_million"] if reference is not None else [])]
    word_lists = {text: entry for suite in chosen for text, entry in suite.word_lists().items()}
    word_lists |= {t: WordList.load(p, language=t) for t, p in by_text("--words", words, documents).items()}
    roots = {text: entry for suite in chosen for text, entry in suite.morpheme_lists().items()}
    roots |= {t: WordList.load(p, language=t) for t, p in by_text("--morphemes", morphemes, documents).items()}
    with talk.display() as display:
        results = evaluate(
            subjects,
            documents if wanted or modes else {},
            wanted,
            reference=reference,
            word_lists=word_lists,
            morpheme_lists=roots,
            morphology=gold,
            vocabulary=is_health,
            prices=costs,
            modes=modes,
            counters=() if html is None else COUNTERS,
            intervals=intervals,
            seed=seed,
            threads=threads,
            sources=digests(tokenizers),
            flags={**reading.flags(), "suites": {suite.id: suite.digest for suite in chosen}},
            progress=display,
        )
    if worst_words is not None:
        results = _with_worst_words(results, subjects, documents, worst_words)
    _write(results, subjects, documents, outputs)
    _finish(talk, results, ending)


@dataclass(frozen=True)
class Outputs:
    """Files to write beside what is printed."""

    html: Path | None
    figure: Path | None
    parquet: Path | None
    overwrite: bool


@dataclass(frozen=True)
class Ending:
    """What the numbers are held against, and the form they are printed in."""

    limits: "list[Gate]"
    old: "Results | None"
    most: float
    same: "Results | None"
    form: str


def _check_outputs(outputs: Outputs) -> None:
    """Refuses, before anything is measured, what could not be written after it."""
    from tokkit.atomic import refuse_overwrite
    from tokkit.report.picture import check_form

    for path in (outputs.html, outputs.figure, outputs.parquet):
        if path is not None:
            refuse_overwrite(path, overwrite=outputs.overwrite)
            if not path.parent.is_dir():
                raise ResourceError(f"{path}: there is no folder {path.parent}", hint="make it first")
    if outputs.figure is not None:
        check_form(_form(outputs.figure))


def _form(figure: Path) -> str:
    return figure.suffix.removeprefix(".").lower()


def _finish(talk: Talk, results: "Results", ending: Ending) -> None:
    """Prints the numbers, then holds them against gates and baseline."""
    from tokkit.evaluate.comparable import changes
    from tokkit.evaluate.gates import broken_gates, regressions

    talk.warn(results.warnings)
    click.echo(_formatted(results, ending.form))
    broken = broken_gates(results, ending.limits)
    if ending.old is not None:
        broken += regressions(results, ending.old, max_regress=ending.most)
    if ending.same is not None:
        broken += changes(results, ending.same)
    if broken:
        raise GateError("; ".join(broken), hint="exit code 1: a gate is broken or a number got worse")


def _check_prices(prices: "Mapping[str, Price] | None", subjects: "Mapping[str, object]") -> None:
    if prices is not None and not set(prices) & set(subjects):
        raise UsageError(
            f"--prices: has none of the tokenizers, got {', '.join(sorted(prices))}",
            hint="its names are those of the tokenizers here: " + ", ".join(subjects),
        )


def _read_with_models(
    talk: Talk,
    models: tuple[str, ...],
    texts: tuple[str, ...],
    metrics: tuple[str, ...],
    options: dict[str, Any],
    *,
    intervals: bool,
    seed: int,
    threads: int,
) -> "tuple[Results, dict[str, list[str]]]":
    """(the numbers, the texts) of language models."""
    from tokkit.cli.derived import given
    from tokkit.extrinsic.config import Reading
    from tokkit.extrinsic.evaluate import DEFAULT, evaluate_models

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
            threads=threads,
            progress=display,
        )
    return results, documents


def _with_worst_words(
    results: "Results", subjects: "dict[str, Subject]", documents: dict[str, list[str]], n: int
) -> "Results":
    from tokkit.metrics.base import find
    from tokkit.metrics.evidence import gather
    from tokkit.metrics.words import worst_words

    found: dict[str, dict[str, object]] = {}
    for name, subject in subjects.items():
        for text, texts in documents.items():
            seen = gather(subject, [find("fertility_isolated.word_start")], texts)
            rows = worst_words(seen, n, convention="word_start")
            found.setdefault(name, {})[text] = [
                {"word": word, "occurrences": occurrences, "tokens": tokens} for word, occurrences, tokens in rows
            ]
    return replace(results, details={**results.details, "worst_words": found})


def _results(path: Path) -> "Results":
    from tokkit.evaluate.results import Results

    return Results.from_json(_read(path), str(path))


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
    return to_latex(results.cells()) if form == "latex" else "\n".join([results.table(), *_below(results)])


def _below(results: "Results") -> list[str]:
    """What the table has no column for: findings on vocabularies, the worst language, the words that cost most."""
    from tokkit.report.text import escape, quoted

    lines: list[str] = []
    for name, findings in _part(results, "health"):
        lines += ["", f"{escape(name)}: what is wrong with the vocabulary"]
        lines += [f"  {row['severity'].replace('_', ' '):14}  {row['check']:20}  {row['message']}" for row in findings]
    for name, found in _part(results, "fairness"):
        if found:
            worst = found["worst"]
            lines += ["", f"{escape(name)}: worst language {escape(worst)}, premium {found['premiums'][worst]:.3f}"]
    for name, of_text in _part(results, "worst_words"):
        for text, words in of_text.items():
            lines += ["", f"{escape(name)} on {escape(text)}: words that cost most (tokens x occurrences)"]
            lines += [
                f"  {row['tokens']:>4} x {row['occurrences']:<8,} {quoted(row['word'].encode())}" for row in words
            ]
    return lines


def _part(results: "Results", key: str) -> "list[tuple[str, Any]]":
    found = results.details.get(key)
    return list(found.items()) if isinstance(found, dict) else []


def _write(
    results: "Results", subjects: "dict[str, Subject]", documents: dict[str, list[str]], outputs: Outputs
) -> None:
    from tokkit.atomic import atomic_file

    overwrite = outputs.overwrite
    if outputs.html is not None:
        from tokkit.report.page import page

        samples = {name: next(filter(None, texts), "") for name, texts in documents.items()}
        with atomic_file(outputs.html, overwrite=overwrite) as temporary:
            temporary.write_text(page(results, tokenizers=subjects, samples=samples), encoding="utf-8")
    if outputs.figure is not None:
        from tokkit.report.picture import write_picture

        with atomic_file(outputs.figure, overwrite=overwrite) as temporary:
            write_picture(results, temporary, form=_form(outputs.figure))
    if outputs.parquet is not None:
        with atomic_file(outputs.parquet, overwrite=overwrite) as temporary:
            results.to_pandas().to_parquet(temporary, index=False)
