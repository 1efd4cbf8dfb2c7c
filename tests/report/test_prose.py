"""The prose of a page that is drawn again."""

import json
import re

import pytest
from executed import NOTEBOOKS

from lth.paths import ROOT
from lth.report import prose

PAGE = """# A title

The ticket stops {glue:text}`p_times:.1f` times as early (paper: 2.5). It is
{term}`dense <dense network>`, see [the page](page.ipynb); **both** hold.

```python
not = "a sentence."
```

:::{figure} x
:name: fig-x

With {glue:text}`q.ipynb::q_n` trials. "Nothing" is left of it.
:::

- One item.
- Another item, {glue:text}`p_gone:.0f`% of it.
"""


def test_numbers_are_written_as_the_book_writes_them_and_marked_where_they_are_the_pages_own():
    glued, elsewhere = {"p_times": 2.26, "p_gone": float("nan")}, {"q_n": "five"}
    told = prose.with_numbers(PAGE, glued, elsewhere, "<i>{}</i>")
    assert "stops <i>2.3</i> times" in told and "With five trials" in told
    assert f"item, <i>{prose.MISSING}</i>% of it" in told
    same = prose.with_numbers(PAGE, glued, elsewhere | {"p_times": 2.3}, "<i>{}</i>")  # as far as it is printed
    assert "stops 2.3 times" in same and f"item, <i>{prose.MISSING}</i>% of it" in same
    assert prose.with_numbers("{glue:text}`r_unknown`", glued, elsewhere) == "{glue:text}`r_unknown`"
    assert prose.with_numbers("{glue:text}`p_n:,.0f`", {"p_n": 12345.6}, {}) == "12,346"


def test_sentences_are_whole_and_without_markup():
    told = prose.with_numbers(PAGE, {"p_times": 2.26, "p_gone": float("nan")}, {"q_n": "five"})
    assert list(prose.sentences(told)) == [
        "The ticket stops 2.3 times as early (paper: 2.5).",
        "It is dense, see the page; both hold.",
        "With five trials.",
        '"Nothing" is left of it.',
        "One item.",
        f"Another item, {prose.MISSING}% of it.",
    ]
    assert list(prose.without_numbers(told)) == [f"Another item, {prose.MISSING}% of it."]


def test_a_quotation_finds_its_sentence():
    told = prose.with_numbers(PAGE, {"p_times": 2.26, "p_gone": 3.0}, {"q_n": "five"})
    assert prose.around("stops … times as early", told) == "The ticket stops 2.3 times as early (paper: 2.5)."
    assert prose.around("it is dense", told) == "It is dense, see the page; both hold."
    assert prose.around("“nothing” is left", told) == '"Nothing" is left of it.'
    assert prose.around("nowhere", told) == "nowhere"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_page_expects_is_a_sentence_of_the_book(notebook):
    """Otherwise a premise outlives its sentence, or a sentence is changed and nobody checks its premise."""
    cells = json.loads(notebook.read_text())["cells"]
    own = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    text = prose.GLUED.sub("7", "\n\n".join([*own, *(file.read_text() for file in (ROOT / "book").glob("*.md"))]))
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    quotations = re.findall(r'page\.expects\(\s*"((?:[^"\\]|\\.)+)"', code)
    assert [each for each in quotations if prose.around(each, text) == each] == []
