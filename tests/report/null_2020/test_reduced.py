import numpy as np
import pandas as pd
import pytest

from lth.records.published import Records
from lth.report.null_2020 import reduced
from lth.report.null_2020.reduced import ahead, by_trial, head_start, stopped_within, with_reached
from lth.statistics.bootstrap import Estimate
from lth.statistics.contrasts import Term

KEYS = ["study", "recipe", "arm", "trial", "draw", "level"]


def made(stops: dict[tuple[str, int, int], int]) -> Records:
    """Runs by (arm, trial, level): validation loss least at `stops`, accuracy rising to 95 % there, 1,000 apart."""
    runs, curves = [], []
    for (arm, trial, level), stop in stops.items():
        key = dict(zip(KEYS, ("made", "protocol", arm, trial, 0, level), strict=True))
        runs.append(key | {"early_stop_iteration": stop, "early_stop_test_acc": 0.97 if arm == "ticket" else 0.965})
        for iteration in range(0, 20_001, 1000):
            loss, accuracy = abs(iteration - stop) / 1000, 0.95 + min(0, iteration - stop) / 50_000
            curves.append(key | {"iteration": iteration, "val_loss": loss, "val_acc": accuracy})
    return Records("made", pd.DataFrame(curves), pd.DataFrame(runs))


@pytest.fixture
def records():
    """The ticket stops at 1,000, the control at 3,000 and 15,000; trial 1 lacks the control's second level."""
    stops = {("ticket", trial, level): 1000 for trial in (0, 1) for level in (1, 2)}
    return made(stops | {("reinit", 0, 1): 3000, ("reinit", 0, 2): 15_000, ("reinit", 1, 1): 3000})


def test_a_run_reaches_the_quality_where_its_accuracy_first_has_it(records):
    runs = with_reached(records)
    assert (runs["reached"] == runs["early_stop_iteration"]).all()
    never = records.curves.assign(val_acc=records.curves["val_acc"] - 0.01)
    assert with_reached(Records("made", never, records.runs))["reached"].isna().all()


def test_training_that_had_ended_sooner_stops_no_later(records):
    cut = stopped_within(records, 12_000).set_index(["arm", "trial", "level"])["early_stop_iteration"]
    assert cut["reinit", 0, 2] == 12_000 and cut["reinit", 0, 1] == 3000 and len(cut) == len(records.runs)
    whole = stopped_within(records, 50_000)["early_stop_iteration"]
    assert (whole == records.runs["early_stop_iteration"]).all()


def test_sides_are_means_over_levels_of_trials_that_have_them_all(records):
    sides = by_trial(records.runs, "early_stop_iteration", "protocol", (1, 2))
    assert list(sides.index) == [0] and head_start(sides) == pytest.approx([8000])
    logs = by_trial(records.runs, "early_stop_iteration", "protocol", (1, 2), logarithm=True)
    assert head_start(logs) == pytest.approx([(np.log(3) + np.log(15)) / 2])
    assert list(by_trial(records.runs, "early_stop_iteration", "protocol", (1,)).index) == [0, 1]
    assert by_trial(records.runs, "early_stop_iteration", "protocol", (1, 3)).empty
    assert ahead(records.runs, "protocol", (1,)) == pytest.approx([0.5, 0.5])


def test_an_interval_takes_three_trials():
    two, three = (pd.DataFrame({"ticket": np.arange(n), "control": np.arange(n) + 5.0}) for n in (2, 3))
    frame = reduced.arms_frame({"a": two, "b": three}, "p", {"ticket": "tickets", "control": "fresh"})
    frame = frame.set_index(["row", "group"])
    assert frame.loc[("a", "fresh"), "mean"] == 5.5 and pd.isna(frame.loc[("a", "fresh"), "low"])
    assert frame.loc[("b", "tickets"), "high"] == pytest.approx(1 + 4.302653 / 3**0.5)
    assert pd.isna(reduced.effects_frame({"c": np.array([1.0, 2.0])}, "p")["low"]).all()


def test_a_star_marks_what_holms_method_leaves():
    terms = {name: Term(Estimate(1.0, 0.0, 2.0, 5, 1.0), 0.01, p) for name, p in (("a", 0.04), ("b", 0.06))}
    terms["c"] = Term(Estimate(1.0, None, None, 1, None), None, None)
    assert list(reduced.terms_frame(terms, "p")["note"].fillna("")) == ["*", "", ""]
