import json

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

import lth.report.page
from lth.errors import LthError
from lth.paths import ROOT
from lth.records import Records
from lth.report.page import CHANGED, Page, assigned, check_list, of, study_of
from lth.studies.catalogue import STUDIES

CELL = 'study: str = "lenet"  # the study\ntrials: int = None  # repetitions\nshow: list = None  # levels'


def notebook(*cells: str) -> dict:
    """The globals() of a notebook that has run these cells, as IPython leaves them."""
    namespace = {"In": ["", *cells]}
    for cell in cells:
        exec(cell, namespace)
    return namespace


@pytest.fixture
def glued(monkeypatch):
    """What a page glues, by key."""
    found = {}
    monkeypatch.setattr(lth.report.page, "glue", lambda key, value, display=True: found.update({key: value}))
    return found


def page(**changes) -> Page:
    """A page of the study `lenet` without any records read."""
    return Page(**({"notebook": "n", "prefix": "p", "study": STUDIES["lenet"], "given": {}, "default": True} | changes))


def test_what_a_start_up_file_defines_is_no_parameter():
    namespace = {"levels": 3, "arms": ["?"], "rewind": "x"} | notebook(CELL)
    assert of(namespace, "n", study="lenet", show=None).study == STUDIES["lenet"]
    script = {"study": "lenet", "trials": 3, "show": None}  # which has no cells
    assert of(script, "n", study="lenet", show=None).study.trials == 3


def test_parameters_make_the_study():
    changed = of(notebook(CELL, "# Parameters\ntrials = 2\niterations = 700\n"), "n", study="lenet", show=None)
    assert (changed.study.trials, changed.study.recipes[0].iterations) == (2, 700)
    assert changed.given == {"trials": 2, "iterations": 700} and not changed.default
    unchanged = of(notebook(CELL), "n", study="lenet", show=None)
    assert (unchanged.study, unchanged.given, unchanged.default) == (STUDIES["lenet"], {}, True)
    assert not of(notebook(CELL, "# Parameters\nshow = [0]\n"), "n", study="lenet", show=None).default
    assert not of(notebook(CELL, '# Parameters\nstudy = "quickstart"\n'), "n", study="lenet", show=None).default


def test_unknown_parameters_are_named():
    with pytest.raises(LthError, match="unknown parameter 'trails': choose one of study, trials"):
        of(notebook(CELL, "# Parameters\ntrails = 2\n"), "n", study="lenet", show=None)
    with pytest.raises(LthError, match="unknown parameter 'trails'"):
        of(notebook(f"{CELL}\ntrails: int = 2"), "n", study="lenet", show=None)  # written into the cell by hand
    with pytest.raises(LthError, match="unknown parameter 'show'"):
        of(notebook(CELL), "n", study="lenet")


def test_only_what_the_parameter_cells_assign_is_a_parameter():
    """What later cells left at a first run of all of them, or a start-up file, is none."""
    setup = "import pandas as pd\nruns, level = [], 7\nx = 1"
    assert assigned(["", CELL, setup, CELL]) == ["study", "trials", "show"]
    assert assigned(["", CELL, "# Parameters\ntrials = 1\n", setup]) == ["study", "trials", "show", "trials"]
    assert assigned(["", CELL, "# Parameters\ntrails = 1\n", setup, CELL]) == ["study", "trials", "show"]
    assert assigned(["", setup]) == assigned(()) == []
    again = notebook(CELL, setup, CELL) | {"mine": 3}
    assert of(again, "n", study="lenet", show=None).default


def test_all_cells_of_a_notebook_run_twice_in_ipython():
    """In IPython itself, whose history and globals() are what `of` reads."""
    cells = json.loads((ROOT / "notebooks" / "original_weights.ipynb").read_text())["cells"]
    parameters, setup, *_ = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    shell = InteractiveShell()
    shell.user_ns["left_by_a_start_up_file"] = 1
    for _ in range(2):
        for source in (parameters, setup, "level, numbers = 7, {}"):
            shell.run_cell(source, store_history=True).raise_error()
    assert shell.user_ns["page"].default
    shell.run_cell(parameters, store_history=True)
    shell.run_cell("# Parameters\ntrails = 1\n", store_history=True)
    with pytest.raises(LthError, match="unknown parameter 'trails'"):
        shell.run_cell(setup, store_history=True).raise_error()


def test_only_what_is_drawn_is_trained_where_a_parameter_changes_the_study():
    drawn = study_of("lenet", "ticket,reinit", trials=1, arms=None)
    assert drawn.grids[0].draws == (("ticket", 1), ("reinit", 1))
    more = study_of("lenet", "ticket,reinit", trials=1, arms="ticket,reinit:2,oneshot")
    assert dict(more.grids[0].draws) == {"ticket": 1, "reinit": 2, "oneshot": 1}
    with pytest.raises(LthError, match="draws reinit too, which are not among the arms 'random-mask,ticket': add them"):
        study_of("lenet", "ticket,reinit", trials=1, arms="ticket,random-mask")
    with pytest.raises(LthError, match="draws reinit too, .* 'chain-reinit,ticket'"):
        study_of("null-2020", "ticket,reinit")
    assert study_of("lenet", "ticket") == STUDIES["lenet"]


@pytest.mark.parametrize("show", [3, "[0, 3]", [], [0.5]])
def test_levels_to_show_are_a_list(show):
    with pytest.raises(LthError, match=r"show must be a list such as \[0, 7\], not"):
        check_list("show", show, int, "[0, 7]")
    check_list("show", [0, 3], int, "[0, 7]")
    check_list("show", None, int, "[0, 7]")


def test_a_level_is_at_most_the_deepest_there_is():
    one = page()
    one.records = Records("lenet", pd.DataFrame(), pd.DataFrame({"level": [0, 3]}))
    assert (one.level(7), one.level(2)) == (3, 2)


def test_what_is_glued_has_its_key(glued):
    one = page()
    one.numbers(a=1, b="two")
    one.table("n_table", "| a |")
    assert glued["n_table"].data == "| a |"
    assert {key: glued[key] for key in ("p_a", "p_b")} == {"p_a": 1, "p_b": "two"}


def test_numbers_of_numpy_are_glued_as_plain_ones(glued):
    page().numbers(a=np.float64(0.5), b=np.int64(3))
    assert repr(glued) == "{'p_a': 0.5, 'p_b': 3}"


def test_digits_that_differ_between_processors_are_not_glued(glued):
    page().numbers(a=23.481735587120056, b=np.float32(23.481737077236176), c=1234567, d=float("nan"))
    assert glued["p_a"] == glued["p_b"] == 23.4817 and glued["p_c"] == 1234567 and glued["p_d"] != glued["p_d"]


FROZEN = "trials: int = None  # repetitions"


def test_a_page_that_trains_nothing_draws_the_first_of_the_published_trials():
    def frozen(*injected):
        return of(notebook(FROZEN, *injected), "n", study="ticket-frozen", unpublished="never")

    two = frozen("# Parameters\ntrials = 2\n")
    assert set(two.records.runs["trial"]) == {0, 1} and not two.default
    assert set(two.beside("ticket-settings").runs["trial"]) == {0, 1}
    assert frozen().default and set(frozen().records.runs["trial"]) == set(range(5))
    with pytest.raises(LthError, match="5 trials of the study 'ticket-frozen' are published, not 900, and this page"):
        frozen("# Parameters\ntrials = 900\n").records  # noqa: B018
    with pytest.raises(LthError, match="unknown parameter 'levels': choose one of trials"):
        frozen("# Parameters\nlevels = 2\n")


def test_another_study_is_among_what_is_given():
    assert of(notebook(CELL, '# Parameters\nstudy = "quickstart"\n'), "n", study="lenet", show=None).given == {
        "study": "quickstart"
    }


def test_a_sentence_that_the_records_no_longer_support_stops_the_published_page(capsys):
    one = page()
    one.expects("tickets win", True)
    with pytest.raises(LthError, match="no longer show what n.ipynb says, 'tickets win': correct the sentence"):
        one.expects("tickets win", False)
    assert capsys.readouterr().out == ""


def test_with_other_parameters_the_page_says_once_what_its_text_describes(monkeypatch):
    shown, other = [], page(default=False)
    monkeypatch.setattr(
        lth.report.page.display, "display", lambda markdown, metadata: shown.append((markdown.data, metadata["untrue"]))
    )
    for sentence, holds in (("a", True), ("b", False), ("c", False)):
        other.expects(sentence, holds)
    assert [sentence for _, sentence in shown] == other.untrue == ["b", "c"]
    assert [CHANGED in told for told, _ in shown] == [True, False]


def test_what_is_not_published_is_trained_refused_or_skipped(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    skipped = page(study=STUDIES["suspects"], unpublished="skip")
    assert skipped.records is None and skipped.sources == []
    with pytest.raises(LthError, match="no run of the study 'suspects'"):
        page(study=STUDIES["suspects"], unpublished="refuse").records  # noqa: B018
    with pytest.raises(LthError, match="unknown treatment of what is not published 'ask': choose one of train, refuse"):
        of(notebook(CELL), "n", study="lenet", unpublished="ask", show=None)
