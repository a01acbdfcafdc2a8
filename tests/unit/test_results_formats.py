"""Results written for other programs: nothing executes, nothing breaks the format, whatever names and tokens say."""

import csv
import io
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.golden_models import golden_model
from tokkit.errors import UsageError
from tokkit.evaluate import BASELINES, Results, evaluate
from tokkit.metrics.base import Value, find
from tokkit.model.tokenizer import Tokenizer
from tokkit.report.boundaries import boundaries
from tokkit.report.page import COUNTERS, page
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


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG\r\n"), ("pdf", b"%PDF-"), ("svg", b"<?xml")])
def test_picture_has_the_same_bytes_each_time(tmp_path, form, start):
    pytest.importorskip("matplotlib")
    from tokkit.report.picture import write_picture

    small = evaluate({"$b$": BASELINES["bytes"]()}, {"x_$": ["a b", "c"]}, ["fertility.ws"], intervals=True)
    for name in ("a", "b"):
        write_picture(small, tmp_path / name, form=form)
    assert (tmp_path / "a").read_bytes().startswith(start)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_many_numbers_become_a_map(tmp_path):
    pytest.importorskip("matplotlib")
    from tokkit.report.picture import write_picture

    texts = {f"t{place}": ["a b" * (place + 1), ""] for place in range(60)}
    results = evaluate({"b": BASELINES["bytes"]()}, texts, ["premium"], reference="t0")
    write_picture(results, tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 10_000


def test_picture_of_another_form_is_refused(tmp_path, hostile):
    from tokkit.report.picture import write_picture

    with pytest.raises(UsageError, match="must be one of png, pdf, svg, got `jpeg`"):
        write_picture(hostile, tmp_path / "x.jpeg", form="jpeg")


def test_page_of_several_tokenizers_has_all_its_parts():
    small, large = (Tokenizer.from_model(golden_model(name, "tokkit")) for name in ("p1_byte_v300", "p1_byte_v500"))
    texts = {"one": ["the other others, the", "of the others"], "two": ["nothing of it", "all\u200bin all"]}
    subjects = {"small": small, "large": large, "bytes": BASELINES["bytes"]()}
    results = evaluate(subjects, texts, ["fertility.ws", "premium"], reference="one", counters=COUNTERS, intervals=True)
    samples = {name: documents[0] for name, documents in texts.items()}
    content = page(results, tokenizers=subjects, samples=samples)
    headings = re.findall(r"<h2 id=\"s\d+\">([^<]*)</h2>", content)
    assert headings == [
        *("Summary", "Premiums", "fertility.ws", "Rank and frequency of ids", "Makeup of the vocabularies"),
        *("All numbers", "Token boundaries", "Words that cost most", "What the numbers are", "What was measured"),
    ]
    assert 'class="ring"' in content
    assert "whisker" in content
    assert content.count("<a href") == len(headings)


def test_ring_is_around_what_the_first_tokenizer_cuts_otherwise():
    class Words(BASELINES["bytes"]):
        vocab_size = 300

        def encode_offsets(self, text):
            ends = [place for place in range(1, len(text) + 1) if text[place : place + 1] in (" ", "")]
            return type("Spans", (), {"byte_offsets": [*zip([0, *ends], ends, strict=False)]})()

        def encode_batch(self, texts):
            sizes = [text.count(" ") + 1 for text in texts]
            return type("Ids", (), {"ids": [0] * sum(sizes), "offsets": [0, *itertools.accumulate(sizes)]})()

    class Halves(Words):
        def encode_offsets(self, text):
            return type("Spans", (), {"byte_offsets": [(0, 2), (2, 4), (4, len(text))]})()

        def encode_batch(self, texts):
            return type("Ids", (), {"ids": [0] * 3 * len(texts), "offsets": [3 * n for n in range(len(texts) + 1)]})()

    content = "".join(boundaries({"words": Words(), "halves": Halves()}, {"x": "four of"}))
    rings = re.findall(r'<span class="ring">(.*?)</span></span>', content)
    assert [re.sub("<[^>]*>", "|", ring) for ring in rings] == ["|fo||ur"]


def test_table_of_many_metrics_has_one_line_for_each():
    subject = {"bytes": BASELINES["bytes"]()}
    wide = evaluate(subject, {}, [], vocabulary=True).table().splitlines()
    assert wide[0].split() == ["metric", "bytes", "on", "vocabulary"]
    assert wide[2].split() == ["health.vocab_size@1", "256"]
    narrow = evaluate(subject, {"t": ["a b"]}, ["tokens"]).table().splitlines()
    assert narrow[0].split() == ["text", "tokenizer", "tokens@1"]
