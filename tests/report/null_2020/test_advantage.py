import numpy as np
import pandas as pd
import pytest
from effects_made import POINTS, SPEED, made

from lth.errors import LthError
from lth.report.null_2020 import advantage, configurations
from lth.report.null_2020.configurations import Configuration
from lth.statistics import bootstrap
from lth.statistics.bootstrap import MissingRecords
from lth.studies.catalogue import STUDIES
from lth.studies.deviations import CERTAIN, DEVIATIONS

LEVELS = [1, 2, 3, 4, 5]
PROTOCOL = Configuration("protocol")


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 999)


@pytest.fixture
def generator():
    return np.random.default_rng(1)


def remaining(runs, measures, generator):
    """What the recipe "other" has of the advantage of the protocol, in the same runs."""
    cases = (advantage.Case(runs, Configuration(recipe), LEVELS) for recipe in ("other", "protocol"))
    return advantage.remaining(*cases, measures, generator)


def test_effects_of_made_up_records_are_what_was_put_in(generator):
    runs = made({"protocol": {"reinit": 1.0}})
    speed = advantage.effect(runs, PROTOCOL, "speed", LEVELS, generator)
    accuracy = advantage.effect(runs, PROTOCOL, "accuracy", LEVELS, generator)
    assert speed.value == pytest.approx(SPEED, rel=0.03) and speed.low < speed.value < speed.high
    assert accuracy.value == pytest.approx(POINTS, abs=0.01) and accuracy.low < accuracy.high
    assert speed.n == accuracy.n == 5


def test_speed_is_the_geometric_mean_over_levels_of_the_ratio_of_trial_means(generator):
    runs = made({"protocol": {"reinit": 1.0}}, trials=2, noise=0, levels=2)
    here = (runs["arm"] == "reinit") & (runs["level"] > 0)
    runs.loc[here, "early_stop_iteration"] = [6000.0, 12_000.0, 18_000.0, 12_000.0]  # trial 0, levels 1 and 2; trial 1
    assert advantage.effect(runs, PROTOCOL, "speed", [1, 2], generator).value == pytest.approx(4.0)  # 12/3 and 12/3
    runs.loc[here, "early_stop_iteration"] = [3000.0, 12_000.0, 3000.0, 12_000.0]
    assert advantage.effect(runs, PROTOCOL, "speed", [1, 2], generator).value == pytest.approx(2.0)  # of 1 and 4


def test_no_effect_is_a_ratio_of_one_and_no_points(generator):
    runs = made({"protocol": {"reinit": 0.0}})
    speed, accuracy = (advantage.effect(runs, PROTOCOL, m, LEVELS, generator) for m in ("speed", "accuracy"))
    assert speed.value == pytest.approx(1, abs=0.03)
    assert abs(accuracy.value) < 0.005


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0, -0.5])
@pytest.mark.parametrize("measures", [("speed",), ("accuracy",), ("speed", "accuracy")])
def test_the_share_that_remains_is_the_one_put_in(share, measures, generator):
    runs = made({"protocol": {"reinit": 1.0}, "other": {"reinit": share}})
    one = remaining(runs, measures, generator)
    assert one.value == pytest.approx(share, abs=0.05)
    assert one.low <= one.value <= one.high and one.high - one.low < 0.2


def test_shares_are_paired_over_the_trials_that_both_have(generator):
    runs = made({"protocol": {"reinit": 1.0}, "other": {"reinit": 0.5}})
    runs = runs[(runs["recipe"] == "other") | (runs["trial"] != 3)]
    assert remaining(runs, ["speed"], generator).n == 4


def test_what_trials_share_cancels_in_the_share_that_remains(generator):
    """A trial in which both effects are twice as large must not widen the interval of their ratio."""
    runs = made({"protocol": {"reinit": 1.0}, "other": {"reinit": 0.5}}, noise=0)
    controls = (runs["arm"] == "reinit") & (runs["trial"] == 0) & (runs["level"] > 0)
    runs.loc[controls, "early_stop_test_acc"] = 0.98 - 2 * (0.98 - runs.loc[controls, "early_stop_test_acc"])
    one = remaining(runs, ["accuracy"], generator)
    alone = advantage.effect(runs, Configuration("other"), "accuracy", LEVELS, generator)
    assert (one.low, one.high) == pytest.approx((0.5, 0.5))
    assert alone.high - alone.low > 0.1


def test_a_single_trial_has_no_interval(generator):
    one = advantage.effect(made({"protocol": {"reinit": 1.0}}, trials=1), PROTOCOL, "speed", LEVELS, generator)
    assert (one.low, one.high, one.n) == (None, None, 1)


def test_trials_that_lack_a_level_do_not_count(generator):
    runs = made({"protocol": {"reinit": 1.0}})
    runs = runs[(runs["trial"] != 2) | (runs["level"] != 4) | (runs["arm"] != "reinit")]
    assert advantage.effect(runs, PROTOCOL, "accuracy", LEVELS, generator).n == 4
    with pytest.raises(MissingRecords, match="no records of chain-reinit of protocol at levels 1 to 5"):
        advantage.effect(runs, Configuration("protocol", "chain-reinit"), "accuracy", LEVELS, generator)


def test_a_network_that_never_improved_has_no_speed(generator):
    runs = made({"protocol": {"reinit": 1.0}})
    runs.loc[runs.index[runs["level"] == 2][0], "early_stop_iteration"] = 0
    with pytest.raises(LthError, match="iteration 0"):
        advantage.effect(runs, PROTOCOL, "speed", LEVELS, generator)


def test_judged_levels_follow_the_density_of_either_ladder():
    coarse = made({"protocol": {"reinit": 1.0}})
    assert advantage.judged_levels(coarse) == [1, 2, 3, 4, 5]
    full = pd.DataFrame({"arm": "ticket", "level": range(26), "density": [0.8**level for level in range(26)]})
    assert advantage.judged_levels(full) == [3, 6, 9, 12, 15]
    with pytest.raises(MissingRecords):
        advantage.judged_levels(full[full["level"] == 0])


def test_every_configuration_is_one_that_the_studies_train():
    def trained(study, one):
        arms = {
            arm for grid in STUDIES[study].grids if one.recipe in (grid.recipes or [one.recipe]) for arm in grid.arms
        }
        return one.recipe in {r.name for r in STUDIES[study].recipes} and {"ticket", one.control} <= arms

    assert all(trained("suspects", one) for one in configurations.alone())
    assert all(trained("leave-one-out", one) for one in configurations.all_but_one(CERTAIN))
    assert [one.deviation for one in configurations.alone()] == list(DEVIATIONS)
    assert [one.deviation for one in configurations.all_but_one(CERTAIN)] == list(CERTAIN)


def test_the_control_of_a_configuration_is_the_one_its_deviations_ask_for():
    controls = {one.deviation: one.control for one in configurations.all_but_one(CERTAIN)}
    assert controls.pop("chain-control") == "reinit"
    assert set(controls.values()) == {"chain-reinit"}


def test_late_stops_are_those_in_the_last_tenth():
    keys = {"recipe": "r", "arm": "ticket", "draw": 0, "level": 0}
    curves = pd.DataFrame([keys | {"trial": t, "iteration": i} for t in range(4) for i in (0, 500, 1000)])
    runs = pd.DataFrame([keys | {"trial": t, "early_stop_iteration": s} for t, s in enumerate((100, 899, 901, 1000))])
    assert advantage.late_stops(runs, curves) == 0.5
