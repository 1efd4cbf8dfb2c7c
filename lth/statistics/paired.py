"""Paired comparisons of arms, computed from the table `runs` of studies (see lth.records).

The trial is the unit: all sides of a comparison come from the same trial, several draws in a trial are averaged first,
and only trials that hold every level asked for count.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lth.errors import LthError, check_choice
from lth.statistics import bootstrap
from lth.statistics.bootstrap import Estimate, MissingRecords

MEASURES = (
    *("early_stop_iteration", "early_stop_test_acc", "final_test_acc"),
    *("iterations_to_accuracy", "iterations_to_loss", "late_test_acc"),  # of curves, see lth.claims.quality
)
EARLY, AT_EARLY, AT_END, TO_ACCURACY, TO_LOSS, LATE = MEASURES
# What is measured beside training, in tables of the same keys: accuracy before training, the share of test images on
# which two networks differ, what an ensemble gains, the error barrier between networks, the accuracy of learned masks.
INSTRUMENTS = ("start_test_acc", "disagreement", "ensemble_gain", "barrier", "mask_test_acc")
START_ACC, DISAGREEMENT, ENSEMBLE_GAIN, BARRIER, MASK_ACC = INSTRUMENTS
DENSE = "dense"  # in the place of an arm: the ticket's level 0
Effect = Callable[..., np.ndarray]  # effect(ours, theirs, axis): compares two equally long sets of trials


def gain(ours: np.ndarray, theirs: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean over `axis` of the paired differences of accuracies (0-1), in percentage points. No effect: 0."""
    return 100 * (ours - theirs).mean(axis)


def sooner(ours: np.ndarray, theirs: np.ndarray, axis: int = -1) -> np.ndarray:
    """How much earlier ours comes, in percent of theirs: from the ratio of the means over `axis`. No effect: 0."""
    return 100 * (1 - _ratio(ours, theirs, axis))


def times(ours: np.ndarray, theirs: np.ndarray, axis: int = -1) -> np.ndarray:
    """How many times as fast ours is: the mean of theirs over that of ours, over `axis`. No effect: 1."""
    return _ratio(theirs, ours, axis)


def log_times(ours: np.ndarray, theirs: np.ndarray, axis: int = -1) -> np.ndarray:
    """The logarithm of `times`, whose errors are nearer to symmetric. No effect: 0."""
    return np.log(times(ours, theirs, axis))


def _ratio(top: np.ndarray, bottom: np.ndarray, axis: int) -> np.ndarray:
    """The ratio of the means; LthError where the lower one is 0."""
    below = bottom.mean(axis)
    if np.any(below == 0):
        raise LthError("a network that stops at iteration 0 never improved and has no speed: look at that run")
    return top.mean(axis) / below


@dataclass(frozen=True)
class Side:
    """One side of a comparison: an arm, or DENSE, at some levels of the runs of one recipe.

    recipe: None where the runs are of a single one anyway. DENSE stands for the dense network at every level.
    """

    runs: pd.DataFrame
    arm: str
    levels: Sequence[int]
    recipe: str | None = None


def paired(sides: Sequence[Side], measure: str) -> list[np.ndarray]:
    """`measure` of each side, (trials, levels) each, row by row from the same trial: those that all sides have.

    LthError for an unknown measure, where a side's runs are of several recipes, and where a level is missing below
    others; MissingRecords where a side does not reach its levels and where no trial has all that is needed.
    """
    check_choice("measure", measure, (*MEASURES, *INSTRUMENTS))
    tables = [_by_trial(side, measure) for side in sides]
    trials = tables[0].index
    for table in tables[1:]:
        trials = trials.intersection(table.index)
    if trials.empty:
        named = list(dict.fromkeys(f"{side.arm} at {_names(side.levels)}" for side in sides))
        raise MissingRecords(f"no trial has {' and '.join(named)}: run the study further")
    return [table.loc[trials].to_numpy() for table in tables]


def _by_trial(side: Side, measure: str) -> pd.DataFrame:
    """The trials that have all the side's levels x these levels: the mean over draws."""
    runs = side.runs if side.recipe is None else side.runs[side.runs["recipe"] == side.recipe]
    if runs["recipe"].nunique() > 1:
        names = ", ".join(sorted(runs["recipe"].unique()))
        raise LthError(f"these records mix the recipes {names}: choose the rows of one of them before comparing arms")
    arm, levels = ("ticket", [0]) if side.arm == DENSE else (side.arm, list(side.levels))
    table = runs[runs["arm"] == arm].pivot_table(index="trial", columns="level", values=measure, aggfunc="mean")
    missing = [level for level in levels if level not in table]
    of_recipe = f" of {side.recipe}" if side.recipe else ""
    if missing and len(table) and min(missing) < table.columns.max():
        raise LthError(f"the records of {arm}{of_recipe} skip {_names(missing)}: restore them, or run the study again")
    if missing:
        raise MissingRecords(f"there are no records of {arm}{of_recipe} at {_names(missing)}: run the study further")
    table = table[levels].dropna()
    return pd.DataFrame({level: table[0] for level in side.levels}) if side.arm == DENSE else table


def _names(levels: Iterable[int]) -> str:
    """Levels in prose: "level 7", "levels 1, 3" or "levels 1 to 4"."""
    levels = list(levels)
    if len(levels) > 2 and levels == list(range(levels[0], levels[-1] + 1)):
        return f"levels {levels[0]} to {levels[-1]}"
    return f"level {levels[0]}" if len(levels) == 1 else "levels " + ", ".join(map(str, levels))


def estimate(effect: Effect, ours: np.ndarray, theirs: np.ndarray, generator: np.random.Generator) -> Estimate:
    """The effect over paired trials, (n,) each, with its interval and its deviation per trial."""
    return bootstrap.estimate(lambda trials: effect(ours[trials], theirs[trials]), len(ours), generator)


def mean_of_ratios(effect: Effect, ours: np.ndarray, theirs: np.ndarray) -> float:
    """The mean over trials, (n,) each, of each trial's own effect, where `effect` takes the ratio of the means."""
    return float(effect(ours[:, None], theirs[:, None], axis=1).mean())


def best_gain(ours: np.ndarray, theirs: np.ndarray, generator: np.random.Generator) -> Estimate:
    """The mean gain of each trial at the level that is best in the *other* trials, in percentage points.

    `ours` and `theirs` are accuracies (0-1), (trials, levels) each. The largest of many noisy means flatters: choosing
    without the trial that is then measured does not. Each resample of the trials chooses anew, since the choice is as
    uncertain as what is measured there; copies of a trial are left out of its choice like itself, and where it alone
    was drawn, the trials that were not drawn choose. A single trial is taken at its own best level.
    """
    gains, n = 100 * (ours - theirs), len(ours)
    value = float(_at_others_best(gains, np.ones((1, n), int))[0])
    if n == 1:
        return Estimate(value, None, None, n, None)
    resampled = _at_others_best(gains, generator.multinomial(n, np.full(n, 1 / n), bootstrap.RESAMPLES))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Estimate(value, float(low), float(high), n, n / math.sqrt(n - 1) * float(resampled.std()))


def _at_others_best(gains: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The mean (resamples,) over trials, each counted as often as it is `drawn` (resamples, trials)."""
    sums, total = drawn @ gains, np.zeros(len(drawn))
    for trial, own in enumerate(gains):
        others = sums - drawn[:, [trial]] * own
        others[drawn[:, trial] == drawn.sum(axis=1)] = gains.sum(axis=0) - own if len(gains) > 1 else own
        total += drawn[:, trial] * own[others.argmax(axis=1)]
    return total / drawn.sum(axis=1)


def falls_below(estimates: dict[int, Estimate]) -> int | None:
    """The first level from which the interval lies wholly below 0, there and at every later level; None if never."""
    first = None
    for level in sorted(estimates, reverse=True):
        if not estimates[level].below(0):
            break
        first = level
    return first


def first_below(gains: np.ndarray, limit: float) -> np.ndarray:
    """At which place the first of the gains, (..., levels), lies below the limit with all later ones, (...).

    Where the last one does not, the place is that after it.
    """
    stay = np.logical_and.accumulate(gains[..., ::-1] < limit, axis=-1)
    return gains.shape[-1] - stay.sum(axis=-1)


def stretch(estimates: dict[int, Estimate]) -> tuple[int, int] | None:
    """First and last level of the widest stretch that starts and ends with an interval wholly above 0; None if none.

    A level whose interval lies wholly below 0 ends a stretch; one whose interval includes 0 does not.
    """
    stretches: list[list[int]] = [[]]
    for level in sorted(estimates):
        if estimates[level].below(0):
            stretches.append([])
        elif estimates[level].above(0):
            stretches[-1].append(level)
    ends = [(levels[0], levels[-1]) for levels in stretches if levels]
    return max(ends, key=lambda pair: pair[1] - pair[0], default=None)
