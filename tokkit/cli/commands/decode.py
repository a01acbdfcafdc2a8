"""`tokkit decode`: ids to text."""

import json
import sys

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb
from tokkit.errors import InputError, TokkitError


@verb("decode", examples=('echo "72 105" | tokkit decode mytok', "tokkit encode mytok book.txt | tokkit decode mytok"))
@click.argument("tokenizer")
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("--ids", "ids_text", metavar="IDS", help="Decode these ids instead of INPUT.")
@click.option(
    "--errors",
    type=click.Choice(("replace", "strict")),
    default="replace",
    show_default=True,
    help="What becomes of bytes that are not UTF-8.",
)
@click.option("--bytes", "as_bytes", is_flag=True, help="Write the bytes as they are, without line feeds of our own.")
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizer: str,
    inputs: tuple[str, ...],
    ids_text: str | None,
    errors: str,
    as_bytes: bool,
    as_json: bool,
) -> None:
    """INPUT is a file, or - for stdin (the default): numbers, with spaces or commas between, one text a line."""
    from tokkit.cli.lines import batches_of_lines
    from tokkit.load import load_tokenizer

    loaded = load_tokenizer(tokenizer)
    texts: list[str] = []
    number = 0
    for batch in [[ids_text]] if ids_text is not None else batches_of_lines(inputs):
        for line in batch:
            number += 1
            ids = _numbers(line, number)
            try:
                if as_bytes:
                    sys.stdout.buffer.write(loaded.decode_bytes(ids))
                    continue
                text = loaded.decode_bytes(ids).decode("utf-8") if errors == "strict" else loaded.decode(ids)
            except UnicodeDecodeError as error:
                raise InputError(f"line {number}: the ids spell no UTF-8 at byte {error.start}") from None
            except TokkitError as error:
                raise type(error)(f"line {number}: {error.message}", hint=error.hint) from None
            if as_json:
                texts.append(text)
            else:
                sys.stdout.write(text + "\n")
        sys.stdout.flush()
    if as_json:
        click.echo(json.dumps({"schema": "tokkit.decoding", "version": 1, "texts": texts}, ensure_ascii=False))


def _numbers(line: str, number: int) -> list[int]:
    words = line.replace(",", " ").strip().removeprefix("[").removesuffix("]").split()
    for word in words:
        if not word.isascii() or not word.isdigit() or len(word) > 10:
            raise InputError(f"line {number}: not an id, got `{word[:40]}`", hint="give whole numbers, one text a line")
    return [int(word) for word in words]
