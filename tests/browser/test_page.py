"""The page in a real browser: no complaint, nothing runs but its own script, tables sort, it fits wide and narrow."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium, chromium, executable
from tests.browser.injections import injections
from tests.golden_models import golden_model
from tokkit.evaluate import BASELINES, evaluate
from tokkit.load import load_tokenizer
from tokkit.model.tokenizer import Tokenizer
from tokkit.report.page import COUNTERS, page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(executable() is None, reason="no Chromium on PATH: the page is not tried in a browser"),
]
METRICS = ("fertility.ws", "bytes_per_token", "premium", "renyi_efficiency.observed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve tokenizers by sixty texts."""
    path = tmp_path_factory.mktemp("many") / "many.html"
    models = [Tokenizer.from_model(golden_model(f"p1_byte_v{size}", "tokkit")) for size in (300, 500)]
    subjects = {f"tokenizer {n}": models[n % 2] for n in range(12)}
    letters = "aбגदகあ"
    texts = {f"text {n:02}": [f"{letters[n % 6] * (n % 7 + 1)} b{n}", letters[n % 6] * 3] for n in range(60)}
    results = evaluate(subjects, texts, METRICS, reference="text 00", counters=COUNTERS, intervals=True)
    samples = {name: documents[0] for name, documents in texts.items()}
    path.write_text(page(results, tokenizers=subjects, samples=samples), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary of injections, measured on a text of them, under names that are injections."""
    folder = tmp_path_factory.mktemp("hostile")
    strings = injections()
    assert len(strings) >= 500
    content = {
        "added_tokens": [{"id": 0, "content": "[UNK]", "special": True, "normalized": False}],
        "pre_tokenizer": {"type": "Split", "pattern": {"String": "\n"}, "behavior": "Removed", "invert": False},
        "model": {
            "type": "WordLevel",
            "unk_token": "[UNK]",
            "vocab": {token: number for number, token in enumerate(["[UNK]", *strings])},
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    subjects = {
        strings[0]: load_tokenizer(folder),
        strings[20]: BASELINES["bytes"](),
    }
    texts = {strings[place]: strings[place:] for place in range(0, len(strings), 40)} | {"plain": strings}
    results = evaluate(subjects, texts, METRICS[:2], counters=COUNTERS)
    samples = {name: "\n".join(documents) for name, documents in texts.items()}
    path = folder / "hostile.html"
    path.write_text(page(results, title=strings[1], tokenizers=subjects, samples=samples), encoding="utf-8")
    return path


def test_page_opens_without_a_complaint_and_asks_for_nothing_else(browser: Chromium, many: Path) -> None:
    browser.open(many)
    assert browser.errors == []
    assert browser.requests == [many.as_uri()]
    assert browser.run("document.querySelectorAll('svg[role=img]').length") >= 4


def test_clicks_on_a_heading_sort_numbers_up_and_down(browser: Chromium, many: Path) -> None:
    browser.open(many)
    number = "table.sort:has(tbody tr:nth-child(100))"
    heading = f"{number} th:nth-child(4) button"
    values = (
        f"[...document.querySelector({json.dumps(number)}).tBodies[0].rows].map(row => Number(row.cells[3].dataset.v))"
    )
    before = browser.run(values)
    assert len(before) == 720
    assert before != sorted(before)
    browser.click(heading)
    assert browser.run(values) == sorted(before)
    assert browser.run(f"document.querySelector({json.dumps(heading)}).parentElement.ariaSort") == "ascending"
    browser.click(heading)
    assert browser.run(values) == sorted(before, reverse=True)
    assert browser.errors == []


def test_names_sort_as_text_and_undefined_numbers_stay_last(browser: Chromium, tmp_path: Path) -> None:
    texts = {"b": ["one two"], "empty": [""], "c": ["a"], "a": ["three"]}
    results = evaluate({"bytes": BASELINES["bytes"]()}, texts, ["fertility.ws"])
    (tmp_path / "page.html").write_text(page(results), encoding="utf-8")
    browser.open(tmp_path / "page.html")
    table = "table.sort:has(th:nth-child(3):last-child):has(tr:nth-child(4))"
    names = f"[...document.querySelector('{table}').tBodies[0].rows].map(row => row.cells[0].textContent)"
    assert browser.run(names) == ["b", "empty", "c", "a"]
    browser.click(f"{table} th:nth-child(1) button")
    assert browser.run(names) == ["a", "b", "c", "empty"]
    for _ in range(2):
        browser.click(f"{table} th:nth-child(3) button")
        assert browser.run(names)[-1] == "empty"


def test_filter_shows_only_rows_with_the_names(browser: Chromium, many: Path) -> None:
    browser.open(many)
    shown = (
        "[...document.querySelector('input.filter').parentElement.querySelectorAll('tbody tr')]"
        ".filter(row => !row.hidden).map(row => row.cells[0].textContent + '/' + row.cells[1].textContent)"
    )
    browser.run("document.querySelector('input.filter').focus()")
    browser.call("Input.insertText", text="TEXT 07 tokenizer 11")
    assert browser.run(shown) == ["text 07/tokenizer 11"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_page_is_never_wider_than_the_window(browser: Chromium, many: Path, width: int, scheme: str) -> None:
    browser.view(width, scheme=scheme)
    browser.open(many)
    assert browser.run("document.documentElement.scrollWidth") <= width
    paper, ink = browser.run(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('svg text')).fill]"
    )
    assert paper != ink
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def test_nothing_executes_from_a_vocabulary_of_500_injections(browser: Chromium, hostile: Path) -> None:
    guard = (
        "window.hit = 0; for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => { window.hit = 1 };"
    )
    script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=guard)["identifier"]
    browser.open(hostile)
    for opened in ("document.querySelectorAll('details').forEach(one => { one.open = true })", "0"):
        browser.run(opened)
    # Every element is entered, focused and clicked: handlers and links of a string would run now if they were any.
    browser.run(
        "for (const one of document.querySelectorAll('*')) for (const kind of ['pointerenter', 'mouseover', 'focus', "
        "'click', 'toggle', 'load', 'error']) one.dispatchEvent(new Event(kind, { bubbles: false }))"
    )
    browser.run("new Promise(done => setTimeout(done, 100))")
    assert browser.run("window.hit") == 0
    assert browser.errors == []
    assert browser.requests == [hostile.as_uri()]
    assert browser.run("document.scripts.length") == 1
    found = set(browser.run("[...document.querySelectorAll('*')].map(one => one.localName)"))
    assert not found & {"img", "iframe", "object", "embed", "video", "link", "base", "form", "math", "template"}
    handlers = (
        "[...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames()).filter(name => /^on/.test(name))"
    )
    assert browser.run(handlers) == []
    browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


def test_policy_stops_a_script_that_gets_in_anyway(browser: Chromium, many: Path, tmp_path: Path) -> None:
    content = many.read_text(encoding="utf-8")
    broken = content.replace("<h1>", "<img src=x onerror=window.hit=1><script>window.hit=1</script><h1>", 1)
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    browser.open(tmp_path / "broken.html")
    assert browser.run("window.hit === undefined")
    assert sum("Content Security Policy" in error for error in browser.errors) >= 2
