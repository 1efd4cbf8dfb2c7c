"""What one side of a comparison is ahead by."""

import numpy as np
import pandas as pd
import pytest

from lth.report import effects
from lth.statistics.contrasts import over_trials


def made(stops, accuracies):
    rows = [
        {"recipe": "lenet", "arm": arm, "trial": trial, "draw": draw, "level": level, "early_stop_iteration": stop}
        | {"early_stop_test_acc": accuracies[arm, level][trial]}
        for (arm, level), trials in stops.items()
        for trial, draws in enumerate(trials)
        for draw, stop in enumerate(draws)
    ]
    return pd.DataFrame(rows)


RUNS = made(
    {("ticket", 1): [[100], [200], [300]], ("reinit", 1): [[200, 400], [300], [600], [999]]},
    {("ticket", 1): [0.98, 0.97, 0.96], ("reinit", 1): [0.975, 0.96, 0.96, 0.5]},
)


def test_a_ratio_is_of_the_means_over_trials_that_both_have():
    found = effects.between(RUNS, ("ticket", 1), ("reinit", 1), "early_stop_iteration")
    assert found["mean"] == pytest.approx((300 + 300 + 600) / (100 + 200 + 300)) and found["n"] == 3
    assert found["low"] * found["high"] == pytest.approx(found["mean"] ** 2)  # symmetric as logarithms


def test_a_difference_is_paired():
    found = effects.between(RUNS, ("ticket", 1), ("reinit", 1), "early_stop_test_acc")
    plain = over_trials(np.array([0.5, 1.0, 0.0]))
    assert (found["mean"], found["low"], found["high"]) == pytest.approx((plain.value, plain.low, plain.high))


def test_two_trials_have_no_interval():
    assert effects.points(np.array([0.9, 0.8]), np.array([0.8, 0.6]))["low"] is None


def test_a_side_against_itself_has_no_effect():
    same = np.array([3.0, 4.0, 5.0])
    assert effects.times_as_early(same, same) == {"mean": 1, "low": 1, "high": 1, "n": 3}


def test_a_side_is_ahead_by_the_mean_over_its_levels():
    deeper = made(
        {("ticket", 2): [[100]] * 3, ("reinit", 2): [[100]] * 3}, {("ticket", 2): [0.9] * 3, ("reinit", 2): [0.6] * 3}
    )
    runs = pd.concat([RUNS, deeper])
    (row,) = effects.rows("p", runs, {"a ticket": ("lenet", "ticket")}, ("lenet", "reinit"), [1, 2], group="g")
    plain = over_trials(np.array([(0.5 + 30) / 2, (1 + 30) / 2, (0 + 30) / 2]))  # the fourth trial has no ticket
    assert (row["panel"], row["row"], row["group"], row["n"]) == ("p", "a ticket", "g", 3)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((plain.value, plain.low, plain.high))


def test_a_share_is_told_in_percent():
    runs = made(
        {("ticket", 1): [[1]] * 3, ("ticket", 2): [[1]] * 3}, {("ticket", 1): [0.9, 0.8, 0.7], ("ticket", 2): [0.8] * 3}
    )
    found = effects.percent(effects.Side(runs, "ticket", [1, 2]), "early_stop_test_acc")
    plain = over_trials(np.array([85.0, 80.0, 75.0]))
    assert found == pytest.approx({"mean": plain.value, "low": plain.low, "high": plain.high, "n": 3})
