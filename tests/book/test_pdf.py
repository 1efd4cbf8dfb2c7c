"""The book as one PDF, on a tiny book of two pages."""

import sys
from importlib import util

import pytest
from bs4 import BeautifulSoup
from PIL import Image
from pypdf import PdfReader

from lth.paths import ROOT

CURVE = """<svg role="img" aria-labelledby="title" width="200" height="90" viewBox="0 0 200 90">
<title id="title">{name}</title><defs><clipPath id="clip"><rect width="{width}" height="80"/></clipPath></defs>
<rect width="200" height="80" fill="{colour}" clip-path="url(#clip)"/></svg>"""
PAGE = """<!DOCTYPE html><html><head><title>Tiny</title><link rel="stylesheet" href="{root}style.css?v=1">
<script src="{root}theme.js"></script><script defer src="{root}draw.js?v=2"></script></head>
<body><nav>Contents</nav><article class="bd-article"><section id="start">
<h1>{title}</h1>{body}</section></article></body></html>"""
FIRST = """<figure id="fig"><img alt="A red square" src="../images/red.png" loading="lazy">
<figcaption><span>Fig. 1 </span>What is red <span class="math">x</span> and square.</figcaption></figure>
<p>See <a href="more/second.html#start">the second page</a>, <a href="#fig">above</a>, <a href="../data.csv">data</a>
and <a href="https://example.org/">elsewhere</a>.</p>
<details><summary>Code</summary><div class="cell_input"><img alt="not for print" src="no.png"></div></details>
<details><summary>Solution</summary><p>The solution is folded.</p></details>"""
EMPTY = """<script type="application/json">{"name": "A curve by script"}</script>
<svg class="by-script" role="img" aria-label="nothing yet" width="200" height="90"></svg>"""
DRAW = """for (const svg of document.querySelectorAll(".by-script")) {
  svg.setAttribute("aria-label", JSON.parse(document.querySelector("article script").textContent).name);
  svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect")).setAttribute("width", 50);
  svg.firstChild.setAttribute("height", 50);
}"""
PAGES = ["book/first", "book/more/second"]


@pytest.fixture
def pdf(monkeypatch):
    """The module book/pdf.py."""
    spec = util.spec_from_file_location("book_pdf", ROOT / "book" / "pdf.py")
    module = util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "book_pdf", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "OWN", {"draw.js"})
    return module


@pytest.fixture
def html(tmp_path):
    """A built book of two pages."""
    (tmp_path / "html" / "book" / "more").mkdir(parents=True)
    (tmp_path / "html" / "images").mkdir()
    Image.new("RGB", (40, 40), "red").save(tmp_path / "html" / "images" / "red.png")
    (tmp_path / "html" / "data.csv").write_text("level\n0\n")
    (tmp_path / "html" / "theme.js").write_text("document.querySelectorAll('svg').forEach(s => s.remove())")
    (tmp_path / "html" / "draw.js").write_text(DRAW)
    (tmp_path / "html" / "style.css").write_text("body { color: #123456; }")
    first = FIRST + CURVE.format(name="A blue curve", colour="blue", width=50)
    second = CURVE.format(name="A green curve", colour="green", width=150) + EMPTY
    for name, body, root in ((PAGES[0], first, "../"), (PAGES[1], second, "../../")):
        text = PAGE.format(title=name.rpartition("/")[2], body=body, root=root)
        (tmp_path / "html" / f"{name}.html").write_text(text)
    return tmp_path / "html"


def test_every_figure_and_folded_text_is_printed(pdf, html, tmp_path):
    file = tmp_path / "book.pdf"
    assert pdf.main(html, PAGES, file) == f"{file}: 2 pages, 4 figures"
    reader = PdfReader(file)
    assert {"A red square", "A blue curve", "A green curve", "A curve by script"} == {
        name for name in pdf.described(reader) if name
    }
    assert "Thesolutionisfolded." in pdf.plain(reader.pages[0].extract_text())
    assert [entry["/Title"] for entry in reader.outline] == ["first", "second"]
    targets = [note.get_object() for page in reader.pages for note in page.get("/Annots", ())]
    assert [note["/A"]["/URI"] for note in targets if "/A" in note] == ["https://example.org/"]
    assert sum("/Dest" in note for note in targets) == 2  # the second page, and above
    assert b"file:" not in file.read_bytes()


@pytest.mark.parametrize("fault", ["gone", "hidden", "empty"])
def test_a_figure_that_is_not_printed_is_named(pdf, html, tmp_path, fault):
    if fault == "gone":
        (html / "images" / "red.png").unlink()
    elif fault == "hidden":
        (html / "style.css").write_text("img { display: none; }")
    else:
        (html / "draw.js").write_text("")
    name = "nothing yet" if fault == "empty" else "A red square"
    with pytest.raises(SystemExit, match=f"lacks 1 of 4 figures and their captions: {name}"):
        pdf.main(html, PAGES, tmp_path / "book.pdf")


def test_what_the_pdf_itself_lacks_is_named(pdf, html, tmp_path):
    text = pdf.document(html, PAGES)
    assert pdf.captions(text) == ["Fig. 1 What is red"]
    figures = pdf.print_document(text, tmp_path / "book.pdf")
    pdf.print_document(text.replace("A blue curve", "Another").replace("What is red", ""), tmp_path / "less.pdf")
    assert pdf.missing(tmp_path / "book.pdf", figures, pdf.captions(text)) == []
    assert pdf.missing(tmp_path / "less.pdf", figures, pdf.captions(text)) == ["A blue curve", "Fig. 1 What is red"]


def test_pages_that_become_one_do_not_share_ids(pdf, html):
    soup = BeautifulSoup(pdf.document(html, PAGES), "html.parser")
    ids = [element["id"] for element in soup.select("[id]")]
    assert len(ids) == len(set(ids)) and len(soup.select("link")) == 1
    for curve in soup.select("svg:has(clippath)"):
        assert curve.rect is not None and f"url(#{curve.clippath['id']})" in str(curve)
        assert curve["aria-labelledby"] == curve.title["id"]


def test_pages_come_in_the_order_of_the_contents(pdf):
    chapters = [{"file": "b", "sections": [{"file": "c"}]}, {"file": "d"}]
    assert pdf.order({"root": "a", "parts": [{"caption": "x", "chapters": chapters}]}) == ["a", "b", "c", "d"]
    assert pdf.order({"root": "a", "chapters": [{"file": "b"}]}) == ["a", "b"]
