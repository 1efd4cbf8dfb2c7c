import pandas as pd
import pytest

from lth.errors import LthError
from lth.records import Records
from lth.report.page import beside, evidence, provenance, published_of, study_of
from lth.studies.catalogue import STUDIES


def test_parameters_make_the_study():
    chosen = study_of({"study": "lenet", "trials": 2, "levels": None, "iterations": 700, "In": [], "_": 0})
    assert (chosen.trials, chosen.recipes[0].iterations) == (2, 700)


def test_only_what_is_drawn_is_trained_where_a_parameter_changes_the_study():
    given = {"study": "lenet", "trials": 1, "arms": None}
    assert study_of(given, drawn="ticket,reinit").grids[0].draws == {"ticket": 1, "reinit": 1}
    more = given | {"arms": "ticket,reinit:2,oneshot"}
    assert study_of(more, drawn="ticket,reinit").grids[0].draws == {"ticket": 1, "reinit": 2, "oneshot": 1}
    with pytest.raises(LthError, match="draws reinit too, which are not among the arms 'random-mask,ticket': add them"):
        study_of(given | {"arms": "ticket,random-mask"}, drawn="ticket,reinit")
    with pytest.raises(LthError, match="draws reinit too, .* 'chain-reinit,chain-rewound,ticket'"):
        study_of({"study": "null-2020"}, drawn="ticket,reinit")
    assert study_of({"study": "lenet"}, drawn="ticket") == STUDIES["lenet"]


@pytest.mark.parametrize("show", [3, "[0, 3]", [], [0.5]])
def test_levels_to_show_are_a_list(show):
    with pytest.raises(LthError, match="show must be a list of levels, such as"):
        study_of({"study": "lenet", "show": show}, "show")


def test_what_a_notebook_imports_is_not_a_parameter():
    assert study_of({"study": "quickstart", "pd": pd, "study_of": study_of}).name == "quickstart"


def test_unknown_parameters_are_named():
    with pytest.raises(LthError, match="unknown parameter 'trails': choose one of study, trials"):
        study_of({"study": "lenet", "trails": 1})
    with pytest.raises(LthError, match="unknown parameter 'shown'"):
        study_of({"study": "lenet", "shown": [1]})
    assert study_of({"study": "lenet", "shown": [1]}, "shown").name == "lenet"


def test_a_study_of_hours_is_never_trained_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    assert published_of(STUDIES["suspects"]) is None
    with pytest.raises(LthError, match="no run of the study 'suspects'.*`lth run suspects` trains it"):
        evidence(STUDIES["suspects"])


def test_provenance_names_notebook_parameters_study_records_and_commit():
    records = Records("lenet", pd.DataFrame({"loss": [1.0]}), pd.DataFrame({"key": ["k"], "commit": ["abc"]}))
    text = provenance("accuracy", records, {"trials": 2, "levels": None, "runs": 7}, show=[0, 7])
    assert text == (
        f"Notebook accuracy.ipynb (parameters: trials = 2, show = [0, 7]), study lenet, records {records.digest}, "
        "trained at commit abc."
    )
    assert beside("The protocol", records) == f"The protocol: study lenet, records {records.digest}."
    runs = pd.DataFrame({"key": ["k", "l", "m"], "commit": ["1788c9db9134", "05e990f23411", "1788c9db9134"]})
    several = provenance("accuracy", Records("lenet", records.curves, runs), {})
    assert several.endswith("trained at commits 05e990f, 1788c9d.")
    changed = Records("lenet", pd.DataFrame({"loss": [1.1]}), records.runs)
    assert changed.digest != records.digest
    assert "parameters: defaults" in provenance("accuracy", records, {"trials": None})
