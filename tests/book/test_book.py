"""The built book in `_build/html`, page by page: complete, offline, and readable on a phone.

Run after `make book` or `jupyter-book build .`; a missing build is a failure, not a skip.
"""

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

from lth.report.claims.paper import LENET

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PAGES = sorted(path.relative_to(HTML).as_posix() for path in (HTML / "book").rglob("*.html"))
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")  # else Playwright's own
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
FIGURES = ("claims", "learning_curves", "accuracy", "early_stopping", "comparison")
LOADING = {"script": ("src",), "link": ("href",), "img": ("src",), "iframe": ("src",), "source": ("src",)}

on_every_page = pytest.mark.parametrize("page", PAGES)


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
    """What a browser made of one page at one size."""

    foreign: list[str]  # requests to anything but local files
    failed: list[str]  # local files that were asked for and are not there
    errors: list[str]  # from the console, and uncaught exceptions
    overflow: list[str]  # elements that make the page wider than the window
    images: list[dict]
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
  const maths = [...document.querySelectorAll("article .math")];
  return {
    overflow: wide,
    images: [...article.querySelectorAll("img")].map(
      i => ({source: i.src, alt: i.getAttribute("alt"), width: i.naturalWidth, shown: i.clientWidth})),
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
    """Every page at every size, looked at when it is first asked for."""

    class Views(dict):
        def __missing__(self, key):
            self[key] = look(browser, *key)
            return self[key]

    return Views()


def look(browser, page: str, size: str) -> View:
    """Open `page` in a window of `size`, block and note every request that leaves the machine."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, service_workers="block")
    foreign, failed, errors = [], [], []

    def route(request_route):
        url = request_route.request.url
        if urlsplit(url).scheme in ("file", "data", "blob", "about"):
            request_route.continue_()
        else:
            foreign.append(url)
            request_route.abort()

    context.route("**/*", route)
    tab = context.new_page()
    tab.on("requestfailed", lambda request: failed.append(request.url))
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto((HTML / page).as_uri(), wait_until="load")
    seen = tab.evaluate(LOOK)
    tab.wait_for_timeout(200)  # late requests
    context.close()
    return View(foreign, failed, errors, **seen)


def test_the_book_is_built():
    assert (HTML / "index.html").exists(), "no built book: run `make book` first"


def test_every_page_of_the_table_of_contents_is_built():
    listed = re.findall(r"^\s*(?:- file|root):\s*(\S+)", (ROOT / "_toc.yml").read_text(), re.MULTILINE)
    assert len(listed) > 5
    assert {f"{name}.html" for name in listed} == set(PAGES)


@on_every_page
@pytest.mark.parametrize("size", SIZES)
def test_asks_no_other_host_and_raises_no_error(views, page, size):
    view = views[page, size]
    assert not view.foreign
    assert not view.failed
    assert not view.errors


@on_every_page
@pytest.mark.parametrize("size", SIZES)
def test_fits_the_window(views, page, size):
    assert not views[page, size].overflow


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


def test_the_figures_are_in_the_book(views):
    for name in ("index", *(f"results/{name}" for name in FIGURES)):
        assert views[f"book/{name}.html", "desktop"].images, name


def test_every_claim_has_its_verdict_on_the_front_page():
    text = (HTML / "book" / "index.html").read_text(encoding="utf-8")
    (table,) = re.findall(r'<table class="[^"]*\bfront\b.*?</table>', text, re.DOTALL)
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]
    assert len(rows) == len(LENET)
    for claim, row in zip(LENET, rows, strict=True):
        words = " ".join(re.sub(r"<[^>]+>", " ", unescape(row)).split())
        assert claim.statement.replace(" %", "%").replace("'", "’") in words and "sd-badge" in row


def test_the_method_has_math(views):
    assert views["book/method.html", "desktop"].typeset > 5


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
