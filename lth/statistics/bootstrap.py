"""Estimates over trials, and percentile bootstrap intervals that resample whole trials."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lth.errors import LthError

RESAMPLES = 10_000

Statistic = Callable[[np.ndarray], np.ndarray]  # of trials by position, (..., n), to effects, (...)


class MissingRecords(LthError):
    """The study has not got far enough for this comparison."""


@dataclass(frozen=True)
class Estimate:
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
    """A statistic over n trials with its interval; none for n = 1."""
    every = np.arange(n)
    if n == 1:
        return Estimate(float(of(every)), None, None, 1, None)
    result = stats.bootstrap(
        (every,), lambda trials, axis=-1: of(trials), n_resamples=RESAMPLES, method="percentile", rng=generator
    )
    return Estimate(float(of(every)), *map(float, result.confidence_interval), n, None)
