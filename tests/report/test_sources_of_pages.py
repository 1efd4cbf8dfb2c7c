import pandas as pd
import pytest

from lth.errors import LthError
from lth.records import Records
from lth.report.sources import evidence, published_of, source, trained
from lth.studies import parameters
from lth.studies.catalogue import STUDIES


def test_a_study_of_hours_is_never_trained_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    assert published_of(STUDIES["suspects"]) is None
    with pytest.raises(LthError, match="no run of the study 'suspects'.*`lth run suspects` trains it"):
        evidence(STUDIES["suspects"])


def test_nobody_waits_for_days_unasked():
    with pytest.raises(LthError, match=r"lenet: 52 runs to train, about \d+ days on .*ask for fewer trials"):
        trained(parameters.study("lenet", trials=1, iterations=10**8, arms="ticket,reinit"))


def test_a_source_is_known_by_study_records_and_commits():
    runs = pd.DataFrame({"key": ["k", "l", "m"], "commit": ["1788c9db9134", "05e990f23411", "1788c9db9134"]})
    records = Records("lenet", pd.DataFrame({"loss": [1.0]}), runs.assign(trial=[0, 1, 1], data="CIFAR-10 (JPEG copy)"))
    told = source(records)
    assert (told["study"], told["runs"], told["trials"]) == ("lenet", 3, 2)
    assert told["commits"] == ["05e990f", "1788c9d"] and told["copies"] == "on CIFAR-10 (JPEG copy)"
    changed = Records("lenet", pd.DataFrame({"loss": [1.1]}), records.runs)
    assert source(changed)["records"] != told["records"]
