import pandas as pd
import pytest

from lth import analysis
from lth.errors import LthError
from lth.records import Records


def made_up_runs():
    """Two trials; the ticket gains 1 pp at level 1 and 3 pp at level 2, reinit loses 2 pp at level 1."""
    rows = []
    for trial, dense in ((0, 0.90), (1, 0.94)):
        for level, gain in ((0, 0.0), (1, 0.01), (2, 0.03)):
            rows.append(("ticket", trial, 0, level, dense + gain))
        for draw, loss in ((0, 0.01), (1, 0.03)):
            rows.append(("reinit", trial, draw, 1, dense - loss))
        rows.append(("oneshot", trial, 0, 1, dense))
    runs = pd.DataFrame(rows, columns=["arm", "trial", "draw", "level", "accuracy"])
    return runs.assign(recipe="tiny", density=0.8 ** runs["level"])


def test_draws_are_averaged_within_a_trial_before_trials_are():
    runs = made_up_runs()
    assert analysis.at(runs, "reinit", 1, "accuracy").tolist() == pytest.approx([0.88, 0.92])
    more_draws = pd.concat([runs, runs[(runs["arm"] == "reinit") & (runs["trial"] == 0)]])
    assert analysis.mean_at(more_draws, "reinit", 1, "accuracy") == pytest.approx(0.90)


def test_gains_are_paired_within_trials():
    runs = made_up_runs()
    assert analysis.mean_gain(runs, "accuracy", ("ticket", 1), ("reinit", 1)) == pytest.approx(0.03)
    unpaired = runs[~((runs["arm"] == "reinit") & (runs["trial"] == 1))]  # trial 1 has no reinit: it does not count
    assert analysis.mean_gain(unpaired, "accuracy", ("ticket", 1), ("reinit", 1)) == pytest.approx(0.03)


def test_the_best_level_is_a_pruned_one():
    runs = made_up_runs()
    assert analysis.best_level(runs, "accuracy") == 2
    runs.loc[runs["level"] > 0, "accuracy"] = 0.5
    assert analysis.best_level(runs, "accuracy") == 1


def test_arms_without_a_level_0_share_the_tickets():
    runs = analysis.with_dense(made_up_runs())
    dense = runs[(runs["level"] == 0) & (runs["arm"] == "oneshot")]
    assert dense["accuracy"].tolist() == [0.90, 0.94]
    assert len(runs[(runs["level"] == 0) & (runs["arm"] == "reinit")]) == 0  # reinit has a level 0 of its own


@pytest.mark.parametrize(("deepest", "levels"), [(1, [0, 1]), (7, [0, 3, 7]), (12, [0, 3, 7, 12]), (25, [0, 3, 7, 15])])
def test_illustrative_levels_go_as_deep_as_the_records(deepest, levels):
    assert analysis.illustrative_levels(pd.DataFrame({"level": range(deepest + 1)})) == levels


def test_a_missing_level_or_arm_is_named_with_what_there_is():
    runs = made_up_runs()
    with pytest.raises(LthError, match="no ticket at level 3.*ticket up to level 2"):
        analysis.mean_at(runs, "ticket", 3, "accuracy")
    with pytest.raises(LthError, match="no level 9: choose from 0 to 2"):
        analysis.curves_at(Records("tiny", runs.assign(iteration=0), runs), [0, 9])


def test_an_unfinished_study_says_so():
    runs = made_up_runs()
    assert analysis.trials_note(runs, 2) == "n = 2 trials"
    assert analysis.trials_note(runs, 5) == "n = 2 of 5 trials"
    assert analysis.trials_note(runs[runs["trial"] == 0], 1) == "n = 1 trial"
