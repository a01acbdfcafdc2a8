"""`tokkit hyper`: hypertokens over the ids of any tokenizer."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from tokkit.cli import hypertuning, options
from tokkit.cli.verb import Talk, verb
from tokkit.errors import InputError, UsageError

if TYPE_CHECKING:
    from tokkit.hyper import HypertokenCodec
    from tokkit.load import AnyTokenizer

ACTIONS = ("encode", "decode", "stats", "tune", "generate")


@verb(
    "hyper",
    examples=(
        "tokkit hyper encode mytok book.txt --whole",
        "tokkit hyper stats mytok book.txt code.txt --codebook-size 512 --codebook-size 2048",
        "tokkit hyper tune model/ book.txt -o tuned --codebook-size 256 --steps 2000",
        "tokkit hyper generate tuned prompts.txt --max-codes 100",
    ),
    more_options=hypertuning.more_options,
)
@click.argument("action", type=click.Choice(ACTIONS), metavar="ACTION")
@click.argument("tokenizer")
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option(
    "--config", "config_path", type=click.Path(path_type=Path), metavar="FILE", help="Sizes from this JSON file."
)
@click.option(
    "--codebook-size",
    "codebook_sizes",
    type=click.IntRange(0, 2**30),
    multiple=True,
    default=(2048,),
    show_default=True,
    help="Most hypertokens in a sequence (stats: repeatable).",
)
@click.option(
    "--max-subtokens",
    type=click.IntRange(1, 2**30),
    multiple=True,
    default=(4,),
    show_default=True,
    help="Most ids in a hypertoken (stats: repeatable).",
)
@click.option(
    "--boundary", type=click.IntRange(1, 2**30), metavar="N", help="First hypertoken's id; else the vocabulary's size."
)
@click.option(
    "--disable",
    "disabled",
    type=click.IntRange(0, 2**32 - 1),
    multiple=True,
    metavar="ID",
    help="Id that no hypertoken holds (repeatable).",
)
@click.option(
    "--policy",
    type=click.Choice(("freeze", "reset", "lru")),
    default="freeze",
    show_default=True,
    help="Full codebook: keep it, start again, or give up the hypertoken not used for longest.",
)
@click.option("--whole", is_flag=True, help="Each INPUT is one text (encode; stats always does so).")
@click.option("--tolerant", is_flag=True, help="Decode also what no encoder makes, as a model may write it.")
@click.option(
    "--length",
    "lengths",
    type=click.IntRange(1),
    multiple=True,
    default=(1024, 4096, 16384),
    show_default=True,
    help="Ids in a row (stats, repeatable).",
)
@click.option(
    "--picture", type=click.Path(path_type=Path), metavar="FILE", help="Draw the figures of stats: .svg, .png or .pdf."
)
@click.option("--markdown", is_flag=True, help="Tables in Markdown, one a codebook size (stats).")
@options.out_option("Folder to make (tune).", required=False)
@click.option(
    "--max-codes", type=click.IntRange(1), default=128, show_default=True, help="Most codes behind a line (generate)."
)
@click.option(
    "--temperature",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="0 takes the likeliest code (generate).",
)
@options.seed_option
@options.resume_option
@options.overwrite_option
@options.threads_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    action: Literal["encode", "decode", "stats", "tune", "generate"],
    tokenizer: str,
    inputs: tuple[str, ...],
    config_path: Path | None,
    codebook_sizes: tuple[int, ...],
    max_subtokens: tuple[int, ...],
    boundary: int | None,
    disabled: tuple[int, ...],
    policy: Literal["freeze", "reset", "lru"],
    whole: bool,
    tolerant: bool,
    lengths: tuple[int, ...],
    picture: Path | None,
    markdown: bool,
    output: Path | None,
    max_codes: int,
    temperature: float,
    seed: int,
    resume: bool,
    overwrite: bool,
    threads: int,
    as_json: bool,
    **chosen: Any,
) -> None:
    """ACTION is encode (text to codes, one line a text), decode (codes to text), stats (how much shorter each INPUT
    becomes), tune (teach a model hypertokens; needs the extra `models`) or generate (let it continue each line).

    TOKENIZER is as for `encode`; its ids are the base ids, hypertokens come behind its vocabulary. For tune it is the
    folder of a causal model with its tokenizer, for generate what tune made.
    """
    from tokkit.load import load_tokenizer

    if picture is not None and action != "stats":
        raise UsageError("--picture: goes with stats")
    if markdown and (action != "stats" or as_json):
        raise UsageError("--markdown: goes with stats, and not with --json")
    if (output is None) == (action == "tune"):
        raise UsageError("-o/--output: tune needs it, no other action has it")
    if action == "generate":
        hypertuning.generate(
            Path(tokenizer), inputs, max_codes=max_codes, temperature=temperature, seed=seed, as_json=as_json
        )
        return
    loaded = load_tokenizer(tokenizer)
    first = boundary or loaded.vocab_size
    if action == "stats":
        _stats(
            loaded,
            inputs,
            first,
            codebook_sizes,
            max_subtokens,
            policy,
            disabled,
            lengths,
            picture,
            threads,
            markdown=markdown,
            as_json=as_json,
        )
        return
    if len(codebook_sizes) > 1 or len(max_subtokens) > 1:
        raise UsageError(f"--codebook-size and --max-subtokens: one value each for {action}")
    if action == "tune":
        bos, stops = hypertuning.start_and_stops(Path(tokenizer))
        disabled = (*disabled, *bos, *stops)
    codec = _codec(config_path, first, codebook_sizes[0], max_subtokens[0], disabled, policy)
    if output is not None:
        hypertuning.tune(
            talk,
            Path(tokenizer),
            loaded,
            codec,
            inputs,
            output,
            chosen=chosen,
            seed=seed,
            resume=resume,
            overwrite=overwrite,
            threads=threads,
            as_json=as_json,
        )
    elif action == "encode":
        _encode(loaded, codec, inputs, threads, whole=whole, as_json=as_json)
    else:
        _decode(loaded, codec, inputs, tolerant=tolerant, as_json=as_json)


def _codec(
    path: Path | None,
    first: int,
    size: int,
    longest: int,
    disabled: tuple[int, ...],
    policy: Literal["freeze", "reset", "lru"],
) -> "HypertokenCodec":
    from tokkit.hyper import HypertokenCodec, HypertokenConfig

    if path is not None:
        return HypertokenCodec.from_file(path)
    # Padding is not needed here: an id behind all codes stands for it.
    return HypertokenCodec(
        HypertokenConfig(
            initial_vocab_size=first,
            max_codebook_size=size,
            max_subtokens=longest,
            pad_token_id=first + size,
            disabled_ids=disabled,
            policy=policy,
        )
    )


def _encode(
    tokenizer: "AnyTokenizer",
    codec: "HypertokenCodec",
    inputs: tuple[str, ...],
    threads: int,
    *,
    whole: bool,
    as_json: bool,
) -> None:
    from tokkit.cli.lines import batches_of_lines, whole_texts

    documents: list[dict[str, Any]] = []
    for batch in (whole_texts if whole else batches_of_lines)(inputs):
        rows = list(tokenizer.encode_batch(batch, threads=threads))
        encoded = codec.encode_batch(rows, threads=threads, with_codebooks=as_json)
        if as_json:
            books = encoded.codebooks
            documents += [
                {"codes": codes, "codebook": {str(code): ids for code, ids in book.to_dict().items()}}
                for codes, book in zip(encoded.lists(), books, strict=True)
            ]
            continue
        sys.stdout.write("".join(" ".join(map(str, codes)) + "\n" for codes in encoded.lists()))
        sys.stdout.flush()
    if as_json:
        head = {"schema": "tokkit.hyper-encoding", "version": 1, "config": codec.config.model_dump(mode="json")}
        click.echo(json.dumps({**head, "documents": documents}))


def _decode(
    tokenizer: "AnyTokenizer", codec: "HypertokenCodec", inputs: tuple[str, ...], *, tolerant: bool, as_json: bool
) -> None:
    from tokkit.cli.lines import batches_of_lines

    texts: list[str] = []
    number = 0
    for batch in batches_of_lines(inputs):
        for line in batch:
            number += 1
            try:
                ids = codec.decode(_numbers(line), tolerant=tolerant).ids
                text = tokenizer.decode(ids.tolist())
            except InputError as error:
                raise InputError(f"line {number}: {error.message}", hint=error.hint) from None
            if as_json:
                texts.append(text)
            else:
                sys.stdout.write(text + "\n")
        sys.stdout.flush()
    if as_json:
        click.echo(json.dumps({"schema": "tokkit.hyper-decoding", "version": 1, "texts": texts}, ensure_ascii=False))


def _numbers(line: str) -> list[int]:
    words = line.replace(",", " ").split()
    for word in words:
        if not word.isascii() or not word.isdigit() or len(word) > 10:
            raise InputError(f"not a code, got `{word[:40]}`", hint="give whole numbers, one text a line")
    return [int(word) for word in words]


def _stats(
    tokenizer: "AnyTokenizer",
    inputs: Iterable[str],
    first: int,
    sizes: tuple[int, ...],
    longest: tuple[int, ...],
    policy: Literal["freeze", "reset", "lru"],
    disabled: tuple[int, ...],
    lengths: tuple[int, ...],
    picture: Path | None,
    threads: int,
    *,
    markdown: bool,
    as_json: bool,
) -> None:
    from tokkit.cli.lines import whole_texts
    from tokkit.hyper import stats

    sources = {}
    for path in tuple(inputs) or ("-",):
        for texts in whole_texts((path,)):
            sources["stdin" if path == "-" else path] = list(tokenizer.encode_batch(texts, threads=threads))
    rows = stats.reduction(
        sources,
        initial_vocab_size=first,
        lengths=lengths,
        codebook_sizes=sizes,
        max_subtokens=longest,
        policy=policy,
        disabled_ids=disabled,
        threads=threads,
    )
    if picture is not None:
        stats.draw(rows, picture)
    if as_json:
        click.echo(json.dumps({"schema": "tokkit.hyper-stats", "version": 1, "rows": [row.to_json() for row in rows]}))
    else:
        click.echo(stats.markdown(rows) if markdown else stats.table(rows))
