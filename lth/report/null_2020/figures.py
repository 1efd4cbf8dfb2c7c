"""The figures of the investigation: what each deviation leaves, what their combinations leave, how weights move."""

import math
from collections.abc import Sequence
from textwrap import fill

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from lth.report import verdicts
from lth.report.axes import WIDTH, new_grid
from lth.report.null_2020.figures_of_2020 import POINTS
from lth.report.null_2020.movement import QUANTITIES
from lth.report.null_2020.rule import GONE, RULING
from lth.report.null_2020.sentences import row_name

COLOURS = sns.color_palette("colorblind")
STYLES = verdicts.NULL | verdicts.TOGETHER
TITLES = {"speed": "in speed", "accuracy": "in accuracy"}
FURTHEST = 2.0  # shares beyond plus or minus this end in an arrow
LINES = [
    ("-", "o"),
    ((0, (4, 2)), "s"),
    ((0, (1, 1.5)), "^"),
    ((0, (6, 1, 1, 1)), "D"),
    ((0, (3, 1, 1, 1)), "v"),
    ((0, (2, 2)), "P"),
]


def shares(rows: pd.DataFrame, title: str, note: str) -> Figure:
    """What is left of the protocol's advantage, a line a deviation and a panel a measure, with 95 % intervals.

    `rows` as rule.table returns them, drawn in their order from the top. Grey: less than a third, which counts
    as gone. Dotted: none of it, and all of it.
    """
    height = 1.55 + 0.36 * len(rows)
    figure, axes = new_grid((WIDTH, height), 1, 2, context="paper", sharey=True)
    seen = {}
    for ax, measure in zip(axes[0], RULING, strict=True):
        _share_axis(ax, len(rows), measure)
        for y, (_, row) in enumerate(rows.iterrows()):
            if pd.isna(row[f"{measure} share"]):
                ax.text(
                    0.5,
                    y,
                    "cannot tell" if row["n"] else "no runs yet",
                    ha="center",
                    va="center",
                    color="0.35",
                    fontsize=8,
                )
                continue
            seen[row["verdict"]] = _mark(ax, y, *_ends(row, f"{measure} share"), row["verdict"])
    axes[0, 0].set_yticks(range(len(rows)), _names(rows), fontsize=9)
    order = [word for word in STYLES if word in seen]
    figure.legend([seen[word] for word in order], order, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.suptitle(fill(f"{title}; {note}", 78), fontsize=9, color="0.35", x=0.99, ha="right")
    return figure


def combinations(rows: pd.DataFrame, note: str) -> Figure:
    """The corners of a factorial: what is left of the advantage with every combination of the deviations."""
    rows = rows.assign(deviation=rows["deviation"].str.replace(" + ", " +\n"))
    return shares(rows, "share of the protocol's advantage that is left", note)


def movements(table: pd.DataFrame, layer: str, recipes: dict[str, str], note: str) -> Figure:
    """How far a layer's survivors have moved, against iteration: a panel a quantity, a line a recipe.

    `table` as movement.drifts returns it, `recipes` with the names they have in the legend. Bands reach from the
    lowest to the highest trial.
    """
    figure, axes = new_grid((WIDTH, 6.6), len(QUANTITIES), context="paper", sharex=True)
    table = table[table["layer"] == layer]
    for ax, (quantity, label) in zip(axes[:, 0], QUANTITIES.items(), strict=True):
        for i, (recipe, name) in enumerate(recipes.items()):
            along = table[table["recipe"] == recipe].groupby("iteration")[quantity].agg(["mean", "min", "max"])
            dash, marker = LINES[i % len(LINES)]
            colour = COLOURS[(0, 1, 2, 4, 5, 7)[i % 6]]
            style = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 4, "linewidth": 1.6}
            ax.plot(along.index, along["mean"], label=name, **style)
            ax.fill_between(along.index, along["min"], along["max"], color=colour, alpha=0.15, linewidth=0)
        ax.set(xscale="log", ylabel=label)
        if quantity != "cosine":
            ax.set_yscale("log")
        if quantity == "grown":
            ax.axhline(1, color="0.35", linestyle=":", linewidth=1.2)
        ax.yaxis.set_minor_locator(NullLocator())
        sns.despine(ax=ax, left=True)
    axes[-1, 0].set_xlabel("training iteration (log scale)")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    figure.suptitle(fill(note, 78), fontsize=9, color="0.35", x=0.99, ha="right")
    return figure


def _share_axis(ax: Axes, rows: int, measure: str) -> None:
    """A panel for so many rows: what counts as gone in grey, none and all of the advantage dotted."""
    ax.axvspan(-GONE, GONE, color="0.9", zorder=0)
    for share in (0, 1):
        ax.axvline(share, color="0.35", linestyle=":", linewidth=1.2, zorder=1)
    ax.set_title(TITLES[measure], loc="left", fontsize=9, fontweight="bold")
    ax.xaxis.set_major_formatter(PercentFormatter(1, 0))
    ax.margins(x=0.08)
    ax.set(ylim=(rows - 0.4, -0.6), xlabel="of the protocol's")
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)


def _ends(row: pd.Series, name: str) -> tuple[float, float, float]:
    """Value and ends of the interval; the value itself where there is no interval."""
    low, high = row[f"{name} low"], row[f"{name} high"]
    return row[name], row[name] if pd.isna(low) else low, row[name] if pd.isna(high) else high


def _mark(ax: Axes, y: float, value: float, low: float, high: float, verdict: str):
    """One interval with its mark, kept within FURTHEST; returns the mark, for the legend."""
    style = STYLES[verdict]
    within = [max(-FURTHEST, min(FURTHEST, end)) for end in (value, low, high)]
    ax.plot(within[1:], [y, y], color=style.colour, linewidth=2, zorder=3)
    for end, cut, arrow in ((low, within[1], "<"), (high, within[2], ">")):
        if end != cut:
            ax.plot(cut, y, arrow, color=style.colour, markersize=6, zorder=3)
    face = style.colour if style.filled else "white"
    (mark,) = ax.plot(
        within[0], y, style.marker, color=style.colour, markerfacecolor=face, markersize=7, zorder=4, linestyle=""
    )
    return mark


def _names(rows: pd.DataFrame) -> list[str]:
    """The rows' names, with n where it differs between them."""
    differ = rows["n"].nunique() > 1
    return [row_name(row) + (f" (n = {row['n']})" if differ and row["n"] else "") for _, row in rows.iterrows()]


GREY = "0.55"
Range = tuple[tuple[float, ...], tuple[float, float]]  # the densities of a Point, and what it lies within


def draw_2020(ax: Axes, figure: int) -> None:
    """What the report's figure shows, in grey behind ours: hatched where it was read as a range, an arrow beyond."""
    style = {"facecolor": "0.8", "edgecolor": GREY, "hatch": "///", "linewidth": 0, "alpha": 0.6, "zorder": 0}
    name = f"2020 report, as read from its Figure {figure}"
    ranges = [(point.densities, point.within) for point in POINTS if point.figure == figure and point.within]
    if figure == 1:
        _bands(ax, ranges, name, style)
    else:
        (along, (low, high)), (end, (least, most)) = ranges
        ax.fill_between(along, low, high, label=name, **style)
        limit, marker = (most, "v") if math.isfinite(most) else (least, "^")
        ax.plot([along[1], end[0]], [(low + high) / 2, limit], color=GREY, linestyle="--",
                linewidth=1.6, zorder=1)  # fmt: skip
        ax.plot(end[0], limit, marker, color=GREY, markersize=9, zorder=1)
    ax.legend(frameon=False, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)


def _bands(ax: Axes, ranges: Sequence[Range], name: str, style: dict) -> None:
    """Each range as a band over the whole width, with the densities beside it; the axis is widened to hold them."""
    margin = 0.002
    bottom, top = ax.get_ylim()
    for i, (densities, (low, high)) in enumerate(ranges):
        ax.axhspan(low, high, label=name if i == 0 else None, **style)
        bottom, top = min(bottom, low - margin), max(top, high + margin)
        text = "2020:\n" + ",\n".join(f"{density:g}%" for density in densities)
        where = {"xycoords": ("axes fraction", "data"), "va": "center"}
        ax.annotate(text, (1.01, (low + high) / 2), color="0.3", fontsize="small", **where)
    ax.set_ylim(bottom, top)
