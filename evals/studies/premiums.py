"""What many tokenizers make many languages pay on parallel text: the page, the rows, a figure and a summary.

    python evals/studies/premiums.py --texts FOLDER --reference eng --out FOLDER NAME=TOKENIZER...

FOLDER holds one file for each language, line n of each saying the same; files of other lengths are left out and
counted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tokkit.evaluate import BASELINES, evaluate
from tokkit.load import load_tokenizer
from tokkit.metrics.base import Subject
from tokkit.report.page import COUNTERS, page
from tokkit.report.picture import write_picture
from tokkit.report.tables import to_csv

METRICS = ("premium@1", "tokens_per_document@1", "fertility.uax29@1", "bytes_per_token@1", "unk_char_rate@1")


def main(arguments: Sequence[str]) -> int:
    """Measures, writes premiums.html, premiums.csv and premiums.png, prints the summary as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("tokenizers", nargs="+")
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--languages", nargs="*", help="names of files without .txt; all of them otherwise")
    parser.add_argument("--reference", default="eng")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    wanted = set(options.languages or ()) | {options.reference}
    texts: dict[str, list[str]] = {}
    for path in sorted(options.texts.glob("*.txt")):
        if not options.languages or path.stem in wanted:
            texts[path.stem] = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    length = len(texts[options.reference])
    left_out = [name for name, lines in texts.items() if len(lines) != length]
    texts = {name: lines for name, lines in texts.items() if len(lines) == length}
    subjects: dict[str, Subject] = {"bytes": BASELINES["bytes"](), "characters": BASELINES["characters"]()}
    for item in options.tokenizers:
        name, _, path = item.partition("=")
        subjects[name] = load_tokenizer(path)
    results = evaluate(subjects, texts, METRICS, reference=options.reference, counters=COUNTERS, intervals=True)
    options.out.mkdir(parents=True, exist_ok=True)
    title = f"Token premiums: {len(subjects)} tokenizers, {len(texts)} languages"
    samples = {name: lines[1] for name, lines in texts.items()}
    content = page(results, title=title, tokenizers=subjects, samples=samples)
    (options.out / "premiums.html").write_text(content, encoding="utf-8")
    write_picture(results, options.out / "premiums.png", metric="premium")
    (options.out / "premiums.csv").write_text(to_csv(results), encoding="utf-8")
    print(f"{len(texts)} languages, {length} documents each; left out for other lengths: {len(left_out)}\n")
    print("| tokenizer | vocabulary | Gini | mean premium | worst language | its premium | most unknown characters |")
    print("| --- | ---: | ---: | ---: | --- | ---: | ---: |")
    for name, subject in subjects.items():
        own = {row.text: row.value for row in results.rows if row.tokenizer == name and row.name == "premium"}
        known = {text: value for text, value in own.items() if value is not None}
        worst = max(known, key=lambda text: known[text])
        unknown = max(row.value or 0 for row in results.rows if row.tokenizer == name and row.name == "unk_char_rate")
        gini = results.value(name, "all texts", "fairness.gini")
        mean = sum(known.values()) / len(known)
        shown = "-" if gini is None else f"{gini:.3f}"
        print(
            f"| {name} | {subject.vocab_size:,} | {shown} | {mean:.3f} | {worst} | {known[worst]:.2f} | {unknown:.1%} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
