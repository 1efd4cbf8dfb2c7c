"""What one side of a comparison is ahead by, over trials, with t intervals: as dicts for rows of a figure's frame."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lth.records.selections import at
from lth.report.summaries import FEWEST, interval
from lth.statistics import paired
from lth.statistics.bootstrap import Estimate, as_ratio
from lth.statistics.paired import AT_EARLY, EARLY, Side
from lth.statistics.prediction import jackknife

Place = tuple[str, int]  # an arm at a level
Trained = tuple[str, str]  # a recipe and an arm


def times_as_early(ours: np.ndarray, theirs: np.ndarray) -> dict:
    """Theirs over ours, a ratio of means over paired trials, (n,) each: mean, low, high, n."""
    return _row(as_ratio(jackknife(lambda trials: paired.log_times(ours[trials], theirs[trials]), len(ours))))


def points(ours: np.ndarray, theirs: np.ndarray) -> dict:
    """The mean of the paired differences of accuracies (0-1), (n,) each, in percentage points: mean, low, high, n."""
    return _row(jackknife(lambda trials: paired.gain(ours[trials], theirs[trials]), len(ours)))


def ahead(ours: Side, theirs: Side, measure: str = AT_EARLY) -> dict:
    """How far ours is above theirs, averaged over the levels of each, in percentage points: mean, low, high, n."""
    return points(*(side.mean(axis=1) for side in paired.paired((ours, theirs), measure)))


def rows(
    panel: str, runs: pd.DataFrame, sides: Mapping[str, Trained], against: Trained, levels: list[int], **options: str
) -> list[dict]:
    """Rows of intervals.rows: for each label, what its recipe and arm is ahead of another, averaged over levels.

    options: `measure`, see `ahead`, and `group`, the rows' group.
    """
    group = {"group": options.pop("group")} if "group" in options else {}
    other = Side(runs, against[1], levels, against[0])
    return [
        {"panel": panel, "row": label} | group | ahead(Side(runs, arm, levels, recipe), other, **options)
        for label, (recipe, arm) in sides.items()
    ]


def percent(side: Side, measure: str = AT_EARLY) -> dict:
    """A share (0-1) itself, averaged over the levels, in percent, with its t interval: mean, low, high, n."""
    (values,) = paired.paired((side,), measure)
    return interval(100 * values.mean(axis=1))


def _row(found: Estimate) -> dict:
    """An estimate as columns, without its interval below FEWEST trials."""
    low, high = (found.low, found.high) if found.n >= FEWEST else (None, None)
    return {"mean": found.value, "low": low, "high": high, "n": found.n}


def sides(runs: pd.DataFrame, ours: Place, theirs: Place, column: str) -> tuple[np.ndarray, np.ndarray]:
    """`column` of two arms at their levels, over the trials that have both, draws averaged, (n,) each."""
    both = pd.concat([at(runs, *ours, column), at(runs, *theirs, column)], axis=1).dropna()
    return both.iloc[:, 0].to_numpy(float), both.iloc[:, 1].to_numpy(float)


def between(runs: pd.DataFrame, ours: Place, theirs: Place, column: str) -> dict:
    """How far `ours` is ahead of `theirs`: times as early, or percentage points where the column is an accuracy."""
    return (times_as_early if column == EARLY else points)(*sides(runs, ours, theirs, column))
