"""What the book is made from: its extensions, its table of contents, the README."""

import json
import re
from importlib import util
from pathlib import Path

import pytest
import yaml

from lth.claims.words import VERDICTS
from lth.recipes import RECIPES

ROOT = Path(__file__).resolve().parents[2]
PROSE = sorted((ROOT / "book").glob("*.md"))


def extension(name: str):
    """The module book/_ext/`name`.py."""
    spec = util.spec_from_file_location(name, ROOT / "book" / "_ext" / f"{name}.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def glued(key: str, mime: str, content) -> dict:
    """An output as `glue(key, …)` leaves it in a notebook."""
    return {"output_type": "display_data", "data": {mime: content}, "metadata": {"scrapbook": {"name": key}}}


def test_figures_are_found_with_all_their_panels_and_their_numbers():
    about = {"metadata": {"figure": {"key": "k", "draw": "f"}}}
    outputs = [
        about | {"data": {"image/svg+xml": ["<svg", ">1</svg>"], "text/csv": "a\n1\n"}},
        about | {"data": {"image/svg+xml": "<svg>2</svg>"}},
        {"data": {"image/svg+xml": "<svg/>"}, "metadata": {}},
    ]
    notebook = {"cells": [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": outputs}]}
    (figure,) = extension("figures").figures_of(notebook).values()
    assert figure["panels"] == ["<svg>1</svg>", "<svg>2</svg>"] and figure["csv"] == "a\n1\n"


def test_a_figure_on_a_page_has_a_name_no_paper_and_colours_that_the_page_knows():
    module = extension("figures")
    svg = '<?xml version="1.0"?><svg viewBox="0 0 1 1" style="background: #ffffff"><path style="fill: #0173B2"/></svg>'
    shown = module.themed(svg, 'a "figure"')
    assert shown.startswith('<svg role="img" aria-label="a &quot;figure&quot;"') and "background" not in shown
    assert "fill: var(--figure-0173b2)" in shown
    sheet = module.palette()
    assert sheet.count("--figure-0173b2:") == 2 and "data-theme='dark'" in sheet


def test_tables_are_found_whether_shown_or_only_glued():
    outputs = [
        glued("shown", "text/markdown", ["| a |\n", "| --- |"]),
        glued("hidden", "application/papermill.record/text/markdown", "| b |"),
        glued("number", "text/plain", "0.5"),
    ]
    notebook = {"cells": [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": outputs}]}
    assert extension("glued_tables").glued_markdown(notebook) == {"shown": "| a |\n| --- |", "hidden": "| b |"}


def test_verdicts_that_fill_a_cell_become_badges():
    with_badges = extension("glued_tables").with_badges
    assert with_badges("| L1 | replicated | not tested |") == (
        "| L1 | {bdg-success}`replicated` | {bdg-light}`not tested` |"
    )
    assert with_badges("| it replicated | replicated well |") == "| it replicated | replicated well |"


def test_every_verdict_has_a_badge():
    badges = extension("glued_tables").BADGES
    assert set(VERDICTS) == set(badges)


def test_the_recipe_table_shows_every_recipe():
    head, *rows = extension("recipe_table").rows(list(RECIPES.values()))
    assert {len(row) for row in rows} == {len(head)} == {len(RECIPES) + 1}
    table = {name: dict(zip(RECIPES, cells, strict=True)) for name, *cells in rows}
    assert table["Iterations"]["lenet"] == f"{RECIPES['lenet'].iterations:,}"
    assert table["Optimizer"]["lenet"] == "Adam 0.0012"
    assert table["Pruned a level"]["lenet"] == "fc 20%, output 10%"
    assert table["Pruned a level"]["conv6"] == "conv 15%, fc 20%, output 10%"
    assert table["Ranked within"]["vgg19"] == "all layers"


def test_every_page_written_is_in_the_table_of_contents():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = {toc["root"]} | {chapter["file"] for part in toc["parts"] for chapter in part["chapters"]}
    included = {"book/api", "book/glossary"}  # in the page of reference
    assert {f"book/{path.stem}" for path in PROSE} - included <= listed


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.stem)
def test_numbers_are_glued_with_a_format(path):
    roles = re.findall(r"\{glue:text\}`([^`]*)`", path.read_text())
    assert all(re.fullmatch(r"results/\w+\.ipynb::\w+:[^:]*", role) for role in roles), roles


def test_links_of_the_readme_exist():
    text = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_readme_shows_the_figure_of_the_committed_notebook():
    """`make refresh` writes it."""
    module = extension("figures")
    panels = module.figures_of(json.loads((ROOT / "notebooks" / "control.ipynb").read_text()))["hero"]["panels"]
    for name, panel in zip(module.file_names("hero", panels), panels, strict=True):
        assert (ROOT / "book" / "_static" / name).read_text() == panel
        assert f"book/_static/{name}" in (ROOT / "README.md").read_text()
