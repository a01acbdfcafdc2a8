"""`tokkit signals`: how predictable each byte of a text is."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokkit.cli import options
from tokkit.cli.listed import options_of
from tokkit.cli.verb import Talk, verb
from tokkit.errors import InputError, UsageError

if TYPE_CHECKING:
    from tokkit.bytespan.lm import ByteLm
    from tokkit.bytespan.neural import NeuralByteLm
    from tokkit.corpus.spec import SourceSpec
    from tokkit.progress import Progress


def _more_options(arguments: Sequence[str]) -> list[click.Option]:
    place = "tokkit.corpus.spec:SourceSpec"
    return options_of(place, "source", arguments, heading="Options of reading", skip={"path", "weight"})


@verb(
    "signals",
    examples=(
        "tokkit signals book.txt -o book.parquet --save-lm book.lm",
        "tokkit signals book.txt -o book.parquet --model byte-llama --stride 512",
    ),
    more_options=_more_options,
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@options.out_option("Parquet file to write; may be left out with --save-lm.", required=False)
@click.option("--lm", metavar="FILE", help="Byte language model, or a tokenizer's folder that has one; else of INPUT.")
@click.option(
    "--order", type=click.IntRange(1, 32), default=5, show_default=True, help="Longest n-gram of the model of INPUT."
)
@click.option(
    "--min-count",
    type=click.IntRange(1, 2**32 - 1),
    default=1,
    show_default=True,
    help="Leave rarer n-grams of three bytes and more out of it.",
)
@click.option("--save-lm", type=click.Path(path_type=Path), metavar="FILE", help="Also keep the model of INPUT.")
@click.option(
    "--model", "folder", metavar="FOLDER", help="Ask this causal byte-level model of transformers (extra `models`)."
)
@click.option(
    "--first-id", type=click.IntRange(0), metavar="N", help="Its id of byte 0, where tokenizer.json lacks it."
)
@click.option("--window", type=click.IntRange(1), metavar="N", help="Bytes it sees at once.  [default: at most 2048]")
@click.option("--stride", type=click.IntRange(1), metavar="N", help="Bytes between windows.  [default: a quarter]")
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True, help="Windows at a time.")
@click.option("--device", metavar="NAME", help="Where it runs, as torch names it.  [default: cuda if there is one]")
@click.option(
    "--space-in-front", is_flag=True, help="A space before each document that has none, as ByteSpan's authors do."
)
@options.threads_option
@options.overwrite_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    inputs: tuple[str, ...],
    output: Path | None,
    lm: str | None,
    order: int,
    min_count: int,
    save_lm: Path | None,
    folder: str | None,
    first_id: int | None,
    window: int | None,
    stride: int | None,
    batch_size: int,
    device: str | None,
    space_in_front: bool,
    threads: int,
    overwrite: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """INPUT is what `tokkit train` takes. Each document (of text files: line) becomes a row with its surprisal and
    entropy at each byte, in bits, which `tokkit train --method bytespan --signals` reads. With several INPUT each is a
    language by itself unless --language names one.
    """
    from tokkit.atomic import refuse_overwrite
    from tokkit.cli.derived import given

    if lm is not None and folder is not None:
        raise UsageError("--lm and --model exclude each other")
    if output is None and save_lm is None:
        raise UsageError("nothing to write", hint="give -o FILE, --save-lm FILE, or both")
    if save_lm is not None and (lm is not None or folder is not None):
        raise UsageError("--save-lm keeps a model that is learnt from INPUT: it does not go with --lm or --model")
    for path in (output, save_lm):
        if path is not None:
            refuse_overwrite(path, overwrite=overwrite)
    sources = _sources(inputs, given(chosen, "source"))
    with talk.display() as display:
        model: ByteLm | NeuralByteLm
        if folder is not None:
            from tokkit.bytespan import neural

            model = neural.NeuralByteLm(
                folder, window=window, stride=stride, batch_size=batch_size, device=device, first_id=first_id
            )
        else:
            model = _byte_lm(lm, sources, order, min_count, space_in_front, display)
        if save_lm is not None and folder is None:
            model.save(save_lm, overwrite=overwrite)  # type: ignore[union-attr]  # without a folder it is a ByteLm
        facts = {} if output is None else _write(model, sources, output, overwrite, space_in_front, threads, display)
    paths = [str(path) for path in (output, save_lm) if path is not None]
    if as_json:
        click.echo(json.dumps({"schema": "tokkit.signals", "version": 1, "files": paths, **facts}))
        return
    if facts:
        talk.say(
            f"{facts['documents']:,} documents, {facts['bytes']:,} bytes: {facts['surprisal']:.4f} bits of surprisal "
            f"and {facts['entropy']:.4f} of entropy a byte"
        )
    click.echo("\n".join(paths))


def _sources(inputs: Sequence[str], source: dict[str, Any]) -> "list[SourceSpec]":
    from tokkit.corpus.spec import SourceSpec
    from tokkit.recipe.inputs import resolve

    named = source.pop("language", None)
    own = named is None and len(inputs) > 1
    return [SourceSpec(path=resolve(path), language=path if own else named, **source) for path in inputs]


def _byte_lm(
    lm: str | None, sources: "list[SourceSpec]", order: int, min_count: int, space: bool, progress: "Progress"
) -> "ByteLm":
    from tokkit.bytespan.lm import ByteLm

    if lm is not None:
        return ByteLm.load(lm)
    if any(source.path == "-" for source in sources):
        raise UsageError(
            "a model of INPUT reads it twice, and standard input can be read once", hint="give --lm, or a file"
        )
    texts = (text for batch, _ in _batches(sources, space, progress) for text in batch)
    return ByteLm.train(texts, order=order, min_count=min_count, progress=progress)


def _write(
    model: "ByteLm | NeuralByteLm",
    sources: "list[SourceSpec]",
    output: Path,
    overwrite: bool,
    space: bool,
    threads: int,
    progress: "Progress",
) -> dict[str, Any]:
    from tokkit.bytespan.lm import ByteLm
    from tokkit.bytespan.signals_file import writing_signals

    sums = [0.0, 0.0]
    with writing_signals(output, overwrite=overwrite) as writer:
        for batch, language in _batches(sources, space, progress):
            if isinstance(model, ByteLm):
                surprisal, entropy = model.signals(batch, threads=threads)
            else:
                surprisal, entropy = model.signals(batch, progress=progress)
            writer.write(batch, surprisal, entropy, [language] * len(batch))
            sums = [sums[0] + float(surprisal.sum()), sums[1] + float(entropy.sum())]
        if writer.n_bytes == 0:
            raise InputError(f"{', '.join(source.path for source in sources)}: no text")
        n = writer.n_bytes
        return {"documents": writer.n_documents, "bytes": n, "surprisal": sums[0] / n, "entropy": sums[1] / n}


def _batches(
    sources: "list[SourceSpec]", space: bool, progress: "Progress"
) -> "Iterator[tuple[list[bytes], str | None]]":
    """Documents with the language of their source."""
    from tokkit.corpus.batch import read_offsets
    from tokkit.corpus.read import read

    for source in sources:
        for batch in read(source).batches(progress):
            found = [batch.blob[low:high] for low, high in pairwise(read_offsets(batch.offsets))]
            yield [b" " + text if space and not text[:1].isspace() else text for text in found], source.language
