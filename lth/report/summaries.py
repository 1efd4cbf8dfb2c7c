"""Tidy frames that figures are drawn from: a row for each point, with its mean and 95 % interval over trials."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lth.records.published import Records
from lth.records.selections import average_draws, curves_at, on_copies, with_dense
from lth.report.styles import of
from lth.report.text import span
from lth.statistics.contrasts import over_trials

THINNED = 5000
FEWEST = 3  # trials of an interval: that of two is no more than a guess
POINT = ["panel", "line", "percent", "mean", "low", "high", "n"]


def against_density(
    runs: pd.DataFrame, column: str, panel: str, arms: Iterable[str] | None = None, scale: float = 1.0
) -> pd.DataFrame:
    """The mean over trials of a column of the runs at each density, with its t interval: columns POINT, by arm.

    Draws within a trial are averaged first. Arms that start from the ticket's dense network begin there. `scale`
    multiplies the column: 100 turns accuracies into percent. LthError for an arm without a style.
    """
    rows = average_draws(with_dense(runs), [column])
    points = []
    for arm in rows["arm"].unique() if arms is None else arms:
        of(arm)
        for _, group in rows[rows["arm"] == arm].groupby("level"):
            point = {"panel": panel, "line": arm, "percent": 100 * group["density"].mean()}
            points.append(point | interval(scale * group[column].to_numpy(float)))
    return pd.DataFrame(points, columns=POINT)


def interval(values: np.ndarray) -> dict:
    """Mean, ends of the 95 % t interval and number of one number a trial, (n,): columns mean, low, high, n.

    Below FEWEST trials there is no interval.
    """
    estimate = over_trials(values)
    low, high = (estimate.low, estimate.high) if estimate.n >= FEWEST else (np.nan, np.nan)
    return {"mean": estimate.value, "low": low, "high": high, "n": estimate.n}


def along_training(records: Records, column: str, levels: list[int], arms: Iterable[str]) -> pd.DataFrame:
    """The mean over trials of an accuracy (0-1), in percent: columns panel, line (an arm, or "dense"), iteration, mean.

    A panel for each level, which says how much of the weights is left. Without intervals; after THINNED iterations
    points between multiples of 500 are left out.
    """
    rows = average_draws(curves_at(records, [0, *levels]).dropna(subset=[column]), [column])
    rows = rows[(rows["iteration"] <= THINNED) | (rows["iteration"] % 500 == 0)]
    means = rows.groupby(["arm", "level", "iteration"], as_index=False)[[column, "density"]].mean()
    dense = means[(means["arm"] == "ticket") & (means["level"] == 0)].assign(arm="dense")
    shown = []
    for level in levels:
        here = means[means["level"] == level]
        parts = [here[here["arm"] == arm] for arm in arms]
        percent = 100 * here["density"].iloc[0]
        shown.append(pd.concat([*parts, dense]).assign(panel=f"{percent:.3g}% of the weights"))
    frame = pd.concat(shown).rename(columns={"arm": "line", column: "mean"})
    return frame.assign(mean=100 * frame["mean"])[["panel", "line", "iteration", "mean"]]


def trials(runs: pd.DataFrame, arms: Iterable[str]) -> str:
    """How many trials the arms have at each level, for a caption: "n = 20", or "n = 3–5" where levels differ."""
    counts = runs[runs["arm"].isin(list(arms))].groupby(["arm", "level"])["trial"].nunique()
    return f"n = {span(counts)}{on_copies(runs)}"
