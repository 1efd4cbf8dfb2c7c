"""Networks of one kind against others of the same kind."""

import numpy as np
import pytest

from lth.errors import LthError
from lth.statistics import placebo
from lth.statistics.paired import gain, times


def test_two_halves_share_no_trial_and_leave_out_an_odd_one():
    ours, theirs = placebo.other_half(np.array([[1, 10], [2, 20], [3, 30], [4, 40], [5, 50]]))
    assert ours.tolist() == [[1, 10], [2, 20]]
    assert theirs.tolist() == [[3, 30], [4, 40]]


def test_the_spread_is_that_of_a_difference_of_two_means_without_an_effect():
    values = np.random.default_rng(0).normal(0.5, 0.01, 4000)
    spread = placebo.spread(gain, values, 5, np.random.default_rng(1))
    expected = 1.96 * np.sqrt(2 / 5)  # percentage points
    assert spread.low == pytest.approx(-expected, rel=0.05)
    assert spread.high == pytest.approx(expected, rel=0.05)


def test_sides_are_disjoint():
    """With two trials and one on a side there are two splits, whose ratios are 2 and 1/2."""
    spread = placebo.spread(times, np.array([1.0, 2.0]), 1, np.random.default_rng(0))
    assert (spread.low, spread.high) == (0.5, 2)
    assert placebo.spread(times, np.full(4, 3.0), 2, np.random.default_rng(0)).low == 1


def test_too_few_trials_are_an_error():
    with pytest.raises(LthError, match="3 trials do not give two sides of 2"):
        placebo.spread(gain, np.ones(3), 2, np.random.default_rng(0))
    with pytest.raises(LthError, match="1 trials"):
        placebo.other_half(np.ones(1))
