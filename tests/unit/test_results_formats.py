"""Results written for other programs: nothing executes, nothing breaks the format, whatever names and tokens say."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tokkit.evaluate import BASELINES, Results, evaluate
from tokkit.metrics.base import Value, find
from tokkit.report.page import page
from tokkit.report.tables import csv_cell, to_csv, to_latex, to_markdown

STRINGS = json.loads((Path(__file__).parents[1] / "data" / "blns.json").read_text(encoding="utf-8"))
HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(1)",
    "-2",
    "\tx",
    "\x1b[2Jx\x1b]0;title\x07",
    "\u202egnp.exe",
    "a|b\n|c|",
    "$\\input{/etc/passwd}$",
    "javascript:alert(1)",
    "]]><svg/onload=alert(1)>",
]


ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "nav", "a", "p", "b", "div"),
    *("span", "ul", "li", "details", "summary", "dl", "dt", "dd", "code", "pre", "input", "script"),
    *("table", "thead", "tbody", "tr", "th", "td", "button", "svg", "rect", "text", "line", "path"),
    *("polyline"),
}


class Elements(HTMLParser):
    """Collects the elements, attributes and scripts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


def parsed(content: str) -> Elements:
    elements = Elements()
    elements.feed(content)
    return elements


@pytest.fixture(scope="module")
def hostile() -> Results:
    names = HOSTILE + STRINGS[:60]
    tokenizers = {name: BASELINES["bytes"]() for name in names[:20]}
    texts = {name or "empty": [name.encode("utf-8", "ignore").decode()] for name in names[20:26]}
    return evaluate(tokenizers, texts, ["fertility.ws", "bytes_per_token", "renyi_efficiency.observed"])


def test_page_of_hostile_names_has_no_element_of_theirs(hostile):
    samples = {f"sample {place}": text for place, text in enumerate(HOSTILE)}
    subjects = {name: BASELINES["bytes"]() for name in HOSTILE[:3]}
    elements = parsed(page(hostile, title=HOSTILE[0], tokenizers=subjects, samples=samples))
    tags = [tag for tag, _ in elements.found]
    assert tags.count("script") == 1
    assert not {"img", "iframe", "object", "embed", "link", "form", "base"} & set(tags)
    for tag, attributes in elements.found:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        assert not {"src", "action"} & attributes.keys(), (tag, attributes)
        assert re.fullmatch(r"#s\d+", attributes.get("href", "#s0")), (tag, attributes)


def test_page_asks_for_nothing_from_outside_and_says_so(hostile):
    content = page(hostile)
    policy = next(a["content"] for t, a in parsed(content).found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert set(re.findall(r"https?://[^\"' <]+", content)) <= {"http://www.w3.org/2000/svg"}


def test_policy_names_the_digest_of_the_script(hostile):
    import base64
    import hashlib

    content = page(hostile)
    script = re.search(r"<script>(.*)</script>", content, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in content


def test_page_is_the_same_every_time(hostile):
    assert page(hostile) == page(hostile)


def test_page_of_all_naughty_strings_keeps_its_structure():
    texts = {f"t{place}": [text.encode("utf-8", "ignore").decode()] for place, text in enumerate(STRINGS)}
    results = evaluate({"bytes": BASELINES["bytes"]()}, dict(list(texts.items())[:5]), ["fertility.ws"])
    samples = {name: documents[0] for name, documents in texts.items()}
    elements = parsed(page(results, tokenizers={"bytes": BASELINES["bytes"]()}, samples=samples))
    tags = [tag for tag, _ in elements.found]
    assert tags.count("script") == 1
    assert tags.count("details") >= 8  # of the samples, eight are shown
    assert set(tags) <= ELEMENTS


def test_spreadsheet_cells_are_no_formulas(hostile):
    rows = list(csv.DictReader(io.StringIO(to_csv(hostile))))
    assert len(rows) == len(hostile.rows)
    for row, original in zip(rows, hostile.rows, strict=True):
        for column in ("tokenizer", "text", "reason"):
            assert not row[column].startswith(("=", "+", "-", "@", "\t", "\r")), row[column]
            assert "\x1b" not in row[column]
        assert row["value"] == ("" if original.value is None else repr(original.value))
    assert csv_cell("plain") == "plain"


def test_markdown_keeps_its_columns(hostile):
    lines = to_markdown(hostile.cells()).splitlines()
    assert len(lines) == 1 + len(hostile.cells())
    for line in lines:
        assert len(re.findall(r"(?<!\\)\|", line)) == len(hostile.cells()[0]) + 1
        assert "<" not in line


def test_latex_has_no_command_of_theirs(hostile):
    content = to_latex(hostile.cells())
    commands = set(re.findall(r"\\[a-zA-Z]+", content))
    assert commands <= {
        rf"\{name}"
        for name in (
            *("begin", "end", "toprule", "midrule", "bottomrule"),
            *("textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater"),
        )
    }


def test_terminal_table_has_no_control_characters(hostile):
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", hostile.table())


def test_results_survive_json(hostile):
    again = Results.from_json(hostile.to_json(), "x")
    assert again == hostile


def test_undefined_number_shows_its_reason_on_the_page():
    results = evaluate({"bytes": BASELINES["bytes"]()}, {"x": [""]}, ["fertility.ws"])
    assert 'title="no words"' in page(results)
    assert find("fertility.ws").compute is not None
    assert Value(None, "r").value is None


def test_picture_is_a_png_with_the_same_bytes_each_time(tmp_path, hostile):
    pytest.importorskip("matplotlib")
    from tokkit.report.picture import write_picture

    small = evaluate({"$b$": BASELINES["bytes"]()}, {"x_$": ["a b", "c"]}, ["fertility.ws"], intervals=True)
    for name in ("a.png", "b.png"):
        write_picture(small, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
