"""What a repeat of an experiment with few trials could find, and t intervals for what is not a mean.

An interval for the truth says little about another experiment: its own trials scatter as well. Intervals are at 95 %.
"""

import math
from dataclasses import replace

import numpy as np
from scipy import stats

from lth.statistics import bootstrap
from lth.statistics.bootstrap import Estimate, Interval, Statistic


def jackknife(of: Statistic, n: int) -> Estimate:
    """A statistic over n trials with a t interval from its jackknife standard error; none for n = 1.

    For a mean it is the t interval. Give ratios as logarithms (Efron & Tibshirani, "An Introduction to the Bootstrap",
    1993, chapter 11). Unlike percentiles it keeps its level over few trials.
    """
    value = float(of(np.arange(n)))
    if n == 1:
        return Estimate(value, None, None, 1, None)
    estimate = Estimate(value, None, None, n, bootstrap.deviation(of, n))
    ends = _around(estimate, 1 / n)
    return replace(estimate, low=ends.low, high=ends.high)


def of_repeat(estimate: Estimate, trials: int) -> Interval:
    """Where the estimate of a repeat with so many trials of its own would lie; none without a deviation.

    The repeat's error adds to that of the estimate: value ± t(n - 1) deviation sqrt(1 / n + 1 / trials) (Meeker, Hahn &
    Escobar, "Statistical Intervals", 2017, section 4.8).
    """
    return _around(estimate, 1 / estimate.n + 1 / trials)


def resampled_repeat(of: Statistic, n: int, trials: int, generator: np.random.Generator) -> Interval:
    """As `of_repeat`, for a statistic that is no mean, such as a largest one or a level.

    Each of the bootstrap's resamples of n trials gives `trials` to the repeat, so that both errors are in. Take it over
    ten trials or more.
    """
    resamples = generator.integers(n, size=(bootstrap.RESAMPLES, n))
    drawn = np.take_along_axis(resamples, generator.integers(n, size=(bootstrap.RESAMPLES, trials)), axis=1)
    low, high = np.percentile(of(drawn), [2.5, 97.5])
    return Interval(float(low), float(high))


def _around(estimate: Estimate, variance: float) -> Interval:
    """The t interval around an estimate, of so many times the squared deviation."""
    if estimate.deviation is None:
        return Interval(None, None)
    half = float(stats.t.ppf(0.975, estimate.n - 1)) * estimate.deviation * math.sqrt(variance)
    return Interval(estimate.value - half, estimate.value + half)
