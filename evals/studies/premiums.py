"""What many tokenizers make many languages pay on parallel text: the page, the rows, a figure and a summary.

    python evals/studies/premiums.py --texts FOLDER --reference eng --out FOLDER NAME=TOKENIZER...

FOLDER holds one file for each language, line n of each saying the same; files of other lengths are left out and
counted. A tokenizer that loses more than a tenth of the letters of a language does not count there: text that is
dropped or unknown costs nothing, which says nothing.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tokkit.evaluate import BASELINES, Results, evaluate
from tokkit.load import load_tokenizer
from tokkit.metrics.base import Subject
from tokkit.metrics.fairness import gini
from tokkit.metrics.letters import LETTERS_LOST
from tokkit.report.page import COUNTERS, page
from tokkit.report.picture import write_picture
from tokkit.report.tables import to_csv, to_markdown

METRICS = ("premium", "tokens_per_document", "fertility.uax29", "bytes_per_token", "unk_char_rate", LETTERS_LOST)
MOST_LOST = 0.1


def read_texts(folder: Path, languages: Sequence[str] | None, reference: str) -> tuple[dict[str, list[str]], int]:
    """(lines by language, how many files have another number of lines)."""
    wanted = {*(languages or ()), reference}
    texts = {
        path.stem: path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        for path in sorted(folder.glob("*.txt"))
        if not languages or path.stem in wanted
    }
    kept = {name: lines for name, lines in texts.items() if len(lines) == len(texts[reference])}
    return kept, len(texts) - len(kept)


def summary(
    results: Results, subjects: Mapping[str, Subject], loss: Mapping[tuple[str, str], float]
) -> list[list[str]]:
    """One line a tokenizer: only over the languages that it keeps."""
    texts = list(dict.fromkeys(text for _, text in loss))
    cells = [["tokenizer", "vocabulary", "languages kept", "Gini", "mean premium", "dearest", "its premium"]]
    for name, subject in subjects.items():
        kept = [text for text in texts if loss[name, text] <= MOST_LOST]
        own = {text: results.value(name, text, "premium") or 0.0 for text in kept}
        dearest = max(own, key=lambda text: own[text])
        cells.append(
            [
                name,
                f"{subject.vocab_size:,}",
                f"{len(kept)} of {len(texts)}",
                f"{gini([*own.values()]):.3f}",
                f"{sum(own.values()) / len(own):.2f}",
                dearest,
                f"{own[dearest]:.2f}",
            ]
        )
    return cells


def main(arguments: Sequence[str]) -> int:
    """Measures, writes premiums.html, premiums.csv and premiums.png, prints the summary as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("tokenizers", nargs="+")
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--languages", nargs="*", help="names of files without .txt; all of them otherwise")
    parser.add_argument("--reference", default="eng")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    texts, left_out = read_texts(options.texts, options.languages, options.reference)
    subjects: dict[str, Subject] = {"bytes": BASELINES["bytes"](), "characters": BASELINES["characters"]()}
    for item in options.tokenizers:
        name, _, path = item.partition("=")
        subjects[name] = load_tokenizer(path)
    results = evaluate(subjects, texts, METRICS, reference=options.reference, counters=COUNTERS, intervals=True)
    loss = {(name, text): results.value(name, text, LETTERS_LOST) or 0.0 for name in subjects for text in texts}
    options.out.mkdir(parents=True, exist_ok=True)
    title = f"Token premiums: {len(subjects)} tokenizers, {len(texts)} languages"
    samples = {name: lines[1] for name, lines in texts.items()}
    content = page(results, title=title, tokenizers=subjects, samples=samples)
    (options.out / "premiums.html").write_text(content, encoding="utf-8")
    (options.out / "premiums.csv").write_text(to_csv(results), encoding="utf-8")
    whole = [name for name in subjects if all(loss[name, text] <= MOST_LOST for text in texts)]
    shown = replace(results, rows=tuple(row for row in results.rows if row.tokenizer in whole))
    write_picture(shown, options.out / "premiums.png", metric="premium")
    n_lines = len(texts[options.reference])
    print(f"{len(texts)} languages, {n_lines} documents each; left out for other lengths: {left_out}\n")
    print(to_markdown(summary(results, subjects, loss), left=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
