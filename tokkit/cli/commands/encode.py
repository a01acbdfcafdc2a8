"""`tokkit encode`: text to ids."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb
from tokkit.errors import UsageError

if TYPE_CHECKING:
    from tokkit.cli.tokenizers import Allowed
    from tokkit.load import AnyTokenizer


@verb(
    "encode",
    examples=(
        'echo "good day" | tokkit encode mytok',
        "tokkit encode tokenizer.json book.txt --whole --json",
    ),
)
@click.argument("tokenizer")
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("--text", help="Encode this text instead of INPUT.")
@click.option("--whole", is_flag=True, help="Each INPUT is one text: one line of ids for all its lines.")
@click.option("--tokens", "show_tokens", is_flag=True, help="Print tokens instead of ids.")
@click.option("--offsets", "show_offsets", is_flag=True, help="Print id:START-END, in bytes of the text.")
@click.option(
    "--dropout",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="X",
    help="Leave out each merge with this probability.",
)
@options.seed_option
@options.specials_option
@options.threads_option
@options.json_option
@options.offline_option
def command(
    talk: Talk,
    *,
    tokenizer: str,
    inputs: tuple[str, ...],
    text: str | None,
    whole: bool,
    show_tokens: bool,
    show_offsets: bool,
    dropout: float,
    seed: int,
    allow_special: tuple[str, ...],
    threads: int,
    as_json: bool,
) -> None:
    """TOKENIZER is a folder of tokkit, a tokenizer.json, a .tiktoken or sentencepiece file, or a hub id. INPUT is a
    file, or - for stdin (the default); a line is encoded without its line feed.
    """
    from tokkit.cli.lines import batches_of_lines, whole_texts
    from tokkit.cli.tokenizers import allowed_specials
    from tokkit.load import load_tokenizer

    if text is not None and inputs:
        raise UsageError("--text: and INPUT exclude each other")
    if show_tokens and show_offsets and not as_json:
        raise UsageError("--tokens: and --offsets go together only with --json")
    if dropout and (as_json or show_tokens or show_offsets):
        raise UsageError("--dropout: goes with plain ids only, not with --json, --tokens or --offsets")
    loaded = load_tokenizer(tokenizer)
    allowed = allowed_specials(allow_special, loaded)
    batches: Iterable[list[str]] = (
        [[text]] if text is not None else (whole_texts if whole else batches_of_lines)(inputs)
    )
    if as_json:
        rows = _documents(loaded, batches, allowed, threads, show_tokens=show_tokens, show_offsets=show_offsets)
        _print_json(tokenizer, rows)
        return
    for batch in batches:
        if show_tokens or show_offsets:
            lines = (_spelled(loaded, line, allowed, show_tokens=show_tokens) for line in batch)
        else:
            found = loaded.encode_batch(batch, threads=threads, allowed_special=allowed, dropout=dropout, seed=seed)
            # Another seed for each batch, or the same draws would come again and again.
            seed += len(batch)
            lines = (" ".join(map(str, ids)) for ids in found.lists())
        sys.stdout.write("".join(line + "\n" for line in lines))
        sys.stdout.flush()


def _ids(tokenizer: "AnyTokenizer", texts: list[str], allowed: "Allowed", threads: int) -> list[list[int]]:
    return tokenizer.encode_batch(texts, threads=threads, allowed_special=allowed).lists()


def _spelled(tokenizer: "AnyTokenizer", text: str, allowed: "Allowed", *, show_tokens: bool) -> str:
    from tokkit.report.text import visible

    if show_tokens:
        return " ".join(
            visible(tokenizer.token_bytes(token)) for token in tokenizer.encode(text, allowed_special=allowed)
        )
    encoding = tokenizer.encode_offsets(text, allowed_special=allowed)
    pairs = zip(encoding.ids, encoding.byte_offsets, strict=True)
    return " ".join(f"{token}:{start}-{end}" for token, (start, end) in pairs)


def _documents(
    tokenizer: "AnyTokenizer",
    batches: Iterable[list[str]],
    allowed: "Allowed",
    threads: int,
    *,
    show_tokens: bool,
    show_offsets: bool,
) -> Iterator[dict[str, Any]]:
    for batch in batches:
        for text, ids in zip(batch, _ids(tokenizer, batch, allowed, threads), strict=True):
            row: dict[str, Any] = {"ids": ids}
            if show_tokens:
                row["tokens"] = [tokenizer.token_bytes(token).decode("utf-8", "replace") for token in ids]
            if show_offsets:
                encoding = tokenizer.encode_offsets(text, allowed_special=allowed)
                row["byte_offsets"] = [[int(start), int(end)] for start, end in encoding.byte_offsets]
                row["char_offsets"] = [[int(start), int(end)] for start, end in encoding.char_offsets]
            yield row


def _print_json(tokenizer: str, rows: Iterable[dict[str, Any]]) -> None:
    """One object, written row by row: a corpus need not fit in memory."""
    head = json.dumps({"schema": "tokkit.encoding", "version": 1, "tokenizer": tokenizer}, ensure_ascii=False)
    sys.stdout.write(head[:-1] + ', "documents": [')
    for index, row in enumerate(rows):
        sys.stdout.write((",\n" if index else "") + json.dumps(row, ensure_ascii=False))
    sys.stdout.write("]}\n")
