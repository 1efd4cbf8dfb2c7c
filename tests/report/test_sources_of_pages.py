import pandas as pd
import pytest

from lth.errors import LthError
from lth.records import Records
from lth.report.sources import beside, evidence, provenance, published_of
from lth.studies.catalogue import STUDIES


def test_a_study_of_hours_is_never_trained_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    assert published_of(STUDIES["suspects"]) is None
    with pytest.raises(LthError, match="no run of the study 'suspects'.*`lth run suspects` trains it"):
        evidence(STUDIES["suspects"])


def test_provenance_names_notebook_parameters_study_records_and_commit():
    records = Records("lenet", pd.DataFrame({"loss": [1.0]}), pd.DataFrame({"key": ["k"], "commit": ["abc"]}))
    assert provenance("accuracy", records, {"trials": 2, "show": [0, 7]}) == (
        f"Notebook accuracy.ipynb (parameters: trials = 2, show = [0, 7]), study lenet, records {records.digest}, "
        "trained at commit abc."
    )
    assert beside("The protocol", records) == f"The protocol: study lenet, records {records.digest}."
    runs = pd.DataFrame({"key": ["k", "l", "m"], "commit": ["1788c9db9134", "05e990f23411", "1788c9db9134"]})
    several = provenance("accuracy", Records("lenet", records.curves, runs), {})
    assert several.endswith("trained at commits 05e990f, 1788c9d.")
    changed = Records("lenet", pd.DataFrame({"loss": [1.1]}), records.runs)
    assert changed.digest != records.digest
    assert "parameters: defaults" in provenance("accuracy", records, {})
