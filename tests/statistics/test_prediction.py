"""What a repeat with few trials could find."""

import numpy as np
import pytest

from lth.statistics import prediction
from lth.statistics.bootstrap import Estimate
from lth.statistics.contrasts import over_trials


def mean_of(values):
    return lambda trials, axis=-1: values[trials].mean(axis)


def test_a_jackknifed_mean_has_the_t_interval():
    values = np.random.default_rng(0).normal(3, 2, 7)
    ours, plain = prediction.jackknife(mean_of(values), 7), over_trials(values)
    assert (ours.value, ours.low, ours.high) == pytest.approx((plain.value, plain.low, plain.high))
    assert ours.deviation == pytest.approx(plain.deviation)


def test_a_single_trial_has_no_interval_and_predicts_nothing():
    one = prediction.jackknife(mean_of(np.array([2.0])), 1)
    assert (one.value, one.low, one.deviation) == (2, None, None)
    assert prediction.of_repeat(one, 5).low is None


def test_a_logarithm_of_a_ratio_keeps_its_level_over_five_trials():
    """About 95 % of the intervals hold the true ratio, 2; percentiles of a bootstrap hold about 84 %."""
    generator, held = np.random.default_rng(0), 0
    for _ in range(1500):
        ours, theirs = generator.normal(1, 0.15, 5), generator.normal(2, 0.3, 5)
        found = prediction.jackknife(lambda at: np.log(theirs[at].mean(-1) / ours[at].mean(-1)), 5)  # noqa: B023
        held += found.low <= np.log(2) <= found.high
    assert 0.93 < held / 1500 < 0.975


@pytest.mark.parametrize("n", [6, 20])
def test_a_prediction_holds_the_repeats_mean_as_often_as_it_says(n):
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=(4000, n)), generator.normal(size=(4000, 5)).mean(axis=1)
    held = []
    for values, repeat in zip(first, second, strict=True):
        ends = prediction.of_repeat(over_trials(values), 5)
        held.append(ends.low <= repeat <= ends.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)


def test_a_prediction_is_wider_than_the_interval_and_narrows_with_the_repeats_trials():
    estimate = Estimate(0.0, -1, 1, 20, 1.0)
    widths = [prediction.of_repeat(estimate, trials).high for trials in (1, 5, 20, 10**9)]
    assert widths == sorted(widths, reverse=True)
    assert widths[2] / widths[3] == pytest.approx(np.sqrt(2))


def test_a_resampled_prediction_of_a_mean_is_about_the_other():
    values = np.random.default_rng(2).normal(size=40)
    resampled = prediction.resampled_repeat(mean_of(values), 40, 5, np.random.default_rng(3))
    plain = prediction.of_repeat(over_trials(values), 5)
    assert (resampled.low, resampled.high) == pytest.approx((plain.low, plain.high), abs=0.1)
