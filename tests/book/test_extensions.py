"""The book's Sphinx extensions, on tiny projects of their own."""

import re
from html import unescape
from types import ModuleType

import nbformat
import pytest
from sphinx.application import Sphinx
from sphinx.errors import ConfigError, SphinxWarning
from sphinx.util.docutils import docutils_namespace

import lth
from lth.paths import ROOT

GLOSSARY = """# Words

:::{glossary}
early stop
  The iteration of the lowest **validation** loss, the
  first of them. It decides nothing.

mask
density
  Which weights are left, and what
  share (e.g. 21.1 %) they are. See {term}`early stop`.
:::
"""
DOCSTRING = """# API

```{eval-rst}
.. autoclass:: lth.Pruning
   :members: rates
.. autoclass:: lth.Recipe
.. autofunction:: lth.build_model
.. autoclass:: lth.Data
   :members: preprocessings
```
"""


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Build pages of MyST with some of the extensions: a function that gives the HTML of each page, by name."""
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")

    def build(extensions: list[str], pages: dict[str, str], **settings) -> dict[str, str]:
        source = tmp_path / "source"
        for name, text in pages.items():
            file = source / (name if name.endswith(".ipynb") else f"{name}.md")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        config = {"extensions": ["myst_nb", *extensions], "myst_enable_extensions": ["colon_fence"]}
        config |= {"nb_execution_mode": "off", "html_theme": "basic", "nitpicky": True} | settings
        with docutils_namespace():
            outputs = {"status": None, "warningiserror": True}
            app = Sphinx(source, None, tmp_path / "html", tmp_path / "trees", "html", config, **outputs)
            app.build()
        html = tmp_path / "html"
        return {name: (html / name.removesuffix(".ipynb")).with_suffix(".html").read_text() for name in pages}

    return build


def titles(html: str) -> dict[str, str | None]:
    """The hover text of each link to a term, by what the link says."""
    found = {}
    for attributes, text in re.findall(r"<a ([^>]*)><span class=\"xref std std-term\">(.*?)</span>", html):
        title = re.search(r'title="([^"]*)"', attributes)
        found[text] = title and title[1]
    return found


def test_a_reference_to_a_term_says_the_first_sentence_of_its_definition(built):
    index = "# Book\n\n{term}`early stop`, {term}`Density`, {term}`masks <mask>`\n\n:::{toctree}\nwords\n:::\n"
    html = built(["glossary_hover"], {"index": index, "words": GLOSSARY})
    stop = "The iteration of the lowest validation loss, the first of them."
    both = "Which weights are left, and what share (e.g. 21.1 %) they are."
    assert titles(html["index"]) == {"early stop": stop, "Density": both, "masks": both}
    assert titles(html["words"]) == {"early stop": stop}


def test_docstrings_and_the_comments_behind_fields_become_a_reference(built):
    html = built(["api_reference"], {"index": DOCSTRING}, autodoc_typehints_format="short")["index"]
    text = " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
    assert "biases – prune each layer’s biases as well" in text  # a comment
    assert "test – likewise" in text and "Parameters:" in text  # of "Arguments:"
    assert "What a recipe can do with these images: floats are taken as they are." in text
    assert re.search(r'drawn from <code class="docutils literal notranslate">.*generator', html)
    (signature,) = re.findall(r'<dt [^>]*id="lth.build_model">.*?</dt>', html, re.DOTALL)
    assert 'href="#lth.Recipe"' in signature and "Generator" in signature and "torch" not in signature


def test_a_reference_to_what_is_not_documented_is_an_error(built):
    with pytest.raises(SphinxWarning, match="lth.stduy"):
        built(["api_reference"], {"index": DOCSTRING + "\n{py:func}`lth.stduy`\n"})


def test_every_public_name_is_in_the_reference():
    said = set(re.findall(r"^\.\. (?:auto|py:)\w+:: ([\w.]+)", (ROOT / "book" / "api.md").read_text(), re.MULTILINE))
    names = {name for name in lth.__all__ if not isinstance(getattr(lth, name), ModuleType)}
    assert {f"lth.{name}" for name in names} <= said


def buttons(html: str) -> set[str]:
    """Where a page leads outside of the book."""
    links = re.findall(r'href="(https://[^"]*)"', html)
    return {unescape(link) for link in links if re.match("https://(mybinder.org|github.com/owner)/", link)}


def notebook() -> str:
    """A notebook with a title."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_markdown_cell("# Curves")]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))


def test_buttons_lead_to_the_repository_where_its_address_is_known(built, monkeypatch):
    index = "# Book\n\n:::{toctree}\nbook/results/curves\n:::\n"
    monkeypatch.setenv("BOOK_REPOSITORY", "https://github.com/owner/name/")
    monkeypatch.setenv("BOOK_BRANCH", "trunk")
    pages = {"index": index, "book/results/curves.ipynb": notebook()}
    prose, curves = map(buttons, built(["repository"], pages, html_theme="sphinx_book_theme").values())
    root = "https://github.com/owner/name"
    assert {root, f"{root}/edit/trunk/index.md"} <= prose and not any("mybinder" in link for link in prose)
    assert f"{root}/edit/trunk/notebooks/curves.ipynb" in curves
    assert "https://mybinder.org/v2/gh/owner/name/trunk?urlpath=lab/tree/notebooks/curves.ipynb" in curves
    assert not any("book/results/curves.ipynb" in link for link in curves)


def test_without_an_address_there_is_no_such_button(built, monkeypatch):
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    html = built(["repository"], {"index.ipynb": notebook()}, html_theme="sphinx_book_theme")["index.ipynb"]
    assert buttons(html) == set() and "launch-buttons" not in html


def test_an_address_of_no_repository_is_refused(built, monkeypatch):
    monkeypatch.setenv("BOOK_REPOSITORY", "github.com/owner/name")
    with pytest.raises(ConfigError, match="such as https://github.com/OWNER/NAME, not 'github.com/owner/name'"):
        built(["repository"], {"index": "# Book\n"}, html_theme="sphinx_book_theme")


def executed(*outputs: dict) -> str:
    """A notebook with one cell of code that left these outputs."""
    cells = [
        nbformat.v4.new_markdown_cell("# Page\n\n:::{glued-figure} n.ipynb::k\n:alt: Two panels.\n\nSee this.\n:::"),
        nbformat.v4.new_code_cell("trials: int = None", metadata={"tags": ["parameters", "remove-cell"]}),
        nbformat.v4.new_code_cell("draw()", outputs=list(outputs), metadata={"tags": ["remove-cell"]}),
        nbformat.v4.new_markdown_cell("```{page-code}\n```"),
    ]
    return nbformat.writes(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "P"}})
    )


def panel(svg: str, csv: str | None = None, **about) -> dict:
    """An output as page.figure leaves it."""
    data = {"image/svg+xml": svg, "text/plain": "k"} | ({"text/csv": csv} if csv else {})
    figure = {"key": "k", "draw": "f", "options": {}, "sources": [], "given": {}} | about
    return nbformat.v4.new_output("display_data", data, metadata={"figure": figure})


def test_a_figure_comes_with_its_files_and_the_code_in_a_fold(built, tmp_path):
    notebook = executed(panel("<svg><text>one</text></svg>", "a\n1\n"), panel("<svg><text>two</text></svg>"))
    page = built(["sphinx_design", "figures"], {"index": "# I\n\n```{toctree}\nn\n```", "n.ipynb": notebook})["n.ipynb"]
    assert page.count("<svg role=") == 2 and 'aria-label="Two panels. Panel 2 of 2."' in page
    assert "lth figure n --trials 2" in page and page.index("<details") > page.index("See this.")
    fold = page[page.index("<details") :]
    assert 0 < fold.index("trials") < fold.index("draw")
    folder = tmp_path / "html" / "_static"
    assert (folder / "figures" / "k.csv").read_text() == "a\n1\n"
    assert {file.name for file in (folder / "figures").iterdir()} == {"k.csv", "k-1.svg", "k-2.svg"}
    assert "--figure-" in (folder / "palette.css").read_text()


def test_a_figure_that_is_not_there_or_has_no_alternative_text_is_an_error(built):
    pages = {"index": "# I\n\n```{toctree}\nn\n```", "n.ipynb": executed(panel("<svg></svg>", key="other"))}
    with pytest.raises(SphinxWarning, match="no figure 'k' is in n.ipynb: it has other"):
        built(["sphinx_design", "figures"], pages)


def test_a_drawing_is_in_the_page(built, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "d.svg").write_text('<svg><path fill="#0173b2"/></svg>')
    page = built(["figures"], {"index": "# I\n\n:::{drawing} d.svg\n:alt: A procedure.\n\nSee.\n:::"})["index"]
    assert 'fill="var(--figure-0173b2)"' in page and 'aria-label="A procedure."' in page


def test_where_everything_comes_from_has_a_row_for_each_source(built, tmp_path):
    told = {"study": "lenet", "records": "abc", "commits": ["1234567"], "trials": 20, "runs": 1000}
    figure = panel("<svg></svg>", "a\n1\n", sources=[told, told | {"study": "quickstart"}], given={"trials": 2})
    results = tmp_path / "source" / "book" / "results"
    results.mkdir(parents=True)
    (results / "a_page.ipynb").write_text(executed(figure))
    page = built(["status"], {"index": "# I\n\n```{notebook-status}\n```"}, exclude_patterns=["book"])["index"]
    assert page.count('id="notebook-a-page"') == 1 and "1,000" in page and "trials = 2" in page
    assert "quickstart" in page and "hours of one core" in page
