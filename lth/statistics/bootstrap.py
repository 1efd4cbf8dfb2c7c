"""Estimates over trials, and percentile bootstrap intervals that resample whole trials.

Intervals are at 95 %, from 10,000 resamples (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
The percentile method is used rather than BCa because it stays defined when all trials tie. Either is too narrow over a
few trials: always quote n.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lth.errors import LthError

RESAMPLES = 10_000

Statistic = Callable[[np.ndarray], np.ndarray]  # of trials by position, (..., n), to effects, (...)


class MissingRecords(LthError):
    """The study has not got far enough for this comparison."""


class _Ends:
    """What an interval says: nothing is wholly anywhere where there is none, that is, where its ends are None."""

    low: float | None
    high: float | None

    def below(self, limit: float) -> bool:
        """Whether the whole interval lies below the limit, which it does not touch."""
        return self.high is not None and self.high < limit

    def above(self, limit: float) -> bool:
        """Whether the whole interval lies above the limit, which it does not touch."""
        return self.low is not None and self.low > limit

    def within(self, least: float, most: float) -> bool:
        """Whether the whole interval lies between the limits, which it may touch."""
        return self.low is not None and self.high is not None and least <= self.low and self.high <= most


@dataclass(frozen=True)
class Interval(_Ends):
    """A 95 % interval; None for both ends where there is none."""

    low: float | None
    high: float | None


@dataclass(frozen=True)
class Estimate(_Ends):
    """An effect over `n` trials, its 95 % interval, and its standard deviation per trial; no interval for n = 1."""

    value: float
    low: float | None
    high: float | None
    n: int
    deviation: float | None


def seeded(name: str) -> np.random.Generator:
    """The generator of the bootstrap for what has this name: the same records give the same intervals."""
    return np.random.default_rng(list(name.encode()))


def estimate(of: Statistic, n: int, generator: np.random.Generator) -> Estimate:
    """A statistic over n trials with its interval; none for n = 1.

    The deviation per trial is the jackknife's, see `deviation`.
    """
    every = np.arange(n)
    if n == 1:
        return Estimate(float(of(every)), None, None, 1, None)
    result = stats.bootstrap(
        (every,), lambda trials, axis=-1: of(trials), n_resamples=RESAMPLES, method="percentile", rng=generator
    )
    low, high = map(float, result.confidence_interval)
    return Estimate(float(of(every)), low, high, n, deviation(of, n))


def deviation(of: Statistic, n: int) -> float:
    """The standard deviation per trial of a statistic over n trials, two or more.

    It is sqrt(n) times the jackknife standard error (Efron & Tibshirani, chapter 11), which for a mean of differences
    is their sample standard deviation and for a ratio of means its linearised counterpart.
    """
    without = np.array([of(np.delete(np.arange(n), i)) for i in range(n)])
    return math.sqrt((n - 1) * ((without - without.mean()) ** 2).sum())


def as_ratio(logarithm: Estimate) -> Estimate:
    """The estimate of a ratio, from that of its logarithm; the deviation is left out, which has another meaning."""
    low, high = (None if end is None else float(np.exp(end)) for end in (logarithm.low, logarithm.high))
    return Estimate(float(np.exp(logarithm.value)), low, high, logarithm.n, None)
