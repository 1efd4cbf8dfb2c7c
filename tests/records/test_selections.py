import math

import pandas as pd
import pytest

from lth.errors import LthError
from lth.records import Records, selections


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
    assert selections.at(runs, "reinit", 1, "accuracy").tolist() == pytest.approx([0.88, 0.92])
    more_draws = pd.concat([runs, runs[(runs["arm"] == "reinit") & (runs["trial"] == 0)]])
    assert selections.mean_at(more_draws, "reinit", 1, "accuracy") == pytest.approx(0.90)


def test_gains_are_paired_within_trials():
    runs = made_up_runs()
    assert selections.mean_gain(runs, "accuracy", ("ticket", 1), ("reinit", 1)) == pytest.approx(0.03)
    unpaired = runs[~((runs["arm"] == "reinit") & (runs["trial"] == 1))]  # trial 1 has no reinit: it does not count
    assert selections.mean_gain(unpaired, "accuracy", ("ticket", 1), ("reinit", 1)) == pytest.approx(0.03)


def test_the_best_level_is_a_pruned_one():
    runs = made_up_runs()
    assert selections.best_level(runs, "accuracy") == 2
    runs.loc[runs["level"] > 0, "accuracy"] = 0.5
    assert selections.best_level(runs, "accuracy") == 1


def test_arms_without_a_level_0_share_the_tickets():
    runs = selections.with_dense(made_up_runs())
    dense = runs[(runs["level"] == 0) & (runs["arm"] == "oneshot")]
    assert dense["accuracy"].tolist() == [0.90, 0.94]
    assert len(runs[(runs["level"] == 0) & (runs["arm"] == "reinit")]) == 0  # reinit has a level 0 of its own


@pytest.mark.parametrize(("deepest", "levels"), [(1, [0, 1]), (7, [0, 3, 7]), (12, [0, 3, 7, 12]), (25, [0, 3, 7, 15])])
def test_illustrative_levels_go_as_deep_as_the_records(deepest, levels):
    assert selections.illustrative_levels(pd.DataFrame({"level": range(deepest + 1)})) == levels


def test_arms_share_the_dense_nets_of_their_own_trials_and_recipe_only():
    runs = made_up_runs()
    runs = runs[~((runs["arm"] == "oneshot") & (runs["trial"] == 1))]
    other = runs[(runs["arm"] == "ticket") & (runs["trial"] == 0)].assign(recipe="other")
    shared = selections.with_dense(pd.concat([runs, other]))
    shared = shared[(shared["level"] == 0) & (shared["arm"] == "oneshot")]
    assert shared[["recipe", "trial", "accuracy"]].values.tolist() == [["tiny", 0, 0.90]]


def test_draws_become_one_row_a_trial():
    runs = made_up_runs()
    rows = selections.average_draws(runs[runs["arm"] == "reinit"], ["accuracy"])
    assert rows["trial"].tolist() == [0, 1]
    assert rows["accuracy"].tolist() == pytest.approx([0.88, 0.92])
    assert rows["density"].tolist() == [0.8, 0.8]  # to the bit, which a mean need not be
    curves = runs.assign(iteration=100)
    assert selections.average_draws(curves, ["accuracy"])["iteration"].unique().tolist() == [100]


def test_different_experiments_are_not_averaged():
    one, other = made_up_runs(), made_up_runs().assign(recipe="unit")
    both = Records("mixed", one.assign(iteration=0), pd.concat([one, other]))
    with pytest.raises(
        LthError, match=r"'mixed' has the recipes \w+, unit: draw one of them, with the parameter recipes"
    ):
        selections.check_one_recipe(both)


def test_a_missing_level_or_arm_is_named_with_what_there_is():
    runs = made_up_runs()
    with pytest.raises(LthError, match="no ticket at level 3.*ticket up to level 2"):
        selections.mean_at(runs, "ticket", 3, "accuracy")
    with pytest.raises(LthError, match="no level 9: choose from 0 to 2"):
        selections.curves_at(Records("tiny", runs.assign(iteration=0), runs), [0, 9])


def test_a_lead_over_the_dense_network_lasts_down_to_a_density():
    runs = pd.DataFrame({"level": [0, 1, 2, 3], "density": [1, 0.8, 0.6, 0.4], "x": [5.0, 5.1, 6.0, 4.0]})
    runs = runs.assign(arm="ticket", trial=0)
    assert selections.lead_until(runs, "x") == 0.6 and selections.lead_until(runs, "x", higher=False) == 0.4
    assert math.isnan(selections.lead_until(runs[runs["level"] < 3], "x", higher=False))
