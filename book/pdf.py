"""The built book as one PDF: its pages one after the other, printed by Chromium, and every figure looked for in it.

python book/pdf.py    _build/html in the order of _toc.yml, to _build/lth.pdf: `make pdf`
"""

import re
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parents[1]
BROWSER = which("chromium") or which("chromium-browser") or which("google-chrome")  # else Playwright's own
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
OWN = {path.name for path in (ROOT / "book" / "_static").glob("*.js")}  # scripts that draw; the theme's are left out
# What a page has for its reader at a screen: anchors, downloads, folded code, what only dark pages show.
DROPPED = (
    ".headerlink, .only-dark, .copybtn, .figure-links, noscript, script:not([type='application/json']), "
    "details:is(:has(.cell_input), :has(> summary:-soup-contains('Code and parameters')))"
)
NAMING = ("aria-labelledby", "aria-describedby", "for", "headers")  # attributes that hold ids
STYLE = """
@page { size: A4; margin: 18mm 16mm 20mm; }
html { font-size: 12.5px; background: #fff; }
body { display: block; }
article { break-before: page; max-width: none; padding: 0; }
article:first-of-type { break-before: auto; }
figure, table, pre, .admonition { max-width: 100%; }
figure, tr, .highlight { break-inside: avoid; }
h1, h2, h3, h4 { break-after: avoid; }
figure :is(img, svg) { max-width: 100%; max-height: 200mm; }
pre, code { white-space: pre-wrap !important; overflow-wrap: anywhere; }
table { font-size: 0.8em; }
.pst-scrollable-table-container, .output, .cell_output { overflow: visible !important; }
a, a:visited { text-decoration: none; }
"""
FOOT = '<div style="width: 100%; text-align: center; font: 8px sans-serif;"><span class="pageNumber"></span></div>'
# Every figure that is printed: what it is called, and whether it has a size and something in it.
LOOK = """async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  await Promise.all([...document.images].map(i => i.decode().catch(() => {})));
  await document.fonts.ready;
  return [...document.querySelectorAll("img, svg[role=img]")].map(f => {
    const box = f.getBoundingClientRect();
    const named = (f.getAttribute("aria-labelledby") || "").split(" ").map(id => document.getElementById(id));
    const title = f.querySelector(":scope > title");
    const name = f.alt || f.getAttribute("aria-label") || named.map(e => e && e.textContent).join(" ").trim()
      || (title && title.textContent) || "";
    const filled = f.tagName == "IMG" ? f.naturalWidth : f.getBBox().width;
    return {name, shown: box.width > 1 && box.height > 1 && filled > 0};
  });
}"""


def order(toc: dict) -> list[str]:
    """The pages of a table of contents, first to last."""
    found = [toc[key] for key in ("root", "file") if key in toc]
    for key in ("parts", "chapters", "sections"):
        found += [name for entry in toc.get(key, ()) for name in order(entry)]
    return found


def identify(page: str, article: Tag) -> None:
    """Give the ids of a page, and what refers to them, the page's name, since many pages become one."""
    prefix = f"{page}--"
    for element in article.find_all(True):
        for name, value in element.attrs.items():
            if name == "id" or (name in ("href", "xlink:href") and element.name != "a" and value.startswith("#")):
                element[name] = value.replace("#", f"#{prefix}") if name != "id" else prefix + value
            elif name in NAMING:
                ids = value if isinstance(value, list) else value.split()
                element[name] = " ".join(prefix + each for each in ids)
            elif isinstance(value, str) and "url(#" in value:
                element[name] = value.replace("url(#", f"url(#{prefix}")


def lead(page: str, folder: Path, html: Path, article: Tag, pages: Sequence[str]) -> None:
    """Lead links to pages to their place in the document, and images to their file; other local links end."""
    for image in article.select("img[src]"):
        if not urlsplit(image["src"]).scheme:
            image["src"] = (folder / unquote(urlsplit(image["src"]).path)).resolve().as_uri()
        image["loading"] = "eager"
    for link in article.select("a[href]"):
        parts = urlsplit(link["href"])
        if parts.scheme or parts.netloc:
            continue
        target = (folder / unquote(parts.path)).resolve() if parts.path else html / f"{page}.html"
        name = target.relative_to(html).with_suffix("").as_posix() if target.is_relative_to(html) else ""
        if target.suffix == ".html" and name in pages:
            link["href"] = f"#{name}--{parts.fragment}" if parts.fragment else f"#{name}"
        else:
            del link["href"]


def document(html: Path, pages: Sequence[str]) -> str:
    """One HTML document of the articles of these pages of the book in the folder `html`, in light colours."""
    html = html.resolve()
    whole = BeautifulSoup("<!DOCTYPE html><html lang=en data-theme=light data-mode=light></html>", "html.parser")
    head, body = whole.new_tag("head"), whole.new_tag("body")
    whole.html.extend([head, body])
    head.append(whole.new_tag("meta", charset="utf-8"))
    known = set()
    for page in pages:
        file = html / f"{page}.html"
        soup = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
        if not known:
            head.append(soup.title.extract())
        for part in soup.select("link[rel=stylesheet], script:not(article script)"):
            file_name = Path(urlsplit(part.get("src", "")).path).name
            if part.name == "script" and file_name not in OWN and "mathjax" not in str(part).lower():
                continue
            for name in ("href", "src"):
                if name in part.attrs:
                    part[name] = (file.parent / urlsplit(part[name]).path).resolve().as_uri()
            if str(part) not in known:
                known.add(str(part))
                head.append(part.extract())
        article = soup.select_one("article")
        for dropped in article.select(DROPPED):
            dropped.decompose()
        for fold in article.select("details"):
            fold["open"] = ""
        identify(page, article)
        lead(page, file.parent, html, article, pages)
        article["id"] = page
        body.append(article)
    style = whole.new_tag("style")
    style.string = STYLE
    head.append(style)
    return str(whole)


def print_document(text: str, file: Path) -> list[dict]:
    """Print an HTML document to a PDF; returns its figures, with their names and whether they are shown."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        source = Path(folder) / "book.html"
        source.write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        tab = browser.new_page()
        tab.set_default_timeout(300_000)
        tab.emulate_media(media="print", color_scheme="light")
        tab.goto(source.as_uri(), wait_until="load")
        figures = tab.evaluate(LOOK)
        settings = {"prefer_css_page_size": True, "print_background": True, "tagged": True, "outline": True}
        settings |= {"display_header_footer": True, "header_template": "<span></span>", "footer_template": FOOT}
        tab.pdf(path=file, **settings)
        browser.close()
    return figures


def described(pdf: PdfReader) -> Iterator[str]:
    """The alternative text of every figure that a tagged PDF holds."""
    waiting = [pdf.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        element = waiting.pop().get_object()
        if isinstance(element, list):
            waiting += element
        elif isinstance(element, dict):
            if element.get("/S") == "/Figure":
                yield str(element.get("/Alt", ""))
            waiting += [element["/K"]] if "/K" in element else []


def plain(text: str) -> str:
    """A text without spaces, and with ligatures taken apart: two ways to set it are the same."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def missing(file: Path, figures: Sequence[dict], captions: Sequence[str]) -> list[str]:
    """What the PDF lacks of the figures, by their alternative texts, and of the captions."""
    reader = PdfReader(file)
    text = plain("".join(page.extract_text() for page in reader.pages))
    lacking = Counter(plain(figure["name"]) for figure in figures) - Counter(map(plain, described(reader)))
    unseen = [figure["name"] for figure in figures if not figure["shown"] or plain(figure["name"]) in lacking]
    return unseen + [caption for caption in captions if plain(caption) not in text]


def captions(text: str) -> list[str]:
    """How each caption of a document begins: its number and first words, up to a formula."""
    soup = BeautifulSoup(text, "html.parser")
    for formula in soup.select("figcaption .math"):
        formula.replace_with("\0")
    return [" ".join(caption.get_text().split("\0")[0].split())[:40] for caption in soup.select("figcaption")]


def main(html: Path, pages: Sequence[str], file: Path) -> str:
    """Print the book and say what came of it; exits where a figure is not in the PDF."""
    text = document(html, pages)
    figures = print_document(text, file)
    if lacking := missing(file, figures, captions(text)):
        sys.exit(f"{file} lacks {len(lacking)} of {len(figures)} figures and their captions: {'; '.join(lacking)}")
    return f"{file}: {len(PdfReader(file).pages)} pages, {len(figures)} figures"


if __name__ == "__main__":
    build = ROOT / "_build"
    print(main(build / "html", order(yaml.safe_load((ROOT / "_toc.yml").read_text())), build / "lth.pdf"))
