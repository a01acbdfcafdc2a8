"""The first five minutes with tokkit, as `make demo` shows them: each command is printed, then run."""

import argparse
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
SENTENCE = "Tokenizers read İstanbul’dan gelen haberler, 日本語 and for (i = 0; i < 10; i++) alike."
HELD_OUT = {
    "english": "eng",
    "spanish": "spa",
    "turkish": "tur",
    "japanese": "jpn",
    "german": "deu_1996",
    "hindi": "hin",
}


def main() -> int:
    """Trains, shows, measures; the exit code of the first command that fails, or 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokkit", required=True, help="the command to show")
    parser.add_argument("--output", type=Path, required=True, help="folder for all results")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    tokenizer = given.output / "tokenizer"
    evaluation = given.output / "evaluation.json"

    training = [*sorted(DATA.glob("books/*.gz")), *sorted(DATA.glob("pydocs/*.gz"))]
    texts = [part for name, code in HELD_OUT.items() for part in ("--on", f"{name}={_short(DATA / 'udhr' / code)}.txt")]
    measure = ["eval", str(tokenizer), "bytes", *texts]

    say("1. Train a byte-level BPE tokenizer of 16,000 tokens on a novel and on manuals in five languages.")
    train = ["train", *map(_short, training), "--vocab-size", "16000", "--output", str(tokenizer), "--overwrite"]
    started = time.perf_counter()
    if code := run(given.tokkit, train):
        return code
    print(f"  ({time.perf_counter() - started:.1f} s)", flush=True)

    say("2. See the tokens of a sentence.")
    if code := run(given.tokkit, ["encode", str(tokenizer), "--tokens", "--text", SENTENCE]):
        return code

    say("3. Measure it on text it has never seen, beside a plain baseline: one token for each byte.")
    say("   It was trained on English, Spanish, Japanese, Turkish and Ukrainian; German and Hindi are strange to it.")
    if code := run(given.tokkit, measure):
        return code
    with evaluation.open("wb") as file:
        if code := run(given.tokkit, [*measure, "--json"], quiet=True, output=file.fileno()):
            return code
    print(
        f"""
bytes_per_token   how much text a token holds: more is better
fertility.ws      tokens per word between spaces: fewer is better (no use for Japanese, which writes no spaces)
strr.in_context   share of words that are a single token
round_trip        1.000: decoding gives every document back, character for character

Results:
  {tokenizer}/                  the tokenizer; README.md in it says what it is
  {tokenizer}/tokenizer.json    loads with `tokenizers` and `transformers`
  {evaluation}       all numbers

Go on: {given.tokkit} --help""",
        flush=True,
    )
    return 0


def say(text: str) -> None:
    """Prints a heading."""
    print(f"\n{text}" if text[0] != " " else text, flush=True)


def run(program: str, arguments: list[str], *, quiet: bool = False, output: int | None = None) -> int:
    """Prints the command as one would type it, then runs it; its exit code."""
    if not quiet:
        print("$ tokkit " + shlex.join(arguments), flush=True)
    # Each demonstration does all of its work, and leaves nothing outside of its folder.
    environment = os.environ | {"TOKKIT_CACHE": "off"}
    return subprocess.run([*shlex.split(program), *arguments], stdout=output, env=environment, check=False).returncode


def _short(path: Path) -> str:
    """The path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


if __name__ == "__main__":
    sys.exit(main())
