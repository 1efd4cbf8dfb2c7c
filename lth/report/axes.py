"""Empty figures in the book's style, and how their axes are told."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

WIDTH = 5.6  # inches of a figure of several panels: its text stays readable on a phone


def new_figure(size: tuple[float, float], context: str = "notebook") -> tuple[Figure, Axes]:
    """An empty figure in the book's style, not registered with pyplot's display, and its axes."""
    figure, axes = new_grid(size, 1, context=context)
    return figure, axes[0, 0]


def new_grid(
    size: tuple[float, float], rows: int, columns: int = 1, context: str = "notebook", **shared
) -> tuple[Figure, np.ndarray]:
    """Like new_figure, with (rows, columns) axes, which plt.subplots' arguments `shared` may tie together."""
    with sns.axes_style("whitegrid", {"grid.color": "0.9"}), sns.plotting_context(context):
        figure, axes = plt.subplots(rows, columns, figsize=size, dpi=144, layout="constrained", squeeze=False, **shared)
    plt.close(figure)
    return figure, axes


def density_axis(ax: Axes, percents, most: int = 8) -> None:
    """A log axis that runs from dense to sparse, with ticks at about `most` of the levels, evenly spread."""
    ticks = sorted(percents, reverse=True)
    ticks = ticks[:: max(1, len(ticks) // (most - 1))]
    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(ticks, [f"{t:.3g}" for t in ticks])
    if not ax.xaxis_inverted():  # of panels that share an axis, the first one has turned it for all
        ax.invert_xaxis()


def percent(y: float, _) -> str:
    """A tick of an axis of accuracies (0-1), in percent."""
    return f"{100 * y:.4g}"


def thousands(y: float, _) -> str:
    """A tick of an axis of iterations."""
    return f"{y:,.0f}"
