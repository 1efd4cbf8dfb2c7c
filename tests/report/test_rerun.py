"""`lth figure`: a notebook with other parameters, as a page."""

import os
import re
from html import unescape

import nbformat
import pytest

from lth.errors import LthError
from lth.report import rerun

TEXT = """# Twice

The double is {glue:text}`double:.1f`, says {cite:t}`frankle2019`; see [the method](../ticket.md),
[other pages](other.ipynb) and {numref}`fig-elsewhere`. <a href="../elsewhere.html#x">raw</a>"""
PARAMETERS = "trials: int = 2  # how many\nwords: list = None  # some"
CODE = """from lth.errors import LthError
from myst_nb import glue
if trials > 9:
    raise LthError(f"trials must be at most 9, not {trials}: ask for fewer")
if trials < 0:
    1 / 0
if words is not None:
    assert words == ["a", "b"], words
glue("double", 2.0 * trials)"""


@pytest.fixture
def notebooks(monkeypatch, tmp_path):
    """A folder with one notebook, `twice`."""
    cells = [
        nbformat.v4.new_markdown_cell(TEXT),
        nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(CODE),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "twice.ipynb")
    monkeypatch.setattr(rerun, "NOTEBOOKS", folder)
    return folder


def test_the_page_has_the_numbers_of_other_parameters_in_its_prose(notebooks, tmp_path, capfd):
    before = dict(os.environ)
    page = rerun.rerun("twice", {"trials": 3, "levels": None, "words": ["a", "b"]}, tmp_path / "new" / "folder")
    assert page.is_relative_to(tmp_path / "new" / "folder") and os.environ == before
    html = page.read_text()
    article = html[html.index("<article") : html.index("</article>")]
    text = " ".join(unescape(re.sub("<[^>]+>", "", article)).split())
    assert "Drawn again with trials = 3, words =" in text
    assert "The double is 6.0, says Frankle and Carbin [2019]; see the method, other pages and" in text
    for href in re.findall(r' href="([^":#]+)', article):  # no link leads nowhere
        assert (page.parent / href).exists(), href
    assert (page.parent / "../reference.html").exists() and "elsewhere.html" not in article


@pytest.mark.parametrize(
    ("trials", "says"),
    [(10, "^trials must be at most 9, not 10: ask for fewer$"), (-1, "^twice.ipynb failed: ZeroDivisionError: divis")],
)
def test_a_notebook_that_fails_says_its_sentence(notebooks, tmp_path, capfd, trials, says):
    with pytest.raises(LthError, match=says):
        rerun.rerun("twice", {"trials": trials}, tmp_path / "page")
    assert list((tmp_path / "page").iterdir()) == []


def test_what_cannot_be_done_is_said_before_anything_is_executed(notebooks, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(LthError, match="unknown notebook 'thrice': choose one of twice"):
        rerun.rerun("thrice", {}, tmp_path / "page")
    with pytest.raises(LthError, match="unknown parameter of twice.ipynb 'triels': choose one of trials, words"):
        rerun.rerun("twice", {"triels": 2}, tmp_path / "page")
    with pytest.raises(LthError, match="cannot write to .*file/page: choose another folder with --to"):
        rerun.rerun("twice", {"trials": 2}, tmp_path / "file" / "page")
    monkeypatch.setattr(rerun.util, "find_spec", lambda name: None)
    with pytest.raises(LthError, match="papermill is not installed"):
        rerun.rerun("twice", {"trials": 2}, tmp_path / "page")


@pytest.mark.parametrize(
    ("text", "value"), [("2", 2), ("[1, 2]", [1, 2]), ("None", None), ("1e-3", 0.001), ("ticket,reinit:3",) * 2]
)
def test_values_are_read_as_python_writes_them(text, value):
    assert rerun.value_of(text) == value
