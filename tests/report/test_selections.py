import math

import pandas as pd
import pytest

from lth.errors import LthError
from lth.records import Records
from lth.report import selections, text
from lth.studies.study import Grid


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


def test_arms_are_selected_from_curves_and_runs():
    runs = made_up_runs()
    chosen = selections.select_arms(Records("tiny", runs.assign(iteration=0), runs), {"reinit": 3, "random-mask": 5})
    assert set(chosen.runs["arm"]) == set(chosen.curves["arm"]) == {"reinit"}


def test_different_experiments_are_not_averaged():
    one, other = made_up_runs(), made_up_runs().assign(recipe="unit")
    both = Records("mixed", one.assign(iteration=0), pd.concat([one, other]))
    with pytest.raises(
        LthError, match=r"'mixed' has the recipes \w+, unit: draw one of them, with the parameter recipes"
    ):
        selections.select_arms(both, ["ticket"])


def test_the_lowest_density_counts_only_levels_without_a_gap_above():
    levels = pd.DataFrame({"arm": "ticket", "level": [0, 1, 2, 3], "accuracy": [1.0, 0.999, 0.9, 1.0]})
    levels["density"] = [1.0, 0.8, 0.6, 0.5]
    assert selections.lowest_density(levels, "ticket", "accuracy", 0.999) == 0.8
    assert selections.lowest_density(levels, "ticket", "accuracy", 0.9) == 0.5
    assert math.isnan(selections.lowest_density(levels[1:], "ticket", "accuracy", 1.0))
    draws = pd.concat([levels.assign(trial=0, accuracy=0.9), *[levels.assign(trial=1, draw=draw) for draw in range(3)]])
    assert math.isnan(selections.lowest_density(draws, "ticket", "accuracy", 0.96))  # 0.95 over trials, 0.975 over runs


def test_training_accuracy_at_early_stop_is_the_last_one_measured_until_then():
    keys = dict(recipe="tiny", arm="ticket", trial=0, draw=0, level=0)
    curve = pd.DataFrame({"iteration": [0, 100, 200, 300, 400], "train_acc": [0.1, None, 0.7, None, 0.9]})
    for stop, expected in ((399, 0.7), (400, 0.9), (200, 0.7), (100, 0.1)):
        runs = pd.DataFrame([keys | {"early_stop_iteration": stop}])
        found = selections.train_accuracy_at_stop(Records("tiny", curve.assign(**keys), runs))
        assert found["early_stop_train_acc"].tolist() == [expected]


def test_the_table_has_a_row_for_every_planned_arm():
    table = selections.means_table(
        made_up_runs(), 1, {"accuracy": "mean accuracy"}, ["ticket", "reinit", "random-mask"]
    )
    assert table["mean accuracy"].tolist()[:2] == pytest.approx([0.93, 0.90])
    assert math.isnan(table["mean accuracy"]["random-mask"])
    assert table["trials"].tolist() == [2, 2, 0]


def test_planned_trials_are_those_of_the_largest_grid_with_the_arm():
    grids = (Grid({"ticket": 1, "reinit": 1}, 20), Grid({"reinit": 3, "oneshot": 1}, 5))
    assert text.planned_trials(grids) == {"ticket": 20, "reinit": 20, "oneshot": 5}
    assert text.planned_trials(grids, ("oneshot", "random-mask")) == {"oneshot": 5}


def test_a_missing_level_or_arm_is_named_with_what_there_is():
    runs = made_up_runs()
    with pytest.raises(LthError, match="no ticket at level 3.*ticket up to level 2"):
        selections.mean_at(runs, "ticket", 3, "accuracy")
    with pytest.raises(LthError, match="no level 9: choose from 0 to 2"):
        selections.curves_at(Records("tiny", runs.assign(iteration=0), runs), [0, 9])


def test_a_difference_in_words_has_no_sign():
    assert text.more_or_less(0.214) == "0.21 percentage points more"
    assert text.more_or_less(-1.5) == "1.50 percentage points less"
