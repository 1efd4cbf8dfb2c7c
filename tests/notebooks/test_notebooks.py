import json
import re

import pytest
from executed import NOTEBOOKS, papermill

import lth.report.page
from lth.errors import LthError
from lth.paths import ROOT

names = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
of_studies = pytest.mark.parametrize(  # the other one asks its question of what is not the library's
    "notebook", [path for path in NOTEBOOKS if path.stem != "your_own"], ids=lambda path: path.stem
)


def cells(notebook):
    """The code cells that hold something."""
    return [c for c in json.loads(notebook.read_text())["cells"] if c["cell_type"] == "code" and "".join(c["source"])]


@names
def test_every_code_cell_has_been_executed(notebook):
    """nbval compares only what is stored, so an unexecuted cell would pass it."""
    assert [c["id"] for c in cells(notebook) if c["execution_count"] is None] == []
    assert any(c["outputs"] for c in cells(notebook))


@names
def test_committed_notebooks_are_clean(notebook):
    content = json.loads(notebook.read_text())
    assert set(content["metadata"]) <= {"kernelspec", "language_info"}
    assert all(set(c["metadata"]) <= {"tags"} for c in content["cells"])
    assert not [o for c in cells(notebook) for o in c["outputs"] if o["output_type"] in ("error", "stream")]


@names
def test_the_parameters_are_typed_and_commented_in_one_cell(notebook):
    (parameters,) = [c for c in cells(notebook) if "parameters" in c["metadata"].get("tags", [])]
    for line in "".join(parameters["source"]).splitlines():
        name, _, rest = line.partition(":")
        assert name.isidentifier() and "=" in rest and "#" in rest, line


WRONG = [
    ("trails", 1, "unknown parameter 'trails': choose one of study, trials, levels"),
    ("trials", 0, "trials must be a whole number of at least 1, not 0"),
    ("arms", "tickets", "unknown arm 'tickets': choose one of ticket, reinit"),
]
FIXED = {  # what a page says to them that draws fixed arms and levels of published records
    ("makes_a_ticket", "trails"): "unknown parameter 'trails': choose one of trials, show",
    ("makes_a_ticket", "arms"): "unknown parameter 'arms': choose one of trials, show",
}


@of_studies
@pytest.mark.parametrize(("name", "value", "sentence"), WRONG)
def test_a_wrong_parameter_is_refused_before_anything_else(notebook, name, value, sentence):
    parameters, setup, *_ = ("".join(cell["source"]) for cell in cells(notebook))
    injected = f"# Parameters\n{name} = {value!r}\n"  # as papermill does, in a cell of its own
    namespace = {"In": ["", parameters, injected, setup]}
    exec(parameters, namespace)
    exec(injected, namespace)
    with pytest.raises(LthError, match=re.escape(FIXED.get((notebook.stem, name), sentence))):
        exec(setup, namespace)


@of_studies
def test_the_page_has_the_notebooks_own_defaults(notebook, monkeypatch):
    """Otherwise its captions would name parameters that nobody gave, and what it expects would not be checked."""
    made, of = [], lth.report.page.of
    monkeypatch.setattr(lth.report.page, "of", lambda *given, **named: made.append(of(*given, **named)) or stop())
    parameters, setup, *_ = ("".join(cell["source"]) for cell in cells(notebook))
    namespace = {"In": ["", parameters, setup]}
    exec(parameters, namespace)
    with pytest.raises(InterruptedError):
        exec(setup, namespace)
    (page,) = made
    assert page.notebook == notebook.stem
    assert (page.default, page.given) == (True, {}) or notebook.stem == "cost"  # which projects a part of the study


def stop():
    raise InterruptedError


def test_ones_own_question_refuses_unknown_parameters_too():
    parameters, setup, *_ = ("".join(cell["source"]) for cell in cells(ROOT / "notebooks" / "your_own.ipynb"))
    namespace = {"In": ["", parameters, "# Parameters\nlevel = 3\n", setup]}
    with pytest.raises(LthError, match="unknown parameter 'level': choose one of trials, levels, iterations"):
        exec(setup, namespace)


def test_papermill_ends_with_the_sentence(tmp_path):
    """With a name that the notebook does not know, of which papermill itself would only warn."""
    name, value, sentence = WRONG[0]
    done, _ = papermill(ROOT / "notebooks" / "original_weights.ipynb", tmp_path, name, value)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_the_quick_start_trains_with_tiny_parameters(tmp_path, monkeypatch):
    (tmp_path / "datasets").symlink_to(ROOT / "data" / "datasets")
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    done, out = papermill(ROOT / "notebooks" / "quickstart.ipynb", tmp_path, "levels", 1, "iterations", 20)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs").glob("*.safetensors"))) == 4  # ticket and reinit at levels 0 and 1
    assert any("image/svg+xml" in json.dumps(c["outputs"]) for c in cells(out))
