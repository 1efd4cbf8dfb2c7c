"""How many trials a comparison needs."""

import math
from collections.abc import Callable

from scipy import optimize, stats

MOST_TRIALS = 10_000  # where the search for a number of trials ends


def trials_needed(size: float, deviation: float, power: float = 0.8) -> int | None:
    """The fewest trials for which a 95 % interval excludes no effect with this power when the effect has this size.

    Power of the paired t test: P(T > t(0.975, n - 1)) for T noncentral t with n - 1 degrees of freedom and
    noncentrality size / deviation * sqrt(n) (Cohen, "Statistical Power Analysis", 1988, chapter 2). `size` and
    `deviation` (per trial) share a unit. None above MOST_TRIALS.
    """
    return _fewest(
        lambda n, ratio: stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, ratio * math.sqrt(n)), size, deviation, power
    )


def trials_for_no_difference(margin: float, deviation: float, power: float = 0.8) -> int | None:
    """The fewest trials for which a 95 % interval lies within +-margin with this power when there is no effect.

    Power of two one-sided t tests, 2 P(T <= margin / deviation * sqrt(n) - t(0.975, n - 1)) - 1 for T central t
    ("shifted" central t; Julious, Statistics in Medicine 23, 2004, doi 10.1002/sim.1783). None above MOST_TRIALS.
    """
    return _fewest(
        lambda n, ratio: 2 * stats.t.cdf(ratio * math.sqrt(n) - stats.t.ppf(0.975, n - 1), n - 1) - 1,
        margin,
        deviation,
        power,
    )


def _fewest(power_of: Callable[[float, float], float], size: float, deviation: float, power: float) -> int | None:
    """The fewest trials n with `power_of`(n, size / deviation) of at least `power`, from 2 to MOST_TRIALS."""
    if deviation == 0 or not power_of(2, size / deviation) < power:  # nan where the ratio is beyond all measure
        return 2
    if power_of(MOST_TRIALS, size / deviation) < power:
        return None
    return math.ceil(optimize.brentq(lambda n: power_of(n, size / deviation) - power, 2, MOST_TRIALS))
