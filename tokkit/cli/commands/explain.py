"""`tokkit explain`: the history of a token."""

import json

import click

from tokkit.cli import options
from tokkit.cli.verb import Talk, verb


@verb("explain", examples=('tokkit explain mytok " the"', "tokkit explain mytok --id 300 --json"))
@click.argument("tokenizer")
@click.argument("token", required=False)
@click.option("--id", "number", type=click.IntRange(0), metavar="N", help="Name the token by its id.")
@options.json_option
@options.offline_option
def command(talk: Talk, *, tokenizer: str, token: str | None, number: int | None, as_json: bool) -> None:
    r"""TOKEN is the text that the token stands for, its spaces included; escapes such as \xc3 and \n name bytes.
    Tokens that left the vocabulary are found too.
    """
    from tokkit.api import model_of
    from tokkit.errors import UsageError
    from tokkit.model.explain import explain, find_id, find_token
    from tokkit.report.explain import explanation_json, render_explanation

    if (token is None) == (number is None):
        raise UsageError("give TOKEN or --id, one of them")
    model = model_of(tokenizer)
    place = find_id(model, number) if number is not None else find_token(model, unescaped(token or ""))
    found = explain(model, place)
    if as_json:
        head = {"schema": "tokkit.explain", "version": 1, "tokenizer": tokenizer}
        click.echo(json.dumps({**head, **explanation_json(model, found)}, ensure_ascii=False))
        return
    click.echo(render_explanation(model, found))


def unescaped(text: str) -> bytes:
    r"""The bytes of a token as `tokkit show` writes it: UTF-8, with escapes for what is not shown.

    >>> unescaped(r"caf\xc3") == b"caf" + bytes([0xC3])
    True
    """
    import re

    escape = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt\\]))")
    out, at = bytearray(), 0
    for found in escape.finditer(text):
        out += text[at : found.start()].encode()
        byte, short, long, named = found.groups()
        if byte:
            out.append(int(byte, 16))
        elif short or long:
            out += chr(int(short or long, 16)).encode("utf-8", "replace")
        else:
            out += {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\"}[named]
        at = found.end()
    return bytes(out + text[at:].encode())
