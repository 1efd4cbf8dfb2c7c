"""Figures from records, readable in grey and by colour-blind readers: every arm has its own colour, marker and dash."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from lth.analysis import curves_at, trials_note, with_dense
from lth.records import Records

ENVELOPE = ("pi", 100)  # from the lowest to the highest trial, as the report and the paper draw it

_colours = sns.color_palette("colorblind")
STYLES = {  # arm: its name in legends, colour, marker, dash
    "ticket": ("winning ticket", _colours[0], "o", ""),
    "reinit": ("same masks, fresh weights", _colours[1], "s", (4, 2)),
    "random-mask": ("random masks, original weights", _colours[2], "^", (1, 1.5)),
    "oneshot": ("one-shot ticket", _colours[4], "D", (6, 1, 1, 1)),
    "oneshot-reinit": ("one-shot masks, fresh weights", _colours[5], "v", (3, 1, 1, 1, 1, 1)),
    "chain-reinit": ("own chain, fresh weights", _colours[7], "P", (2, 2)),
}


def learning_curves(records: Records, levels: list[int], planned: int, until: int | None = None) -> Figure:
    """Test accuracy against training iteration, up to `until`, at some levels: solid for tickets, else dashed."""
    curves = curves_at(records, levels)
    if until:
        curves = curves[curves["iteration"] <= until].copy()
    curves["weights left"] = curves["density"].map("{:.1%}".format)
    _name_arms(curves)
    figure, ax = new_figure((7.2, 4.6))
    sns.lineplot(
        curves, x="iteration", y="test_acc", hue="weights left", style="arm", errorbar=ENVELOPE, ax=ax,
        hue_order=[f"{d:.1%}" for d in sorted(curves["density"].unique(), reverse=True)], palette="viridis",
        dashes=_by_name(curves, 3), err_kws={"alpha": 0.12}, linewidth=1.6,
    )  # fmt: skip
    settled = curves[curves["iteration"] >= 0.1 * curves["iteration"].max()]["test_acc"]
    ax.set(ylim=(settled.min() - 0.004, settled.max() + 0.002), xlim=(0, None))
    _label(ax, "training iteration", "test accuracy (%)", trials_note(records.runs, planned))
    ax.yaxis.set_major_formatter(FuncFormatter(_percent))
    ax.xaxis.set_major_formatter(FuncFormatter(_thousands))
    return figure


def against_density(records: Records, column: str, label: str, planned: int, percent: bool = False) -> Figure:
    """A column of the runs against density on a log axis; the dotted line is the dense net's mean."""
    runs = with_dense(records.runs)
    runs["percent"] = 100 * runs["density"]
    dense = runs[(runs["arm"] == "ticket") & (runs["level"] == 0)][column].mean()
    _name_arms(runs)
    figure, ax = new_figure((7.2, 4.4))
    sns.lineplot(
        runs, x="percent", y=column, hue="arm", style="arm", errorbar=ENVELOPE, ax=ax, palette=_by_name(runs, 1),
        markers=_by_name(runs, 2), dashes=_by_name(runs, 3), err_kws={"alpha": 0.15}, linewidth=1.6, markersize=6,
    )  # fmt: skip
    ax.axhline(dense, color="0.35", linestyle=":", linewidth=1.2, label="dense net, mean")
    density_axis(ax, runs["percent"].unique())
    _label(ax, "weights left (%, log scale)", label, trials_note(records.runs, planned))
    ax.yaxis.set_major_formatter(FuncFormatter(_percent if percent else _thousands))
    return figure


def density_axis(ax: Axes, percents) -> None:
    """A log axis that runs from dense to sparse, with a tick at every second level."""
    ticks = sorted(percents, reverse=True)
    ticks = ticks[:: max(1, len(ticks) // 7)]
    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(ticks, [f"{t:.3g}" for t in ticks])
    ax.invert_xaxis()


def _percent(y: float, _) -> str:
    return f"{100 * y:.4g}"


def _thousands(y: float, _) -> str:
    return f"{y:,.0f}"


def new_figure(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """An empty figure in the book's style, not registered with pyplot's display."""
    with sns.axes_style("whitegrid", {"grid.color": "0.9"}), sns.plotting_context("notebook"):
        figure, ax = plt.subplots(figsize=size, dpi=144, layout="constrained")
    plt.close(figure)
    return figure, ax


def _name_arms(frame: pd.DataFrame) -> None:
    """Replace arms by their names in legends, in the order of STYLES."""
    order = [name for arm, (name, *_) in STYLES.items() if arm in set(frame["arm"])]
    frame["arm"] = pd.Categorical(frame["arm"].map({arm: style[0] for arm, style in STYLES.items()}), order)


def _by_name(frame: pd.DataFrame, what: int) -> dict:
    """One property of STYLES by the names that occur in a frame."""
    return {style[0]: style[what] for style in STYLES.values() if style[0] in set(frame["arm"])}


def _label(ax: Axes, x: str, y: str, note: str) -> None:
    """Axis labels, a legend without a frame, and how many trials are shown."""
    ax.set(xlabel=x, ylabel=y)
    ax.legend(title=None, frameon=True, framealpha=0.9, edgecolor="none", fontsize="small")
    ax.set_title(f"{note}; mean and min–max", loc="right", fontsize="small", color="0.35")
    sns.despine(ax=ax, left=True)
