"""Figures of estimates with their intervals, a row each."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lth.report import axes, styles

# ticks of a log axis: of ratios, and of iterations
TICKS = (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)


def rows(frame: pd.DataFrame, panels: Mapping[str, Mapping[str, Any]]) -> list[Figure]:
    """A panel for each title, in the frame's order, with a row for each estimate, the first on top.

    frame: a row an estimate, in the columns panel, row (its label), mean, low, high, and, as far as there are any:
        group (estimates of one row in several groups lie side by side, each group in its style and in the legend),
        claimed, from and to (the paper's number as a mark, and a range to hold against it as a grey bar), and note
        (said at the right).
    panels: for each title `x`, what its axis says, and what is not the default: `none`, the value that means no effect,
        `log`, a log axis of ratios or of iterations, and `ends`, those of the axis where an interval goes on beyond.
    """
    titles = frame["panel"].unique()
    return [_panel(frame[frame["panel"] == title], title, len(titles), **panels[title]) for title in titles]


def _panel(
    estimates: pd.DataFrame,
    title: str,
    panels: int,
    x: str,
    none: float | None = 0.0,
    log: bool = False,
    ends: tuple[float, float] | None = None,
) -> Figure:
    """One panel of `rows`."""
    labels = list(estimates["row"].unique())
    grouped = "group" in estimates and estimates["group"].notna().all()
    groups = dict(list(estimates.groupby("group", sort=False))) if grouped else {"": estimates}
    width = axes.PANEL[0] if panels > 1 else axes.WIDE[0]
    beside = {label: [group for group, shown in groups.items() if label in set(shown["row"])] for label in labels}
    groups_a_row = max(map(len, beside.values()))
    row = max(0.2 + 0.1 * groups_a_row, 0.14 * max(label.count("\n") + 1 for label in labels))  # inches
    figure, ax = axes.new_panel(title, (width, 0.9 + row * len(labels)))
    for (group, shown), (colour, marker, _) in zip(groups.items(), styles.LOOKS, strict=False):
        places = [labels.index(label) + _offset(group, beside[label]) for label in shown["row"]]
        for y, estimate in zip(places, shown.to_dict("records"), strict=True):
            _claimed(ax, y, estimate)
            if pd.notna(estimate["low"]):
                ax.plot([estimate["low"], estimate["high"]], [y, y], color=colour, linewidth=2, zorder=3)
            if pd.notna(estimate.get("note")):
                ax.annotate(estimate["note"], (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=8)
        ax.plot(shown["mean"], places, marker, color=colour, markersize=6, markeredgewidth=0, zorder=4, label=group)
    if none is not None:
        ax.axvline(none, color=styles.MUTED, linestyle=":", linewidth=1.2)
    if log:
        ax.set_xscale("log")
        ticks = [tick for tick in TICKS if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
        ax.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
        ax.xaxis.set_minor_locator(NullLocator())
    if ends is not None:
        ax.set_xlim(*ends)
    ax.set(xlabel=x, ylim=(len(labels) - 0.4, -0.6))
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(axis="y", length=0, labelcolor=styles.INK)
    ax.grid(axis="y", visible=False)
    if len(groups) > 1:
        axes.legend_above(figure, ax)
    return figure


def _offset(group: str, beside: list[str]) -> float:
    """How far below the middle of its row a group lies, among those of this row."""
    return min(0.24, 0.72 / len(beside)) * (beside.index(group) - (len(beside) - 1) / 2)


def _claimed(ax: Axes, y: float, estimate: Mapping[str, Any]) -> None:
    """A range in grey, and the claimed number, as far as the row has them."""
    if pd.notna(estimate.get("from")):
        bar = ax.barh(y, estimate["to"] - estimate["from"], 0.6, estimate["from"], color=styles.GRID, zorder=1)
        bar[0].sticky_edges.x.clear()  # an axis that ends at a bar would hide that the bar ends
    if pd.notna(estimate.get("claimed")):
        ax.plot([estimate["claimed"]] * 2, [y - 0.3, y + 0.3], color=styles.MUTED, linewidth=2, zorder=2)
