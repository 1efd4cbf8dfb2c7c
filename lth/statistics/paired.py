"""Estimators of paired comparisons between arms, computed from a study's `runs` table (see lth.records).

The trial is the unit: the two sides of a comparison come from the same trial, several draws in a trial are averaged
first, and only trials that hold every level asked for count. Intervals are 95 % percentile bootstrap intervals with
10,000 resamples of whole trials (scipy.stats.bootstrap, paired; Efron & Tibshirani, "An Introduction to the Bootstrap",
1993, chapter 13). The percentile method is used rather than BCa because it stays defined when all trials tie. Either
is too narrow over a few trials: always quote n.
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from lth.errors import LthError, check_choice
from lth.statistics.bootstrap import RESAMPLES, Estimate, MissingRecords

MEASURES = ("early_stop_iteration", "early_stop_test_acc", "final_test_acc")
DENSE = "dense"  # as `against`: the ticket's level 0
Effect = Callable[..., np.ndarray]  # effect(ours, theirs, axis): compares two equally long sets of trials


def gain(ours, theirs, axis=-1):
    """Mean of the paired differences, in percentage points. No effect: 0."""
    return 100 * (ours - theirs).mean(axis)


def sooner(ours, theirs, axis=-1):
    """How much earlier ours comes, in percent of theirs: from the ratio of the trial means. No effect: 0."""
    return 100 * (1 - _ratio(ours, theirs, axis))


def times(ours, theirs, axis=-1):
    """How many times faster ours is: their trial mean over ours. No effect: 1."""
    return _ratio(theirs, ours, axis)


def _ratio(top, bottom, axis):
    below = bottom.mean(axis)
    if np.any(below == 0):
        raise LthError("the ratio to an early-stop iteration of 0 is not defined: that run never improved, look at it")
    return top.mean(axis) / below


def paired(
    runs: pd.DataFrame, measure: str, arm: str, against: str, levels, other_runs: pd.DataFrame | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """`measure` of `arm` and of what it is compared with, each (trials, levels), row by row from the same trial.

    `against` is another arm, taken at the same level, or DENSE, in `other_runs` where it was trained with another
    recipe. LthError for an unknown measure, for records of several recipes, and where a level is missing below others;
    MissingRecords where no trial has all that is needed.
    """
    check_choice("measure", measure, MEASURES)
    other_runs = runs if other_runs is None else other_runs
    for side in (runs, other_runs):
        if side["recipe"].nunique() > 1:
            names = ", ".join(sorted(side["recipe"].unique()))
            raise LthError(
                f"these records mix the recipes {names}: choose the rows of one of them before comparing arms"
            )
    ours = _by_trial(runs, measure, arm, list(levels))
    if against == DENSE:
        dense = _by_trial(other_runs, measure, "ticket", [0])
        theirs = pd.DataFrame({level: dense[0] for level in levels})
    else:
        theirs = _by_trial(other_runs, measure, against, list(levels))
    trials = ours.index.intersection(theirs.index)
    if trials.empty:
        raise MissingRecords(f"no trial has both {arm} and {against} at {_names(levels)}: run the study further")
    return ours.loc[trials].to_numpy(), theirs.loc[trials].to_numpy()


def _by_trial(runs: pd.DataFrame, measure: str, arm: str, levels: list[int]) -> pd.DataFrame:
    """Trials that have all `levels` x levels: the mean over draws."""
    table = runs[runs["arm"] == arm].pivot_table(index="trial", columns="level", values=measure, aggfunc="mean")
    missing = [level for level in levels if level not in table]
    if missing and len(table) and min(missing) < table.columns.max():
        raise LthError(f"the records of {arm} skip {_names(missing)}: restore them, or run the study again")
    if missing:
        raise MissingRecords(f"there are no records of {arm} at {_names(missing)}: run the study further")
    return table[levels].dropna()


def _names(levels) -> str:
    if len(levels) > 2 and list(levels) == list(range(levels[0], levels[-1] + 1)):
        return f"levels {levels[0]} to {levels[-1]}"
    return f"level {levels[0]}" if len(levels) == 1 else "levels " + ", ".join(map(str, levels))


def estimate(effect: Effect, ours: np.ndarray, theirs: np.ndarray, generator: np.random.Generator) -> Estimate:
    """The effect over paired trials (n,) each, with its interval.

    The deviation per trial is sqrt(n) times the jackknife standard error (Efron & Tibshirani, chapter 11), which for
    a mean of differences is their sample standard deviation and for a ratio of means its linearised counterpart.
    """
    n, value = len(ours), float(effect(ours, theirs))
    if n == 1:
        return Estimate(value, None, None, n, None)
    result = stats.bootstrap(
        (ours, theirs), effect, paired=True, n_resamples=RESAMPLES, method="percentile", rng=generator
    )
    without = np.array([effect(np.delete(ours, i), np.delete(theirs, i)) for i in range(n)])
    deviation = math.sqrt((n - 1) * ((without - without.mean()) ** 2).sum())
    return Estimate(value, *map(float, result.confidence_interval), n, deviation)


def mean_of_ratios(effect: Effect, ours: np.ndarray, theirs: np.ndarray) -> float:
    """The mean over trials of each trial's own effect, where `effect` takes the ratio of the means."""
    return float(effect(ours[:, None], theirs[:, None], axis=1).mean())


def best_gain(ours: np.ndarray, theirs: np.ndarray, generator: np.random.Generator) -> Estimate:
    """The mean gain (trials, levels) of each trial at the level that is best in the *other* trials, in points.

    The largest of many noisy means flatters: choosing without the trial that is then measured does not. Each resample
    of the trials chooses anew, since the choice is as uncertain as what is measured there; copies of a trial are left
    out of its choice like itself, and where it alone was drawn, the trials that were not drawn choose. A single trial
    is taken at its own best level.
    """
    gains, n = 100 * (ours - theirs), len(ours)
    value = float(_at_others_best(gains, np.ones((1, n), int))[0])
    if n == 1:
        return Estimate(value, None, None, n, None)
    resampled = _at_others_best(gains, generator.multinomial(n, np.full(n, 1 / n), RESAMPLES))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Estimate(value, float(low), float(high), n, n / math.sqrt(n - 1) * float(resampled.std()))


def _at_others_best(gains: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The mean (resamples,) over trials, each counted as often as it is `drawn` (resamples, trials)."""
    sums, found = drawn @ gains, np.zeros(len(drawn))
    for trial, own in enumerate(gains):
        others = sums - drawn[:, [trial]] * own
        others[drawn[:, trial] == drawn.sum(axis=1)] = gains.sum(axis=0) - own if len(gains) > 1 else own
        found += drawn[:, trial] * own[others.argmax(axis=1)]
    return found / drawn.sum(axis=1)


def falls_below(estimates: dict[int, Estimate]) -> int | None:
    """The first level from which the interval lies wholly below 0, there and at every later level; None if never."""
    found = None
    for level in sorted(estimates, reverse=True):
        high = estimates[level].high
        if high is None or high >= 0:
            break
        found = level
    return found


def stretch(estimates: dict[int, Estimate]) -> tuple[int, int] | None:
    """First and last level of the widest stretch that starts and ends with an interval wholly above 0; None if none.

    A level whose interval lies wholly below 0 ends a stretch; one whose interval includes 0 does not.
    """
    stretches = [[]]
    for level in sorted(estimates):
        one = estimates[level]
        if one.high is not None and one.high < 0:
            stretches.append([])
        elif one.low is not None and one.low > 0:
            stretches[-1].append(level)
    found = [(levels[0], levels[-1]) for levels in stretches if levels]
    return max(found, key=lambda ends: ends[1] - ends[0], default=None)
