"""Figures of lines with 95 % intervals: against density, and along training."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth.report import axes, styles

PAPER = "paper"  # in the place of a line: numbers that the paper prints


def against_density(frame: pd.DataFrame, panels: Mapping[str, Mapping[str, Any]]) -> list[Figure]:
    """A panel for each title, in the frame's order, with its lines against density, from dense to sparse.

    frame: a row a point, in the columns panel, line (an arm, a line of styles.REPORT, or "paper" for what the paper
        prints), percent of the weights, mean, and low and high where there is an interval (see lth.report.summaries).
    panels: for each title `y`, what its axis says, and what is not the default: `log` (a log axis of iterations),
        `low` and `high`, the ends of its axis, `dense`, a value to draw a dotted line at; `columns` of its legend.
    """
    titles = frame["panel"].unique()
    return [_panel(frame[frame["panel"] == title], title, len(titles), **panels[title]) for title in titles]


def _panel(
    points: pd.DataFrame,
    title: str,
    panels: int,
    y: str,
    log: bool = False,
    low: float | None = None,
    high: float | None = None,
    dense: float | None = None,
    columns: int = 2,
) -> Figure:
    """One panel of `against_density`."""
    figure, ax = axes.new_panel(title, axes.PANEL if panels > 1 else axes.WIDE)
    for name in points["line"].unique():
        line = points[points["line"] == name]
        if name == PAPER:
            ax.plot(
                line["percent"], line["mean"], "D", color=styles.INK, markerfacecolor="none", label="paper", zorder=5
            )
        else:
            with_interval(ax, line, "percent", styles.of(name))
    if dense is not None:
        ax.axhline(dense, color=styles.MUTED, linestyle=":", linewidth=1.2, label="dense network")
    measured = points[points["line"] != PAPER]
    axes.density_axis(ax, measured["percent"])
    ax.set_ylabel(y)
    if log:
        ends = points[["mean", "low", "high"]].to_numpy(float)
        axes.iterations_axis(ax, low or 0.9 * np.nanmin(ends), high or 1.1 * np.nanmax(ends))
    else:
        ax.set_ylim(low, high)
    axes.legend_above(figure, ax, columns)
    return figure


def with_interval(ax: Axes, line: pd.DataFrame, x: str, style: styles.Style) -> None:
    """One line in its style, the means of `line` against its column `x`, over a band from its low to its high."""
    shown = {"color": style.colour, "linestyle": style.linestyle, "marker": style.marker or None}
    ax.plot(line[x], line["mean"], **shown, markeredgewidth=0, label=style.label)
    if line["low"].notna().any():
        ax.fill_between(line[x], line["low"], line["high"], color=style.colour, alpha=0.18, linewidth=0)


def along_training(frame: pd.DataFrame, panels: Mapping[str, Mapping[str, Any]]) -> list[Figure]:
    """A panel for each title, in the frame's order, with lines against the training iteration.

    frame: a row a point, in the columns panel, line (an arm), note (what a line's label adds to the arm's, such as the
        weights left; lines of one note share a marker), iteration, mean, and low and high where there is an interval.
    panels: for each title `y`, what its axis says, and what is not the default: `log`, `low` and `high` of its axis,
        `mark` (an iteration to draw an upright line at) with `marked`, what it says.
    """
    shown = {title: frame[frame["panel"] == title] for title in frame["panel"].unique()}
    return [_training_panel(points, title, len(shown), **panels[title]) for title, points in shown.items()]


def _training_panel(
    points: pd.DataFrame,
    title: str,
    panels: int,
    y: str,
    log: bool = False,
    low: float | None = None,
    high: float | None = None,
    mark: float | None = None,
    marked: str = "",
) -> Figure:
    """One panel of `along_training`."""
    figure, ax = axes.new_panel(title, axes.PANEL if panels > 1 else axes.WIDE)
    points = points.assign(note=["" if pd.isna(note) else str(note) for note in points["note"]])
    notes = list(points["note"].unique())
    colours = [styles.BLUE, styles.ORANGE, styles.GREEN, styles.RED, styles.PINK, styles.PURPLE]
    for (name, note), line in points.groupby(["line", "note"], sort=False):
        style, which = styles.of(name), notes.index(note)
        colour = colours[which % len(colours)] if len(notes) > 1 else style.colour
        parts = [style.label] if points["line"].nunique() > 1 or not note else []
        label = ", ".join([*parts, note] if note else parts)
        every = max(1, len(line) // 6)
        ax.plot(
            line["iteration"], line["mean"], color=colour, linestyle=style.linestyle, label=label,
            marker="os^DvP"[which % 6], markevery=(which * every // len(notes), every), markeredgewidth=0,
        )  # fmt: skip
        if line["low"].notna().any():
            ax.fill_between(line["iteration"], line["low"], line["high"], color=colour, alpha=0.15, linewidth=0)
    if mark is not None:
        ax.axvline(mark, color=styles.MUTED, linestyle=":", linewidth=1.2)
        ax.annotate(marked, (mark, 0.97), (4, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
                    va="top", color=styles.INK)  # fmt: skip
    ax.set(xlabel="training iteration", ylabel=y, ylim=(low, high), xlim=(0, None))
    if log:
        ax.set_yscale("log")
    ax.xaxis.set_major_formatter(axes.FuncFormatter(axes.thousands))
    axes.legend_above(figure, ax)
    return figure
