"""What the book is made from: its extensions, its table of contents, the README."""

import json
import re
from base64 import b64encode
from importlib import util
from pathlib import Path

import pytest
import yaml

from lth.recipes import RECIPES
from lth.report.claims import tables
from lth.report.null_2020 import figures_of_2020, rule

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


def test_figures_are_found_whether_shown_or_only_glued():
    image = b64encode(b"a picture").decode()
    outputs = [
        glued("shown", "image/png", image),
        glued("hidden", "application/papermill.record/image/png", [image]),
        glued("number", "text/plain", "0.5"),
        {"output_type": "display_data", "data": {"image/png": image}, "metadata": {}},
    ]
    notebook = {"cells": [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": outputs}]}
    assert extension("glued_figures").glued_figures(notebook) == {"shown": b"a picture", "hidden": b"a picture"}


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
    assert {*tables.WORDS, *figures_of_2020.WORDS, *rule.WORDS} == set(badges)


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
    assert {f"book/{path.stem}" for path in PROSE} <= listed


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
    notebook = json.loads((ROOT / "notebooks" / "early_stopping.ipynb").read_text())
    figures = extension("glued_figures").glued_figures(notebook)
    assert (ROOT / "book/_static/early_stopping.png").read_bytes() == figures["early_stopping_figure"]
