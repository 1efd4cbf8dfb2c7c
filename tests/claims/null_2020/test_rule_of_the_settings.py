import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lth.claims.null_2020 import settings
from lth.claims.null_2020.settings import CELLS, NONE, SC, SCI, C, S, cells_table, judge, measured, terms_table
from lth.errors import LthError
from lth.statistics.bootstrap import Interval
from lth.statistics.contrasts import over_trials
from lth.studies.catalogue import STUDIES

TICKET_STOP = 3000


def made(times=None, points=None, later=None, trials=10, noise=0.02, levels=6):
    """Runs and curves of the eight cells, by recipe: "times as early" (2), points ahead (0.5), ticket's stops times.

    What a cell has it has at levels 1 to 4; at levels 0 and 5, which are not judged, numbers are wild. A trial shifts
    all its cells alike by far more than the noise.
    """
    generator, runs, curves = np.random.default_rng(3), [], []
    for trial in range(trials):
        slower, better = np.exp(generator.normal(0, 0.5)), generator.normal(0, 0.002)
        for recipe, arm, level in itertools.product(CELLS.values(), ("ticket", "reinit"), range(levels)):
            stop = TICKET_STOP * slower * (later or {}).get(recipe, 1.0) * (1 + level / 10)
            stop *= (times or {}).get(recipe, 2.0) if arm == "reinit" else 1
            stop *= np.exp(noise * generator.standard_normal())
            ahead = (points or {}).get(recipe, 0.5) if arm == "ticket" else 0.0
            accuracy = 0.97 + better + (ahead + noise * generator.standard_normal()) / 100
            if level in (0, 5):
                stop, accuracy = (0, 0.5) if arm == "ticket" else (50_000, 0.1)
            key = {"study": "settings", "recipe": recipe, "arm": arm, "trial": trial, "draw": 0, "level": level}
            runs.append(key | {"early_stop_iteration": round(stop), "early_stop_test_acc": accuracy})
            # The last ten measurements are 0.1 points above that at early stop, on average; those before are far off.
            tests = [0.1, 0.2, *(accuracy + 0.001 + 0.0001 * (i - 4.5) for i in range(10))]
            curves += [key | {"iteration": 100 * i, "test_acc": value} for i, value in enumerate(tests)]
    shuffled = np.random.default_rng(0).permutation(len(runs))
    return pd.DataFrame(runs).iloc[shuffled], pd.DataFrame(curves).sample(frac=1, random_state=0)


def as_registered(**changes):
    """SC takes the speed, no setting alone does; inputs take the accuracy; fresh weights catch up."""
    times = {S: 1.6, C: 1.6, SC: 1.05, SCI: 1.0, NONE: 2.0}
    return made(times | changes.pop("times", {}), {SC: 0.3, SCI: 0.0} | changes.pop("points", {}), **changes)


def judged(*tables):
    return {row.hypothesis: row.verdict for row in judge(measured(*tables))}


def test_cells_are_the_recipes_of_the_study():
    study = STUDIES["settings"]
    assert sorted(CELLS.values()) == sorted(recipe.name for recipe in study.recipes)
    assert {NONE, S, C, SC, SCI} <= set(CELLS.values())
    assert [CELLS[on] for on in CELLS if set(on) <= {S, C}] == [NONE, S, C, SC]
    assert (study.trials, study.root_seed) == (settings.TRIALS, 1)
    assert {run.arm for run in study.runs()} == set(settings.ARMS)


def test_measures_by_hand():
    """One trial, four levels that differ: the mean of logarithms is not the logarithm of the mean."""
    runs, curves = made(trials=1)
    runs, level = runs.copy(), runs["level"]
    ticket, control = ((runs["recipe"] == NONE) & (runs["arm"] == arm) for arm in ("ticket", "reinit"))
    for i, (ours, theirs) in enumerate([(1000, 2000), (1000, 4000), (2000, 2000), (3000, 1500)], start=1):
        runs.loc[ticket & (level == i), ["early_stop_iteration", "early_stop_test_acc"]] = ours, 0.98
        runs.loc[control & (level == i), ["early_stop_iteration", "early_stop_test_acc"]] = theirs, 0.97 + i / 1000
    one = {name: float(values.loc[0, NONE]) for name, values in measured(runs, curves).items()}
    assert one["speed"] == pytest.approx((math.log(2) + math.log(4) + 0 - math.log(2)) / 4)
    assert one["iterations"] == (1000 + 3000 + 0 - 1500) / 4
    assert one["accuracy"] == pytest.approx((0.9 + 0.8 + 0.7 + 0.6) / 4)
    assert one["ticket stop"] == pytest.approx(np.log([1000, 1000, 2000, 3000]).mean())
    assert one["control stop"] == pytest.approx(np.log([2000, 4000, 2000, 1500]).mean())


def test_the_final_accuracy_is_the_mean_of_the_last_ten_measurements():
    runs, curves = made(trials=2, noise=0)
    assert measured(runs, curves)["final"].to_numpy() == pytest.approx(0.5)
    latest, recipe = curves["iteration"] == 1100, curves["recipe"] == S
    curves.loc[latest & recipe & (curves["arm"] == "ticket"), "test_acc"] += 0.01  # one of ten: 0.1 points
    curves.loc[(curves["iteration"] == 100) & recipe & (curves["arm"] == "ticket"), "test_acc"] += 0.5
    final = measured(runs, curves)["final"]
    assert final[S].to_numpy() == pytest.approx(0.6) and final[C].to_numpy() == pytest.approx(0.5)


def test_cells_have_the_effects_they_were_made_with_and_t_intervals():
    tables = as_registered()
    cells, measures = cells_table(measured(*tables)).set_index("cell"), measured(*tables)
    assert list(cells.index) == list(CELLS.values()) and set(cells["n"]) == {10}
    speeds = dict.fromkeys(cells.index, 2) | {S: 1.6, C: 1.6, SC: 1.05, SCI: 1}
    assert cells["speed"].to_dict() == pytest.approx(speeds, rel=0.02)
    assert cells["accuracy"].to_dict() == pytest.approx(dict.fromkeys(cells.index, 0.5) | {SC: 0.3, SCI: 0}, abs=0.02)
    assert cells["final"].to_dict() == pytest.approx(cells["accuracy"].to_dict())
    for recipe in cells.index:
        low, high = stats.ttest_1samp(measures["speed"][recipe], 0).confidence_interval(0.95)
        assert (cells.loc[recipe, "speed low"], cells.loc[recipe, "speed high"]) == pytest.approx(np.exp([low, high]))
        low, high = stats.ttest_1samp(measures["iterations"][recipe], 0).confidence_interval(0.95)
        assert (cells.loc[recipe, "iterations low"], cells.loc[recipe, "iterations high"]) == pytest.approx((low, high))


def test_terms_are_told_as_factors_of_speed_and_as_points():
    """Inputs alone halve the speed in every cell; small weights take 0.2 points, and 0.2 more with the optimizer."""
    times = {recipe: 1.0 if "standard-inputs" in recipe else 2.0 for recipe in CELLS.values()}
    points = {CELLS[on]: 0.5 - 0.2 * (S in on) - 0.2 * (S in on and C in on) for on in CELLS}
    measures = measured(*made(times, points))
    terms = terms_table(measures).set_index("term")
    assert list(terms["order"]) == [1, 1, 1, 2, 2, 2, 3] and set(terms["n"]) == {10}
    assert terms.loc["standard inputs", "speed"] == pytest.approx(0.5, rel=0.02)
    assert terms["speed"].drop("standard inputs").to_numpy() == pytest.approx(1, rel=0.02)
    expected = {"small weights": -0.3, "carried optimizer": -0.1, "small weights × carried optimizer": -0.1}
    assert terms["accuracy"].to_dict() == pytest.approx(dict.fromkeys(terms.index, 0) | expected, abs=0.02)
    assert list(terms.index[terms["speed p"] < 0.05]) == ["standard inputs"]
    on, off = ([recipe for recipe in CELLS.values() if (S in recipe) == small] for small in (True, False))
    alone = stats.ttest_1samp(measures["accuracy"][on].mean(axis=1) - measures["accuracy"][off].mean(axis=1), 0)
    assert terms.loc["small weights", "accuracy p"] == pytest.approx(7 * alone.pvalue, abs=0)  # smallest of 7
    assert set(terms.index[terms["accuracy p"] < 1e-3]) == set(expected)
    assert terms.loc["standard inputs", "speed low"] < 0.5 < terms.loc["standard inputs", "speed high"]


def test_only_complete_trials_of_those_registered_count():
    runs, curves = made(trials=12)
    whole = measured(runs, curves)
    assert list(whole["speed"].index) == list(range(10))
    last = (runs["recipe"] == SCI) & (runs["arm"] == "reinit")
    not_judged = last & (runs["trial"] == 6) & (runs["level"] == 5)
    unfinished = runs[~(last & (runs["trial"] == 4) & (runs["level"] == 4) | not_judged)]
    assert [*measured(unfinished, curves)["accuracy"].index] == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert set(cells_table(measured(unfinished, curves))["n"]) == {9}
    assert {row.n for row in judge(measured(unfinished, curves))} == {9}


def test_a_stop_at_iteration_0_is_refused_by_the_name_of_the_run():
    runs, curves = made(trials=2)
    where = (runs["recipe"] == SC) & (runs["arm"] == "reinit") & (runs["trial"] == 1) & (runs["level"] == 3)
    runs.loc[where, "early_stop_iteration"] = 0
    with pytest.raises(
        LthError, match=rf"the reinit of {SC.replace('+', '.')}, trial 1, level 3, stops at iteration 0"
    ):
        measured(runs, curves)


@pytest.mark.parametrize("trials", [0, 1, 2, 4])
def test_fewer_than_five_trials_give_numbers_and_no_verdict(trials):
    runs, curves = as_registered(trials=max(trials, 1))
    measures = measured(runs[runs["trial"] < trials], curves)
    assert [(row.hypothesis, row.verdict, row.n) for row in judge(measures)] == [
        (name, settings.TOO_FEW, trials) for name in ("H1", "H2", "H3")
    ]
    cells, terms = cells_table(measures), terms_table(measures)
    assert len(cells) == 8 and len(terms) == 7 and set(cells["n"]) | set(terms["n"]) == {trials}
    assert cells["speed low"].notna().all() == terms["speed p"].notna().all() == (trials > 1)
    assert cells["speed"].notna().all() == (trials > 0)


@pytest.mark.parametrize("trials", [5, 10])
def test_what_was_expected_is_supported(trials):
    assert judged(*as_registered(trials=trials)) == dict.fromkeys(("H1", "H2", "H3"), "supported")


@pytest.mark.parametrize(
    ("changes", "hypothesis", "verdict"),
    [
        ({"times": {SC: 1.5}}, "H1", "contradicted"),
        ({"times": {S: 1.05}}, "H1", "contradicted"),
        ({"times": {C: 1.05}}, "H1", "contradicted"),
        ({"times": {NONE: 1.05}}, "H1", "cannot be told"),
        ({"times": {SC: 1.25}}, "H1", "cannot be told"),
        ({"times": {S: 1.25, C: 1.25}}, "H1", "supported"),  # neither is wholly below
        ({"points": {SCI: 0.2}}, "H2", "supported in part"),
        ({"points": {SCI: -0.2}}, "H2", "supported in part"),
        ({"points": {SC: 0.05, SCI: 0.05}}, "H2", "cannot be told"),
        ({"points": {SC: -0.1, SCI: 0.0}}, "H2", "contradicted"),
        ({"later": {SCI: 1.9}, "times": {SCI: 1.0}}, "H3", "cannot be told"),  # control 5 % earlier, ticket 90 % later
        ({"later": {SCI: 1.3}, "times": {SCI: 1.0}}, "H3", "supported"),  # control 2 / 1.3 = 1.54 times as early
        ({"later": {SCI: 0.5}, "times": {SCI: 2.0}}, "H3", "supported"),  # both earlier
        ({"later": {SCI: 2.5}, "times": {SCI: 1.0}}, "H3", "contradicted"),  # the gap closes, by the ticket alone
        ({"later": {SCI: 2.0}, "times": {SCI: 1.0}}, "H3", "cannot be told"),  # the control stops when it did
    ],
)
def test_each_hypothesis_is_judged_by_its_own_cells(changes, hypothesis, verdict):
    assert judged(*as_registered(**changes))[hypothesis] == verdict


ABOVE, BELOW, ACROSS = Interval(1.3, 2.0), Interval(0.9, 1.2), Interval(1.2, 1.3)


@pytest.mark.parametrize(
    ("none", "small", "carried", "both", "verdict"),
    [
        (ABOVE, ABOVE, ACROSS, BELOW, "supported"),
        (ABOVE, ABOVE, ABOVE, Interval(0.9, 1.25), "cannot be told"),  # it touches the limit
        (Interval(1.25, 2), ABOVE, ABOVE, BELOW, "cannot be told"),
        (ACROSS, ABOVE, ABOVE, BELOW, "cannot be told"),
        (ABOVE, ABOVE, ABOVE, ACROSS, "cannot be told"),
        (ABOVE, ABOVE, ABOVE, ABOVE, "contradicted"),
        (BELOW, ABOVE, ABOVE, ABOVE, "contradicted"),
        (ABOVE, BELOW, ABOVE, BELOW, "contradicted"),
        (ABOVE, ABOVE, BELOW, ACROSS, "contradicted"),
    ],
)
def test_h1_follows_the_registered_words(none, small, carried, both, verdict):
    assert settings.speed_is_taken_by_both(none, small, carried, both) == verdict


@pytest.mark.parametrize(
    ("difference", "left", "verdict"),
    [
        ((0.1, 0.3), (-0.1, 0.1), "supported"),
        ((0.1, 0.3), (-0.05, 0.11), "supported in part"),
        ((0.1, 0.3), (-0.11, 0.05), "supported in part"),
        ((0.0, 0.3), (-0.05, 0.05), "cannot be told"),
        ((-0.3, 0.0), (-0.05, 0.05), "cannot be told"),
        ((-0.3, -0.1), (-0.05, 0.05), "contradicted"),
    ],
)
def test_h2_follows_the_registered_words(difference, left, verdict):
    assert settings.inputs_take_accuracy(Interval(*difference), Interval(*left)) == verdict


@pytest.mark.parametrize(
    ("control", "ticket", "verdict"),
    [
        (-0.5, 0.2, "supported"),
        (-0.5, -0.8, "supported"),
        (-0.5, 0.7, "cannot be told"),
        (0.0, 0.7, "cannot be told"),
        (0.5, -0.5, "contradicted"),
    ],
)
def test_h3_follows_the_registered_words(control, ticket, verdict):
    spread = np.linspace(-0.1, 0.1, 10)
    assert settings.control_catches_up(over_trials(control + spread), over_trials(ticket - spread)) == verdict
