"""Figures of single trials: a row of dots for each kind of network, and their mean."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from lth.report import axes, styles

TICKS = [factor * 10**power for power in range(1, 6) for factor in (1, 2, 5)]
LIFT = 0.11  # of a row, between dots of the same value


def strip(frame: pd.DataFrame, panels: Mapping[str, Mapping[str, Any]]) -> list[Figure]:
    """A panel for each title, in the frame's order, with a row of dots for each kind of network, the first on top.

    frame: a row a trial, in the columns panel, row (its label), line (the arm, for its colour and mark), and value. The
        upright mark is the row's mean. Dots of one value are stacked.
    panels: for each title `x`, what its axis says, and `log`, a log axis of iterations.
    """
    titles = frame["panel"].unique()
    return [_panel(frame[frame["panel"] == title], title, len(titles), **panels[title]) for title in titles]


def _panel(values: pd.DataFrame, title: str, panels: int, x: str, log: bool = False) -> Figure:
    """One panel of `strip`."""
    rows = list(values["row"].unique())
    figure, ax = axes.new_panel(title, ((axes.PANEL if panels > 1 else axes.WIDE)[0], 0.9 + 0.45 * len(rows)))
    for y, row in enumerate(rows):
        own = values[values["row"] == row]
        style = styles.of(own["line"].iloc[0])
        places = y - LIFT * stacked(own["value"].to_numpy(float))
        ax.plot(own["value"], places, style.marker, color=style.colour, markersize=4.5, alpha=0.75, markeredgewidth=0)
        mean = own["value"].mean()
        ax.plot([mean, mean], [y - 0.36, y + 0.36], color=styles.INK, linewidth=1.8)
    if log:
        ax.set_xscale("log")
        low, high = 0.9 * values["value"].min(), 1.1 * values["value"].max()
        ticks = [tick for tick in TICKS if low <= tick <= high]
        ax.set_xticks(ticks)
        ax.xaxis.set_major_formatter(FuncFormatter(axes.thousands))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlim(low, high)
    ax.set(xlabel=x, ylim=(len(rows) - 0.5, -0.7))
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(axis="y", length=0, labelcolor=styles.INK)
    ax.grid(axis="y", visible=False)
    return figure


def stacked(values: np.ndarray) -> np.ndarray:
    """For each value, how many equal ones come before it, centred on 0 among them."""
    before = pd.Series(values).groupby(values).cumcount().to_numpy()
    counts = pd.Series(values).groupby(values).transform("size").to_numpy()
    return before - (counts - 1) / 2
