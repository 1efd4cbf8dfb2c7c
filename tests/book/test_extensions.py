"""The book's Sphinx extensions, on tiny projects of their own."""

import re
from html import unescape
from types import ModuleType

import pytest
from sphinx.application import Sphinx
from sphinx.errors import SphinxWarning
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
        source.mkdir(exist_ok=True)
        for name, text in pages.items():
            (source / f"{name}.md").write_text(text)
        config = {"extensions": ["myst_parser", *extensions], "myst_enable_extensions": ["colon_fence"]}
        config |= {"html_theme": "basic", "nitpicky": True} | settings
        with docutils_namespace():
            outputs = {"status": None, "warningiserror": True}
            app = Sphinx(source, None, tmp_path / "html", tmp_path / "trees", "html", config, **outputs)
            app.build()
        return {name: (tmp_path / "html" / f"{name}.html").read_text() for name in pages}

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
