"""The built book in `_build/html`, page by page: complete, offline, readable on a phone and in the dark.

Run after `make book` or `jupyter-book build .`; a missing build is a failure, not a skip.
"""

import csv
import json
import re
from dataclasses import dataclass
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from shutil import which
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from lth.claims.paper import LENET

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PAGES = sorted(path.relative_to(HTML).as_posix() for path in (HTML / "book").rglob("*.html"))
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
VIEWS = {"desktop": "light", "phone": "light", "desktop-dark": "dark", "phone-dark": "dark"}  # and their colours
CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")  # else Playwright's own
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
LOADING = {"script": ("src",), "link": ("href",), "img": ("src",), "iframe": ("src",), "source": ("src",)}

on_every_page = pytest.mark.parametrize("page", PAGES)
in_every_view = pytest.mark.parametrize("view", VIEWS)


class Elements(HTMLParser):
    """Collects (tag, attributes) of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@cache
def elements(path: Path) -> tuple:
    """Every start tag of the HTML file `path`, with its attributes."""
    return tuple(Elements(path.read_text(encoding="utf-8")).found)


@dataclass
class View:
    """What a browser made of one page at one size, in light or dark colours."""

    foreign: list[str]  # requests to anything but local files
    failed: list[str]  # local files that were asked for and are not there
    errors: list[str]  # from the console, and uncaught exceptions
    overflow: list[str]  # elements that make the page wider than the window
    theme: str  # light or dark
    images: list[dict]
    drawn: list[dict]  # figures in the page itself: their names and sizes, and those of what holds them
    raw_math: int  # formulas that MathJax has not typeset
    typeset: int  # formulas in all
    cells: list[tuple[str, str]]  # head of the column and text seen, in the tables that a phone shows as lists
    has_text: bool  # more than a title


LOOK = """async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  for (const image of document.images) { image.loading = "eager"; }
  await Promise.all([...document.images].map(i => i.decode().catch(() => {})));
  const root = document.documentElement, article = document.querySelector("article");
  const wide = root.scrollWidth > window.innerWidth
    ? [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
        .map(e => e.tagName + "." + e.className).slice(0, 8).concat(`page ${root.scrollWidth} px`)
    : [];
  const named = ids => (ids || "").split(" ").map(id => document.getElementById(id)?.textContent || "").join(" ");
  const maths = [...document.querySelectorAll("article .math")];
  return {
    overflow: wide,
    theme: root.dataset.theme,
    images: [...article.querySelectorAll("img")].map(
      i => ({source: i.src, alt: i.getAttribute("alt"), width: i.naturalWidth, shown: i.clientWidth})),
    drawn: [...article.querySelectorAll("svg[role=img]")].map(f => {
      const box = f.getBoundingClientRect(), title = f.querySelector(":scope > title");
      const name = f.getAttribute("aria-label") || named(f.getAttribute("aria-labelledby")) || title?.textContent || "";
      return {name: name.trim(), width: box.width, height: box.height, left: box.left, right: box.right};
    }),
    raw_math: maths.filter(m => !m.querySelector("mjx-container") || m.querySelector("mjx-merror")).length,
    typeset: maths.length,
    cells: [...article.querySelectorAll("table:is(.front, .claims)")].flatMap(t => {
      const heads = [...t.querySelectorAll("thead th")].map(h => h.textContent.trim());
      return [...t.querySelectorAll("tbody tr")].flatMap(
        r => [...r.cells].slice(1).map((c, i) => [heads[i + 1], c.innerText.trim()]));
    }),
    has_text: article.innerText.trim().length > 200,
  };
}"""


@pytest.fixture(scope="module")
def browser():
    """One headless Chromium for all pages."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def views(browser):
    """Every page in every view, looked at when it is first asked for; the pages of a view share one tab."""
    tabs = {}

    class Views(dict):
        def __missing__(self, key):
            page, view = key
            if view not in tabs:
                tabs[view] = Tab(browser, view)
            self[key] = tabs[view].look(page)
            return self[key]

    return Views()


class Tab:
    """A tab without a network, with a window of one size and one theme, that notes what its pages ask for and say."""

    def __init__(self, browser, view: str):
        width, height = SIZES[view.removesuffix("-dark")]
        context = browser.new_context(
            viewport={"width": width, "height": height}, service_workers="block", offline=True
        )
        context.add_init_script(f"for (const name of ['mode', 'theme']) localStorage.setItem(name, '{VIEWS[view]}');")
        self.tab = context.new_page()
        self.requested: list[str] = []
        self.failed: list[str] = []
        self.errors: list[str] = []
        self.tab.on("request", lambda request: self.requested.append(request.url))
        self.tab.on("requestfailed", lambda request: self.failed.append(request.url))
        self.tab.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))

    def look(self, page: str) -> View:
        """Open a page of the book."""
        self.tab.goto("about:blank")  # what the page before still asks for is not this one's
        for noted in (self.requested, self.failed, self.errors):
            noted.clear()
        self.tab.goto((HTML / page).as_uri(), wait_until="load")
        seen = self.tab.evaluate(LOOK)
        self.tab.wait_for_timeout(50)  # late requests
        foreign = [url for url in self.requested if urlsplit(url).scheme not in ("file", "data", "blob", "about")]
        return View(foreign, self.failed.copy(), self.errors.copy(), **seen)


def test_the_book_is_built():
    assert (HTML / "index.html").exists(), "no built book: run `make book` first"


def test_every_page_of_the_table_of_contents_is_built():
    listed = re.findall(r"^\s*(?:- file|root):\s*(\S+)", (ROOT / "_toc.yml").read_text(), re.MULTILINE)
    assert len(listed) > 5
    assert {f"{name}.html" for name in listed} == set(PAGES)


@in_every_view
@on_every_page
def test_asks_no_other_host_and_raises_no_error(views, page, view):
    seen = views[page, view]
    assert seen.theme == VIEWS[view]
    assert not seen.foreign
    assert not seen.failed
    assert not seen.errors


@in_every_view
@on_every_page
def test_fits_the_window(views, page, view):
    assert not views[page, view].overflow


@in_every_view
@on_every_page
def test_figures_in_the_page_are_seen_and_named(views, page, view):
    for figure in views[page, view].drawn:
        assert len(figure["name"]) > 10, figure
        assert figure["width"] > 100 and figure["height"] > 50, figure
        assert figure["left"] >= 0 and figure["right"] <= SIZES[view.removesuffix("-dark")][0], figure


def tables(page: str) -> list[Path]:
    """The CSV files to which a page leads."""
    links = [attributes.get("href") or "" for tag, attributes in elements(HTML / page) if tag == "a"]
    return [(HTML / page).parent / unquote(urlsplit(link).path) for link in links if link.endswith(".csv")]


@on_every_page
def test_the_numbers_of_figures_can_be_had(page):
    for file in tables(page):
        with file.open(newline="", encoding="utf-8") as lines:
            head, *rows = csv.reader(lines)
        assert rows and all(re.fullmatch(r"[a-z]\w*", name) for name in head), file
        assert {len(row) for row in rows} == {len(head)}, file


def test_some_figures_hand_out_their_numbers():
    assert any(tables(page) for page in PAGES)


def test_search_finds_what_the_book_is_about(browser):
    tab = Tab(browser, "desktop").tab
    tab.goto((HTML / "search.html").as_uri() + "?q=rewind")
    tab.wait_for_selector("#search-results li a")
    links = tab.eval_on_selector_all("#search-results li a", "links => links.map(link => link.href)")
    assert len(links) > 2 and all((HTML / unquote(urlsplit(link).path)).exists() for link in links)


@on_every_page
def test_images_are_there_and_described(views, page):
    for image in views[page, "phone"].images:
        assert image["width"] > 0 and image["shown"] > 0, image["source"]
        assert image["alt"] and len(image["alt"]) > 10, f"no alternative text: {image['source']}"
        assert "/" not in image["alt"], f"the alternative text is a file name: {image['alt']}"


@on_every_page
def test_math_is_typeset(views, page):
    assert views[page, "desktop"].raw_math == 0


@on_every_page
def test_has_words(views, page):
    assert views[page, "desktop"].has_text


@on_every_page
def test_a_page_of_results_has_its_figure(views, page):
    assert views[page, "desktop"].drawn or not page.startswith("book/results/")


FIRST = """() => {
  const answer = document.querySelector("article h1").parentElement.querySelector(":scope > p");
  const box = answer.getBoundingClientRect();
  return {top: box.top, bottom: box.bottom, words: answer.innerText.length};
}"""


@pytest.mark.parametrize("size", SIZES)
@on_every_page
def test_the_answer_is_in_the_first_screen(browser, page, size):
    """The first paragraph, under the title, whole."""
    tab = Tab(browser, size).tab
    tab.goto((HTML / page).as_uri())
    answer = tab.evaluate(FIRST)
    tab.context.close()
    assert answer["words"] > 60
    assert answer["top"] > 0 and answer["bottom"] < SIZES[size][1]


def test_the_explorers_controls_change_what_it_shows(browser):
    tab = Tab(browser, "phone").tab
    tab.goto((HTML / "book/results/inside.html").as_uri())
    shown = "() => document.querySelector('.explorer').innerText"
    picture = "() => [...document.querySelectorAll('.explorer rect')].map(r => r.getAttribute('opacity')).join()"
    seen = [(tab.evaluate(shown), tab.evaluate(picture))]
    tab.fill(".explorer input", "15")
    seen.append((tab.evaluate(shown), tab.evaluate(picture)))
    tab.select_option(".explorer select", "reinit")
    seen.append((tab.evaluate(shown), tab.evaluate(picture)))
    assert "3.58% of the weights" in seen[1][0] and seen[1] != seen[0] and seen[1][1] != seen[0][1]
    assert seen[2][0] != seen[1][0] and seen[2][1] == seen[1][1]  # the same mask, other weights


def test_the_claims_are_in_the_book_as_data():
    claims = json.loads((HTML / "_static" / "claims.json").read_text(encoding="utf-8"))
    verdicts = {claim["id"]: claim["verdict"] for claim in claims}
    assert verdicts["L4"] == "replicated" and set(verdicts) >= {claim.id for claim in LENET}


def test_every_claim_has_its_verdict():
    text = (HTML / "book/results/claims.html").read_text(encoding="utf-8")
    words = " ".join(re.sub(r"<[^>]+>", " ", unescape(text)).split())
    for claim in LENET:
        assert claim.statement.replace(" %", "%").replace("'", "’").rstrip(".") in words, claim.id
    assert text.count("sd-badge") >= len(LENET)


def test_the_procedure_has_math(views):
    assert views["book/ticket.html", "desktop"].typeset > 5


@on_every_page
def test_loads_nothing_from_elsewhere_even_before_scripts_run(page):
    for tag, attributes in elements(HTML / page):
        for name in LOADING.get(tag, ()):
            assert not re.match(r"(https?:)?//", attributes.get(name) or ""), attributes


@on_every_page
def test_internal_links_lead_somewhere(page):
    for tag, attributes in elements(HTML / page):
        link = urlsplit(attributes.get("href") or "")
        if tag != "a" or link.scheme or link.netloc or not (link.path or link.fragment):
            continue
        target = (HTML / page).parent / unquote(link.path) if link.path else HTML / page
        assert target.exists(), attributes["href"]
        if link.fragment and target.suffix == ".html":
            names = {found.get("id") or found.get("name") for _, found in elements(target.resolve())}
            assert unquote(link.fragment) in names, attributes["href"]


@on_every_page
def test_nothing_was_left_unglued(page):
    text = (HTML / page).read_text(encoding="utf-8")
    article = text[text.index("<article") : text.rindex("</article>")]
    article = re.sub(r'<dl class="py\b.*</dl>', "", article, flags=re.DOTALL)  # docstrings may speak of NaN
    prose = re.sub(r"<pre.*?</pre>|<code.*?</code>", "", article, flags=re.DOTALL)
    prose = re.sub(r"<[^>]+>", " ", prose)
    for trace in ("{glue", ".ipynb::", "np.float"):
        assert trace not in prose
    assert not re.search(r"\b(nan|NaN)\b", prose)


@on_every_page
def test_a_phone_names_the_columns_of_tables_that_become_lists(views, page):
    wide, narrow = views[page, "desktop"].cells, views[page, "phone"].cells
    assert [[head, f"{head.rstrip('?')}: {text}".strip()] for head, text in wide] == narrow


def test_some_tables_become_lists(views):
    assert any(views[page, "phone"].cells for page in PAGES)
