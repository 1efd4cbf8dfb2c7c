import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lth.errors import LthError
from lth.statistics import bootstrap, power
from lth.statistics import paired as statistics_paired
from lth.statistics.bootstrap import Estimate, MissingRecords
from lth.statistics.paired import DENSE, Side, estimate, gain, paired, sooner, times

STOP, EARLY_ACC = "early_stop_iteration", "early_stop_test_acc"


def rows(arm, level, values, measure=STOP, recipe="lenet"):
    """Rows of made-up records: one value a trial, or a list of the values of its draws."""
    return [
        {"recipe": recipe, "arm": arm, "level": level, "trial": trial, "draw": draw, measure: value}
        for trial, draws in enumerate(values)
        for draw, value in enumerate(np.atleast_1d(draws))
    ]


def compared(runs, measure, arm, against, levels):
    """Both sides of a comparison of two arms of the same runs."""
    return paired([Side(runs, arm, levels), Side(runs, against, levels)], measure)


def generator():
    return np.random.default_rng(7)


def interval(low, high):
    return Estimate((low + high) / 2, low, high, 5, 1.0)


def test_effects_have_known_answers():
    ours, theirs = np.array([2000.0, 4000.0]), np.array([8000.0, 4000.0])
    assert sooner(ours, theirs) == 50  # 6000 / 12000: not the 37.5 % that per-trial ratios give
    assert times(ours, theirs) == 2
    assert statistics_paired.mean_of_ratios(sooner, ours, theirs) == pytest.approx(37.5)
    assert statistics_paired.mean_of_ratios(times, ours, theirs) == 2.5
    assert gain(np.array([0.98, 0.97]), np.array([0.975, 0.971])) == pytest.approx(0.2)


def test_a_ratio_to_zero_is_refused():
    with pytest.raises(LthError, match="iteration 0 never improved"):
        times(np.array([0.0, 0.0]), np.array([1.0, 2.0]))


def test_pairs_come_from_the_same_trial_and_draws_are_averaged_first():
    runs = pd.DataFrame(
        rows("ticket", 0, [100, 200, 300])
        + rows("ticket", 7, [10, 20, 30])
        + rows("reinit", 7, [[1, 3], [4], [5, 6, 7]])
    ).sample(frac=1, random_state=0)
    ours, theirs = compared(runs, STOP, "ticket", "reinit", [7])
    assert (ours[:, 0].tolist(), theirs[:, 0].tolist()) == ([10, 20, 30], [2, 4, 6])  # 14 / 3 over draws would be wrong
    ours, theirs = compared(runs, STOP, "reinit", DENSE, [7])
    assert (ours[:, 0].tolist(), theirs[:, 0].tolist()) == ([2, 4, 6], [100, 200, 300])


def test_only_trials_with_every_level_count():
    runs = pd.DataFrame(rows("ticket", 0, [9, 9, 9]) + rows("ticket", 1, [1, 2, 3]) + rows("ticket", 2, [4, 5]))
    ours, theirs = compared(runs, STOP, "ticket", DENSE, [1, 2])
    assert ours.tolist() == [[1, 4], [2, 5]] and theirs.shape == (2, 2)


def test_missing_levels_are_named():
    runs = pd.DataFrame([row for level in (0, 1, 3) for row in rows("ticket", level, [1, 2])])
    with pytest.raises(MissingRecords, match="no records of ticket at level 4"):
        compared(runs, STOP, "ticket", DENSE, [4])
    with pytest.raises(MissingRecords, match="no records of reinit at level 1"):
        compared(runs, STOP, "ticket", "reinit", [1])
    with pytest.raises(LthError, match="ticket skip level 2") as error:
        compared(runs, STOP, "ticket", DENSE, [1, 2, 3])
    assert not isinstance(error.value, MissingRecords)  # a hole is damage, not work to come


def test_trials_that_do_not_meet_are_refused():
    other = pd.DataFrame(rows("reinit", 1, [1, 2])).assign(trial=[5, 6])
    runs = pd.concat([pd.DataFrame(rows("ticket", 1, [1, 2])), other])
    with pytest.raises(MissingRecords, match="no trial has ticket at level 1 and reinit at level 1: run"):
        compared(runs, STOP, "ticket", "reinit", [1])


def test_mixed_recipes_and_unknown_measures_are_refused():
    runs = pd.DataFrame(rows("ticket", 0, [1]) + rows("ticket", 0, [2], recipe="lenet-unit"))
    with pytest.raises(LthError, match="mix the recipes lenet, lenet-unit"):
        compared(runs, STOP, "ticket", DENSE, [0])
    with pytest.raises(LthError, match="unknown measure 'loss'.*early_stop_iteration"):
        compared(runs, "loss", "ticket", DENSE, [0])


def test_three_sides_of_several_recipes_and_levels_meet_in_the_trials_that_all_have():
    ours = pd.DataFrame(rows("ticket", 3, [1, 2, 3]) + rows("ticket", 3, [7, 8, 9], recipe="other"))
    theirs = pd.DataFrame(rows("ticket", 1, [4, 5]))  # of a ladder on which level 1 is as dense as level 3 on the other
    sides = [Side(ours, "ticket", [3], "lenet"), Side(ours, "ticket", [3], "other"), Side(theirs, "ticket", [1])]
    assert [side[:, 0].tolist() for side in paired(sides, STOP)] == [[1, 2], [7, 8], [4, 5]]


@pytest.mark.parametrize(
    ("low", "high", "below", "above", "within"),
    [
        (-2, -1, True, False, False),
        (-2, 0, False, False, False),  # an interval that touches the limit is not below it
        (0, 1, False, False, True),  # but within limits that it touches
        (0.5, 1, False, True, True),
        (0.5, 1.1, False, True, False),
        (None, None, False, False, False),
        (float("nan"), float("nan"), False, False, False),
    ],
)
def test_an_interval_is_below_above_or_within(low, high, below, above, within):
    for ends in (bootstrap.Interval(low, high), Estimate(0.0, low, high, 5, None)):
        assert (ends.below(0), ends.above(0), ends.within(0, 1)) == (below, above, within)


def test_bootstrap_agrees_with_the_analytic_interval():
    differences = stats.norm.ppf((np.arange(400) + 0.5) / 400)  # a sample without luck
    theirs = np.random.default_rng(1).normal(0.9, 0.5, 400)
    one = estimate(gain, theirs + 0.01 * differences + 0.002, theirs, generator())
    half = stats.norm.ppf(0.975) * differences.std() / 20  # in pp
    assert one.value == pytest.approx(0.2)
    assert [one.low, one.high] == pytest.approx([0.2 - half, 0.2 + half], abs=0.04 * half)


def test_the_interval_of_a_ratio_pairs_within_trials():
    theirs = np.random.default_rng(2).uniform(1000, 9000, 20)
    one = estimate(sooner, 0.6 * theirs, theirs, generator())  # trials differ, their ratio does not
    assert [one.value, one.low, one.high] == pytest.approx([40, 40, 40])
    assert one.deviation == pytest.approx(0, abs=1e-6)


def test_the_same_generator_gives_the_same_interval():
    ours, theirs = np.random.default_rng(3).uniform(1, 2, (2, 6))
    assert estimate(times, ours, theirs, generator()) == estimate(times, ours, theirs, generator())


def test_one_trial_has_an_estimate_without_interval():
    assert estimate(sooner, np.array([30.0]), np.array([40.0]), generator()) == Estimate(25, None, None, 1, None)


def test_ties_give_an_interval_of_no_width():
    one = estimate(gain, np.full(5, 0.98), np.full(5, 0.98), generator())
    assert (one.value, one.low, one.high, one.deviation) == (0, 0, 0, 0)


def test_the_deviation_is_the_sample_deviation_or_its_linear_counterpart():
    ours, theirs = np.random.default_rng(4).normal([[0.98], [0.97]], 0.01, (2, 8))
    assert estimate(gain, ours, theirs, generator()).deviation == pytest.approx(100 * np.std(ours - theirs, ddof=1))
    ours, theirs = np.random.default_rng(5).normal([[3000.0], [6000.0]], 300, (2, 50))
    ratio = ours.mean() / theirs.mean()
    linear = np.std((ours - ratio * theirs) / theirs.mean(), ddof=1)
    assert estimate(sooner, ours, theirs, generator()).deviation == pytest.approx(100 * linear, rel=0.01)


def test_the_best_level_is_chosen_on_the_other_trials():
    def found(ours):
        return statistics_paired.best_gain(np.array(ours) / 100, np.zeros_like(ours), np.random.default_rng(1))

    # Level means 0.3, 0.5, 0.2: every trial is measured at the second level.
    assert found([[0.9, 0.5, 0.0], [0.0, 0.5, 0.0], [0.0, 0.5, 0.6]]).value == pytest.approx(0.5)
    lucky = [[1.0, 0.1], [0.0, 0.1]]  # without trial 0, level 0 is worse; with it alone, better
    assert found(lucky).value == pytest.approx((0.1 + 0.0) / 2)
    alone = found(lucky[:1])
    assert (alone.value, alone.low, alone.high, alone.deviation) == (1.0, None, None, None)


def test_the_best_level_is_chosen_anew_in_every_resample():
    # Resampled, two trials are both (1/2) or one of them twice (1/4 each): then the other one chooses its level.
    gains = np.array([[1.0, 0.1], [0.0, 0.1]])
    drawn = np.array([[1, 1], [2, 0], [0, 2]])
    np.testing.assert_allclose(statistics_paired._at_others_best(gains, drawn), [0.05, 0.1, 0.0])
    # Three trials, the first drawn twice: it is measured where the third is best, the third where the first is.
    gains = np.array([[3.0, 0.5], [9.0, 9.0], [0.2, 1.0]])
    np.testing.assert_allclose(statistics_paired._at_others_best(gains, np.array([[2, 0, 1]])), [(2 * 0.5 + 0.2) / 3])


def test_with_a_clear_best_level_the_interval_is_that_of_its_mean():
    ours = np.random.default_rng(2).normal([0, 0.9, 0], 0.01, (12, 3))
    theirs = np.zeros_like(ours)
    best = statistics_paired.best_gain(ours, theirs, np.random.default_rng(3))
    plain = estimate(gain, ours[:, 1], theirs[:, 1], np.random.default_rng(4))
    assert best.value == pytest.approx(plain.value)
    assert [best.low, best.high] == pytest.approx([plain.low, plain.high], abs=0.1 * (plain.high - plain.low))
    assert best.deviation == pytest.approx(plain.deviation, rel=0.03)


def test_choosing_the_best_level_does_not_flatter(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 500)
    noise = np.random.default_rng(6).normal(0, 0.01, (400, 8, 10))  # 400 studies without any effect
    found = [
        statistics_paired.best_gain(one, np.zeros_like(one), np.random.default_rng(i)) for i, one in enumerate(noise)
    ]
    assert abs(np.mean([one.value for one in found])) < 0.05 < 100 * noise.mean(axis=1).max(axis=1).mean()
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    assert covered > 0.85  # as for the mean of eight trials; with the choice held fixed, fewer


def test_falls_below_asks_for_every_later_level():
    below, touching, around, above = interval(-2, -1), interval(-2, 0), interval(-1, 1), interval(1, 2)
    assert statistics_paired.falls_below({1: above, 2: below, 3: around, 4: below, 5: below}) == 4
    assert statistics_paired.falls_below({5: below, 1: around, 3: below}) == 3  # in the order of levels
    assert statistics_paired.falls_below({1: below, 2: touching}) is None
    assert statistics_paired.falls_below({1: below, 2: below}) == 1
    assert statistics_paired.falls_below({1: Estimate(-5, None, None, 1, None)}) is None


def test_the_first_place_below_a_limit_with_all_later_ones():
    gains = np.array([[-1, 0, -1, -1], [-1, -1, -1, -1], [-1, -1, -1, 0], [-0.1, -0.2, -0.1, -0.2]])
    assert statistics_paired.first_below(gains, -0.1).tolist() == [2, 0, 4, 3]


def test_a_stretch_ends_at_the_opposite_not_at_doubt():
    below, around, above = interval(-2, -1), interval(-1, 1), interval(1, 2)
    assert statistics_paired.stretch({1: around, 2: above, 3: around, 4: above, 5: around}) == (2, 4)
    assert statistics_paired.stretch({1: above, 2: below, 3: above, 4: above, 5: below, 6: above}) == (3, 4)
    assert statistics_paired.stretch({1: interval(0, 1), 2: below}) is None
    assert statistics_paired.stretch({1: Estimate(5, None, None, 1, None)}) is None


def test_power_agrees_with_published_and_simulated_values():
    # The usual textbook and G*Power answer: a paired effect of half a deviation needs 34 pairs.
    assert power.trials_needed(0.5, 1.0) == 34
    assert power.trials_needed(1.0, 2.0) == 34  # only the ratio counts
    needed = power.trials_needed(0.8, 1.0)
    samples = np.random.default_rng(8).normal(0.8, 1, (4000, needed))
    assert np.mean(stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.03)


def test_power_to_show_no_difference_agrees_with_simulation():
    needed = power.trials_for_no_difference(0.8, 1.0)
    samples = np.random.default_rng(9).normal(0, 1, (4000, needed))
    inside = stats.t.ppf(0.975, needed - 1) * samples.std(axis=1, ddof=1) / np.sqrt(needed) + abs(samples.mean(axis=1))
    assert np.mean(inside < 0.8) == pytest.approx(0.8, abs=0.03)


def test_power_at_its_ends():
    assert power.trials_needed(1.0, 0.0) == power.trials_needed(1.0, 1e-9) == 2
    assert power.trials_needed(0.001, 1.0) is None
    assert power.trials_for_no_difference(0.001, 1.0) is None
